"""Where answers go: to Reply-To where the sender surely asked for it, else to who wrote."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.effect import EffectKind
from channels.email.letter import went_to
from channels.email.mime import parse
from tests.channels.email_side import ANA, HOME, KELLY, card_for, reply_to, taking, written
from tests.channels.test_email import by_smtp, heard

OFFICE = "office@example.org"
SIGNED = "v=1; a=rsa-sha256; d=example.org; s=k; h=from:to:subject:Reply-To:message-id; bh=x; b=y"


def asking(reply_to: str = OFFICE, signature: str = SIGNED, **headers: str) -> bytes:
    return written(Reply_To=reply_to, DKIM_Signature=signature, **headers)


@pytest.mark.parametrize(
    ("headers", "goes_to"),
    [
        ({}, OFFICE),
        ({"reply_to": f"The office <{OFFICE.upper()}>"}, OFFICE),
        ({"reply_to": ""}, ANA),
        ({"reply_to": ANA}, ANA),
        ({"reply_to": "office@evil.example"}, ANA),
        ({"reply_to": "office@sub.example.org"}, ANA),
        ({"reply_to": f"{OFFICE}, x@example.org"}, ANA),
        ({"reply_to": "team: office@example.org;"}, ANA),
        ({"signature": ""}, ANA),
        ({"signature": SIGNED.replace("Reply-To:", "")}, ANA),
        ({"signature": SIGNED.replace("example.org", "evil.example")}, ANA),
        ({"signature": SIGNED.replace("h=", "x=")}, ANA),
        ({"signature": SIGNED.replace(":Reply-To", " : Reply-To ")}, OFFICE),
    ],
)
async def test_an_answer_goes_to_reply_to_only_where_its_sender_surely_wrote_it(
    headers: dict[str, Any], goes_to: str
) -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(asking(**headers), box)
        assert event and event.trust.value == "person"
        await box.send(reply_to(event))
        assert smtp.taken[0].to == [goes_to] and smtp.taken[0].mail["To"] == goes_to


@pytest.mark.parametrize("ours", [HOME, KELLY, "team+kelly@bot.example"])
async def test_no_answer_goes_to_an_address_of_ours(ours: str) -> None:
    colleague = "bo@bot.example"
    proved = "mx.bot.example; dmarc=pass header.from=bot.example"
    raw = asking(
        ours,
        SIGNED.replace("example.org", "bot.example"),
        From=colleague,
        Authentication_Results=proved,
    )
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(raw, box)
        assert event
        await box.send(reply_to(event))
        assert smtp.taken[0].to == [colleague]


async def test_a_mail_whose_signatures_do_not_all_cover_it_is_answered_at_from() -> None:
    """Whoever adds a header adds a signature of his own above the true one."""
    true = b"DKIM-Signature: v=1; d=example.org; h=from:to:subject; b=z\n"
    twice = asking().replace(b"DKIM-Signature:", true + b"DKIM-Signature:", 1)
    below = asking().replace(
        b"DKIM-Signature:", true.replace(b"d=", b"d=mail.") + b"DKIM-Signature:", 1
    )
    two_headers = asking().replace(b"Reply-To:", b"Reply-To: x@example.org\nReply-To:", 1)
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        for n, raw in enumerate((twice, below, two_headers)):
            event = await heard(raw, box)
            assert event
            await box.send(reply_to(event, effect=f"rep_{n}"))
        assert [sent.to for sent in smtp.taken] == [[ANA]] * 3


async def test_a_question_and_an_answer_to_it_stay_with_the_person() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(asking(), box)
        assert event and event.sender.ext_id == ANA and event.place.id == ANA
        await box.send(reply_to(event))
        await box.send(card_for(event))
        # What announces it, and what the house says to a code or to a stranger, has codes too.
        told = reply_to(event, "Waiting (code 4821).", "rep_2")
        await box.send(replace(told, extra={**told.extra, "for_sender": True}))
        await box.send(replace(reply_to(event, "Noted.", "ntc_1"), kind=EffectKind.NOTICE))
        assert [sent.to for sent in smtp.taken] == [[OFFICE], [ANA], [ANA], [ANA]]
        # Ana answers what the office was sent: the same conversation.
        back = written("ok", Message_ID="<m2@e.org>", In_Reply_To=smtp.taken[0].mail["Message-ID"])
        again = await heard(back, box)
        assert again and again.place == event.place
        # A report that it could not be brought counts for the office, not for Ana.
        name = parse(smtp.taken[0].raw).id
        intake = box._intake
        assert went_to(name, OFFICE, intake.domains, intake.seal)
        assert not went_to(name, ANA, intake.domains, intake.seal)


LEAVE = "<mailto:team+unsubscribe@bot.example?subject=unsubscribe>"


async def test_what_is_no_answer_says_how_to_leave_and_an_answer_does_not() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(), box)
        assert event
        await box.send(reply_to(event))
        await box.send(card_for(event))
        told = reply_to(event, "Good morning.", "rep_9")  # by the clock, its thread long put away
        await box.send(replace(told, extra={**told.extra, "event": {}}))
        answer, card, greeting = (sent.mail for sent in smtp.taken)
        assert answer["In-Reply-To"] and answer["List-Unsubscribe"] is None
        for first in (card, greeting):
            assert first["In-Reply-To"] is None and first["List-Unsubscribe"] == LEAVE
            assert not first["Subject"].startswith("Re:")
            assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("agent", "named"), [("kelly", "kelly"), ("mark", "mark"), ("", "switchboard")]
)
async def test_a_mail_says_which_agent_wrote_it_also_from_the_houses_own_address(
    agent: str, named: str
) -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(to=HOME), box)
        assert event
        answer = reply_to(event)
        await box.send(replace(answer, extra={**answer.extra, "agent": agent}))
        await box.send(card_for(event, agent=agent))
        assert [sent.mail["X-Agent-ID"] for sent in smtp.taken] == [named] * 2
        assert smtp.taken[0].sender == (KELLY if agent == "kelly" else HOME)


async def test_a_question_stands_in_the_thread_of_what_it_is_about() -> None:
    async with taking() as smtp:
        box = by_smtp(smtp.port)
        event = await heard(written(References="<m-1@example.org> <m0@example.org>"), box)
        assert event
        card = card_for(event)
        await box.send(replace(card, extra={"event": event.payload}))
        mail = smtp.taken[0].mail
        assert mail["In-Reply-To"] == "<m1@example.org>"
        assert str(mail["References"]).split() == [
            f"<{each}@example.org>" for each in ("m-1", "m0", "m1")
        ]
        # It can still be told from an answer, and left.
        assert str(mail["Subject"]).startswith("Please decide")
        assert mail["Auto-Submitted"] == "auto-generated" and mail["List-Unsubscribe"] == LEAVE
