"""What became of mail: bounces and complaints stop later sends, once, and nobody forges them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.errors import StoreError, VendorRefused, VendorUnknown
from bot.core.times import to_us
from bot.platforms.lent import News, NoMailbook
from channels.email.bounces import failures
from channels.email.channel import make
from channels.email.intake import Arrival
from channels.email.mime import parse
from tests.channels.email_side import ANA, KELLY, Sink, card_for, lent, reply_to, taking, written
from tests.channels.test_email import SMTP, heard
from tests.channels.test_email_answers import OFFICE, asking
from tests.channels.test_email_carriers import PUBLIC, hooked
from tests.fakes import mails, resend_server, sendgrid_server
from tests.fakes.resend_server import ResendServer
from tests.fakes.sendgrid_server import SendGridServer


class Book(NoMailbook):
    """A book in memory."""

    def __init__(self) -> None:
        self.news: dict[str, News] = {}
        self.lived: list[str] = []
        self.before: list[int] = []
        self.fails = 0

    async def note(self, news: News) -> bool:
        if self.fails:
            self.fails -= 1
            raise StoreError("full")
        is_new = news.id not in self.news
        self.news.setdefault(news.id, news)
        return is_new

    async def why_closed(self, address: str) -> str:
        return next(
            (
                n.state
                for n in self.news.values()
                if n.address == address and n.state in ("bounced", "complained")
            ),
            "",
        )

    async def told_of(self, key: str) -> str:
        found = (n.id for n in self.news.values() if n.key == key and n.state != "failed")
        return next(found, "")

    async def lives(self, address: str, before: int = 2**62) -> None:
        self.lived.append(address)
        self.before.append(before)

    def states(self) -> list[str]:
        return [news.state for news in self.news.values()]


@pytest.fixture
async def resend() -> AsyncIterator[ResendServer]:
    async with ResendServer() as server:
        server.domains = {"bot.example"}
        yield server


async def test_a_report_closes_the_address_and_only_a_true_one_does() -> None:
    book = Book()
    async with taking() as smtp:
        channel = make(replace(lent(**SMTP, smtp_port=smtp.port), mailbook=book))
        event = await heard(written(), channel)
        assert event and book.lived == [ANA]
        await channel.send(reply_to(event))
        ours = smtp.taken[0].mail
        report = mails.bounce(ours, "postmaster@mx.example", ANA)
        # Of another address, of a mail that is not ours, or with a soft status.
        for forged in (
            mails.bounce(ours, "postmaster@mx.example", "boss@example.org"),
            report.replace(str(ours["Message-ID"]).encode(), b"<x.y@bot.example>"),
            report.replace(b"Status: 5.1.1", b"Status: 4.2.2"),
            report.replace(b"Action: failed", b"Action: relayed"),
        ):
            await heard(forged, channel)
        assert set(book.states()) <= {"delayed"}
        await channel.send(reply_to(event, effect="rep_2"))
        silent = await heard(report, channel)
        assert silent and not silent.addressed
        assert book.states().count("bounced") == 1
        for message in (reply_to(event, effect="rep_3"), card_for(event)):
            with pytest.raises(VendorRefused, match="Nothing is sent"):
                await channel.send(message)
        assert len(smtp.taken) == 2
        found = failures(parse(report), frozenset({"bot.example"}), channel._intake.seal)
        assert found[0].is_hard and found[0].address == ANA and "no such user" in found[0].detail


async def test_resend_tells_once_what_became_of_a_mail(resend: ResendServer) -> None:
    book = Book()
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    options = {"resend_api_key": resend_server.KEY, "resend_webhook_secret": secret}
    channel = make(replace(lent(endpoints={"resend": resend.base}, **options), mailbook=book))
    async with hooked(channel, resend):
        event = await heard(mails.write(ANA, KELLY), channel)
        assert event
        await channel.send(replace(reply_to(event), place=ANA))
        (sent,) = resend.sent.values()
        for kind in ("sent", "delivered", "opened", "delivery_delayed"):
            assert (await resend.event(sent, kind)).status == 200
        soft: dict[str, Any] = {"bounce": {"type": "Transient", "message": "full"}}
        await resend.event(sent, "bounced", **soft)
        assert book.states() == ["sent", "delivered", "delayed", "delayed"]
        book.fails = 1
        assert (await resend.event(sent, "complained")).status == 200  # told again
        assert book.states()[-1] == "complained"
        with pytest.raises(VendorRefused):
            await channel.send(replace(reply_to(event, effect="rep_2"), place=ANA))
        assert len(resend.sent) == 1


async def test_sendgrid_tells_once_what_became_of_a_mail() -> None:
    book = Book()
    async with SendGridServer() as server:
        server.senders = {"bot.example"}
        server.events_to(f"{PUBLIC}/webhooks/email/sendgrid-events")
        options = {
            "sendgrid_api_key": sendgrid_server.KEY,
            "sendgrid_events_key": server.public_key,
        }
        channel = make(replace(lent(endpoints={"sendgrid": server.base}, **options), mailbook=book))
        async with hooked(channel, server):
            event = await heard(mails.write(ANA, KELLY), channel)
            assert event
            await channel.send(replace(reply_to(event), place=ANA))
            (sent,) = server.sent
            for kind in sendgrid_server.FORGERIES:
                assert (await server.forge(kind)).status == 401, kind
            assert book.news == {}
            for kind in ("processed", "open", "deferred", "delivered"):
                await server.event(sent, kind)
            await server.event(sent, "bounce", type="blocked")
            assert (await server.again()).status == 200
            assert book.states() == ["sent", "delayed", "delivered", "delayed"]
            assert {news.key for news in book.news.values()} == {"rep_1"}
            seen = await channel._carriers.find("rep_1")
            assert seen and seen.vendor_ref.startswith("sendgrid:")
            with pytest.raises(VendorUnknown):  # no news shows nothing
                await channel._carriers.find("rep_9")
            book.fails = 1
            assert (await server.event(sent, "bounce")).status == 200
            with pytest.raises(VendorRefused):
                await channel.send(replace(reply_to(event, effect="rep_2"), place=ANA))
            assert len(server.sent) == 1


async def test_where_nothing_is_sent_to_reply_to_any_more_the_answer_goes_to_who_asked() -> None:
    book = Book()
    async with taking() as smtp:
        box = make(replace(lent(**{**SMTP, "smtp_port": smtp.port}), mailbook=book))
        event = await heard(asking(), box)
        assert event
        await book.note(News(id="1", address=OFFICE, state="bounced"))
        await box.send(reply_to(event))
        assert [sent.to for sent in smtp.taken] == [[ANA]]
        await book.note(News(id="2", address=ANA, state="bounced"))
        with pytest.raises(VendorRefused, match="Nothing is sent"):
            await box.send(reply_to(event, effect="rep_2"))


async def test_a_mail_that_is_seen_again_is_no_sign_of_life_since_it_was_written() -> None:
    book, sink = Book(), Sink()
    made = lent(smtp_host="127.0.0.1", smtp_security="none")
    channel = make(replace(made, mailbook=book))
    mail = parse(written(Date="Mon, 05 Jan 2026 10:00:00 +0000"))
    for _ in range(2):
        await channel._intake.take(Arrival(mail=mail, is_proved=True), sink)
    assert book.lived == [ANA, ANA]
    assert book.before == [2**62, to_us(datetime(2026, 1, 5, 10, tzinfo=UTC))]
