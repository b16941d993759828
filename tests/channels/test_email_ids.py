"""Ids of mails on their way out and back: long ones, and ones that a program has encoded."""

import re
from email import message_from_bytes
from email.message import EmailMessage

import pytest

from bot.infra.clock import SystemClock
from channels.email.addresses import Mailbox
from channels.email.letter import MAX_REFERENCES, Letter, id_for, thread_of, written
from channels.email.mime import parse

DOMAIN = "mail.department-of-long-names.university-of-somewhere.example"
THREAD = "0123456789abcdef0123"
LEAVE = f"<mailto:team+unsubscribe@{DOMAIN}?subject=unsubscribe>"
OURS = id_for("crd_01M80DBSQTBG4QYX8PNBED5ZBX02-v1", THREAD, "ana@example.org", DOMAIN, "s")


@pytest.mark.parametrize("count", [1, MAX_REFERENCES])
def test_long_ids_leave_as_they_are_in_lines_that_every_server_takes(count: int) -> None:
    theirs = tuple(f"{'x' * 150}{n}@mx.example.org" for n in range(count))
    letter = Letter(
        key="rep_1",
        sender=Mailbox(address=f"team@{DOMAIN}"),
        to=Mailbox(address="ana@example.org"),
        subject="Re: " + "Grüße aus der Küche " * 9,
        text="Yes. " * 500,
        html="",
        message_id=OURS,
        parents=theirs,
        headers=(("List-Unsubscribe", LEAVE),),
    )
    raw = written(letter, SystemClock())
    plain = message_from_bytes(raw)
    assert plain["Message-ID"].split() == [f"<{OURS}>"]
    assert plain["In-Reply-To"].split() == [f"<{theirs[-1]}>"]
    assert plain["References"].split() == [f"<{each}>" for each in theirs]
    assert plain["List-Unsubscribe"].split() == [LEAVE]
    assert max(len(line) for line in raw.splitlines()) <= 998
    assert max(map(len, re.findall(rb"=\?\S+\?=", raw))) <= 75  # an encoded word, RFC 2047


@pytest.mark.parametrize(
    ("name", "first"), [("In-Reply-To", ""), ("References", "<first@example.org> ")]
)
def test_an_answer_whose_program_encodes_long_ids_finds_its_thread(name: str, first: str) -> None:
    answer = EmailMessage()
    answer["From"], answer["Message-ID"] = "ana@example.org", "<a1@example.org>"
    answer[name] = f"{first}<{OURS}>"
    answer.set_content("ok")
    raw = answer.as_bytes()
    assert OURS.encode() not in raw and b"=?utf-8?q?" in raw
    mail = parse(raw)
    assert OURS in mail.parents
    assert thread_of(mail.id, mail.parents, frozenset({DOMAIN})) == THREAD


def test_what_is_encoded_within_an_id_stays_no_id() -> None:
    raw = b"From: a@b.example\nMessage-ID: <=?utf-8?q?=3D=3Fx?=@b.example>\nReferences: =?x\n\nhi"
    assert "=?" not in parse(raw).id and parse(raw).parents == ()
