"""Mail beside a real mail server: IDLE, and the thread as a mail program of the person sees it."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.core.errors import VendorUnknown
from bot.core.ids import EffectId
from channels.email.box import Box
from tests import dovecot
from tests.channels.email_side import (
    ANA,
    HOME,
    card_for,
    channel,
    listening,
    reply_to,
    taking,
    until,
    written,
)
from tests.channels.test_email import SMTP, heard
from tests.tools.messages.test_email import message


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    if not dovecot.program():
        pytest.skip("Dovecot is not installed here.")
    with dovecot.running(HOME, ANA) as found:
        yield found


def told(server: dovecot.Dovecot) -> dict[str, object]:
    return {
        "imap_host": server.host,
        "imap_port": server.imap_port,
        "imap_security": "none",
        "imap_username": HOME,
        "imap_password": dovecot.PASSWORD,
    }


async def test_a_thread_is_one_thread_in_the_persons_own_mailbox(server: dovecot.Dovecot) -> None:
    async with taking() as smtp:
        box = channel(**SMTP, smtp_port=smtp.port, **told(server))
        async with listening(box) as sink:
            first = written("How are you?", Subject="Tee für zwei")
            server.put(ANA, first)
            server.put(HOME, first)
            await until(lambda: sink.events)
            await box.send(reply_to(sink.events[0]))
            answer = smtp.taken[0].raw
            server.put(ANA, answer)
            # Ana answers, while the house waits by IDLE.
            parent = smtp.taken[0].mail["Message-ID"]
            second = written(
                "OK",
                Message_ID="<m2@example.org>",
                In_Reply_To=str(parent),
                References=f"<m1@example.org> {parent}",
                Subject="Re: Tee für zwei",
            )
            server.put(ANA, second)
            server.put(HOME, second)
            await until(lambda: len(sink.events) == 2)
            assert sink.events[1].place == sink.events[0].place
            await box.send(reply_to(sink.events[1], effect="rep_2"))
            server.put(ANA, smtp.taken[1].raw)
            # A question about her second mail, beside its answer.
            question = replace(card_for(sink.events[1]), extra={"event": sink.events[1].payload})
            await box.send(question)
            server.put(ANA, smtp.taken[2].raw)
        mail = imaplib.IMAP4(server.host, server.imap_port)
        mail.login(ANA, dovecot.PASSWORD)
        mail.select("INBOX")
        _, threads = mail.thread("REFERENCES", "UTF-8", "ALL")
        mail.logout()
        # One thread, each under the one before, both answers to the second mail below it.
        assert re.fullmatch(rb"\(1 2 3 \(4\)\(5\)\)", threads[0] or b""), threads


async def test_what_a_server_lays_among_the_sent_mails_is_found_there(
    server: dovecot.Dovecot,
) -> None:
    async with taking() as smtp:
        box = channel(**SMTP, smtp_port=smtp.port, **told(server))
        wanted = replace(message(), effect=EffectId("eff_1"))
        with pytest.raises(VendorUnknown):  # that it is not there shows nothing
            await box._carriers.find("eff_1")
        await box.send(wanted)
        await box.send(replace(wanted, effect=EffectId("eff_12")))
        mail = imaplib.IMAP4(server.host, server.imap_port)
        mail.login(HOME, dovecot.PASSWORD)
        mail.append("Sent", "", imaplib.Time2Internaldate(0), smtp.taken[1].raw)
        with pytest.raises(VendorUnknown):  # another mail, whose key begins alike
            await box._carriers.find("eff_1")
        mail.append("Sent", "", imaplib.Time2Internaldate(0), smtp.taken[0].raw)
        mail.logout()
        found = await box._carriers.find("eff_1")
        assert found and found.vendor_ref == "smtp:2"


async def test_an_answer_that_lies_among_the_sent_mails_is_not_sent_once_more(
    server: dovecot.Dovecot,
) -> None:
    async with taking() as smtp:
        box = channel(**SMTP, smtp_port=smtp.port, **told(server))
        async with listening(box) as sink:
            server.put(HOME, written("And now?", Message_ID="<m7@example.org>"))
            await until(lambda: sink.events)
        answers = [reply_to(sink.events[0], effect=f"rep_s{n}") for n in range(2)]
        for answer in answers:
            smtp.fail(".", "lost")
            with pytest.raises(VendorUnknown) as unknown:
                await box.send(answer)
            assert unknown.value.retry_after_s is not None
        mail = imaplib.IMAP4(server.host, server.imap_port)
        mail.login(HOME, dovecot.PASSWORD)
        mail.append("Sent", "", imaplib.Time2Internaldate(0), smtp.taken[0].raw)
        mail.logout()
        begun_anew = channel(**SMTP, smtp_port=smtp.port, **told(server))
        for answer in answers:
            for way in (box, begun_anew):
                receipt = await way.send(replace(answer, extra={**answer.extra, "attempt": 2}))
                assert receipt.vendor_ref.startswith("smtp:")
        ids = [str(each.mail["Message-ID"]).partition(".")[0] for each in smtp.taken]
        assert ids == ["<rep_s0", "<rep_s1", "<rep_s1", "<rep_s1"]
        smtp.fail(".", "lost")
        with pytest.raises(VendorUnknown) as unknown:  # a deed is not sent again unasked
            await box.send(replace(message(), effect=EffectId("eff_7")))
        assert unknown.value.retry_after_s is None


async def test_a_mailbox_that_is_away_keeps_no_answer_from_being_sent_once_more() -> None:
    async with taking() as smtp:
        gone = {"imap_host": "127.0.0.1", "imap_port": 9, "imap_security": "none"}
        gone |= {"imap_username": HOME, "imap_password": "x"}
        box = channel(**SMTP, smtp_port=smtp.port, **gone)
        event = await heard(written(), box)
        assert event
        answer = reply_to(event)
        await box.send(replace(answer, extra={**answer.extra, "attempt": 2}))
        assert len(smtp.taken) == 1


async def test_over_tls_a_certificate_that_is_not_trusted_is_refused(
    server: dovecot.Dovecot,
) -> None:
    options = {**told(server), "imap_port": server.imaps_port, "imap_security": "tls"}
    box = channel(**SMTP, **options)
    inbox = box._inboxes["imap"]
    with pytest.raises((ssl.SSLError, OSError)):
        Box(inbox._settings).open()  # type: ignore[attr-defined]
