"""Resend and SendGrid, out and in: keys, fall-over, forged webhooks, forged senders, attachments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from bot.core.effect import Policy
from bot.core.errors import (
    ConnectionBroken,
    LimitReached,
    StoreError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.event import Trust
from bot.core.ports import Clock
from bot.infra.clock import SystemClock
from channels.email import resend_in
from channels.email.channel import Email, make
from channels.email.resend_in import signed as by_svix
from channels.email.sendgrid_in import signed as by_ecdsa
from tests.channels.email_side import (
    ANA,
    HOME,
    KELLY,
    Sink,
    card_for,
    lent,
    listening,
    reply_to,
    taking,
    until,
)
from tests.channels.test_email import heard
from tests.fakes import mails, resend_server, sendgrid_server
from tests.fakes.resend_server import ResendServer
from tests.fakes.sendgrid_server import SendGridServer
from tests.published import VECTORS, needs, vectors

PUBLIC = "https://house.example"
PATH_SECRET = "a1" * 20
FILE = ("a.csv", "text/csv", b"1,2")


@pytest.fixture
async def resend() -> AsyncIterator[ResendServer]:
    async with ResendServer() as server:
        server.domains = {"bot.example"}
        yield server
        assert server.mistakes == []


@pytest.fixture
async def sendgrid() -> AsyncIterator[SendGridServer]:
    async with SendGridServer() as server:
        server.senders = {"bot.example"}
        yield server
        assert server.mistakes == []


def by_resend(server: ResendServer, **options: Any) -> Email:
    given = {"resend_api_key": resend_server.KEY, **options}
    return make(lent(endpoints={"resend": server.base}, **given))


def by_sendgrid(server: SendGridServer, folder: Path | None = None, **options: Any) -> Email:
    given = {"sendgrid_api_key": sendgrid_server.KEY, **options}
    return make(replace(lent(endpoints={"sendgrid": server.base}, **given), folder=folder))


@asynccontextmanager
async def hooked(channel: Email, server: Any, sink: Sink | None = None) -> AsyncIterator[Sink]:
    """The channel, listening, with its webhooks on a port."""
    app = web.Application(client_max_size=2**26)
    for method, path, handler in channel.routes():
        app.router.add_route(method, path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with listening(channel, sink) as found:
            yield found
    finally:
        await runner.cleanup()


# --- out ------------------------------------------------------------------------------------


async def test_resend_sends_once_whatever_becomes_of_the_answer(resend: ResendServer) -> None:
    channel = by_resend(resend)
    event = await heard(mails.write(f"Ana <{ANA}>", KELLY, "Tea"), channel)
    assert event and channel.features.policy is Policy.KEYED and channel.features.window_s < 86_400
    message = replace(reply_to(event), place=ANA)
    for how in ("lost", "cut", "error"):
        resend.fail("send", how)
        await channel.send(message)
    await channel.send(message)
    (sent,) = resend.sent.values()
    assert sent.sender == f"Kelly <{KELLY}>" and sent.to == [ANA]
    assert sent.subject == "Re: Tea" and sent.text.strip() == "Yes." and "<strong>" in sent.html
    # Resend gave it another Message-ID; an answer finds its thread all the same.
    answer = mails.write(
        ANA,
        KELLY,
        "Re: Tea",
        headers={
            "In-Reply-To": sent.message_id,
            "References": f"{sent.headers['References']} {sent.message_id}",
        },
    )
    back = await heard(answer, channel)
    assert back and back.place.thread == event.place.thread
    await channel.send(replace(card_for(event), place=ANA))
    card = list(resend.sent.values())[1]
    answer = mails.write(
        ANA,
        KELLY,
        headers={
            "In-Reply-To": card.message_id,
            "References": f"{card.headers['References']} {card.message_id}",
        },
    )
    back = await heard(answer, channel)
    assert back and back.place.thread == event.place.thread


async def test_what_resend_refuses_is_definite_and_what_it_may_have_done_is_not(
    resend: ResendServer,
) -> None:
    channel = by_resend(resend)
    event = await heard(mails.write(ANA, KELLY), channel)
    assert event
    message = replace(reply_to(event), place=ANA)
    resend.fail("send", "lost", times=9)
    with pytest.raises(VendorUnknown):
        await channel.send(message)
    assert len(resend.sent) == 1
    resend._faults.clear()
    resend.fail("send", "ratelimited")
    with pytest.raises(VendorRefused) as caught:
        await channel.send(replace(message, effect="rep_2"))
    assert caught.value.retry_after_s is not None
    resend.domains.clear()
    with pytest.raises(VendorRefused, match="not verified"):
        await channel.send(replace(message, effect="rep_3"))
    with pytest.raises(ConnectionBroken):
        await by_resend(resend, resend_api_key="re_wrong").send(message)
    assert len(resend.sent) == 1
    resend.mistakes.clear()


async def test_sendgrid_sends_marks_and_rewrites_no_link(sendgrid: SendGridServer) -> None:
    channel = by_sendgrid(sendgrid)
    event = await heard(mails.write(ANA, KELLY, "Tea"), channel)
    assert event and channel.features.policy is Policy.NONE
    message = replace(reply_to(event), place=ANA)
    await channel.send(message)
    (sent,) = sendgrid.sent
    assert sent.arguments == {"key": "rep_1"} and sent.headers["Auto-Submitted"] == "auto-replied"
    (body,) = sendgrid.asked("send")
    assert body["tracking_settings"]["click_tracking"]["enable"] is False
    for how, wrong in (
        ("lost", VendorUnknown),
        ("error", VendorUnknown),
        ("ratelimited", VendorRefused),
    ):
        sendgrid.fail("send", how)
        with pytest.raises(wrong):
            await channel.send(message)
    with pytest.raises(ConnectionBroken):
        await by_sendgrid(sendgrid, sendgrid_api_key="SG.x").send(message)


async def test_the_next_carrier_is_tried_only_after_a_definite_refusal(
    resend: ResendServer, sendgrid: SendGridServer
) -> None:
    both = {"resend_api_key": resend_server.KEY, "sendgrid_api_key": sendgrid_server.KEY}
    channel = make(lent(endpoints={"resend": resend.base, "sendgrid": sendgrid.base}, **both))
    event = await heard(mails.write(ANA, KELLY), channel)
    assert event and channel.features.policy is Policy.NONE
    message = replace(reply_to(event), place=ANA)
    resend.fail("send", "ratelimited")
    assert (await channel.send(message)).vendor_ref.startswith("sendgrid:")
    assert (len(resend.sent), len(sendgrid.sent)) == (0, 1)
    resend.fail("send", "lost", times=9)
    with pytest.raises(VendorUnknown):
        await channel.send(replace(message, effect="rep_2"))
    assert (len(resend.sent), len(sendgrid.sent)) == (1, 1)
    resend._faults.clear()
    turned = {**both, "carriers": "sendgrid, resend"}
    other = make(lent(endpoints={"resend": resend.base, "sendgrid": sendgrid.base}, **turned))
    assert (await other.send(replace(message, effect="rep_3"))).vendor_ref.startswith("sendgrid:")
    async with taking() as smtp:
        sendgrid.fail("send", "ratelimited")
        told = {"smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none"}
        third = make(
            lent(
                endpoints={"sendgrid": sendgrid.base}, sendgrid_api_key=sendgrid_server.KEY, **told
            )
        )
        await third.send(replace(message, effect="rep_4"))
        assert len(smtp.taken) == 1


# --- in: Resend -----------------------------------------------------------------------------


async def test_resend_brings_a_proved_mail_with_its_file_once(resend: ResendServer) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    channel = by_resend(resend, resend_webhook_secret=secret)
    async with hooked(channel, resend) as sink:
        letter, told = await resend.receive(mails.write(f"Ana <{ANA}>", KELLY, "Tea", files=[FILE]))
        assert told.status == 200
        (event,) = sink.events
        assert event.trust is Trust.PERSON and event.sender.ext_id == ANA and event.agent == "kelly"
        (item,) = event.attachments
        assert b"".join([piece async for piece in channel.fetch(item)]) == b"1,2"
        assert (await resend.again(letter)).status == 200 and len(sink.events) == 1
    # What came while nobody listened is found at the start.
    resend.webhook_via = "http://127.0.0.1:9"
    resend.again_s = ()
    await resend.receive(mails.write(ANA, KELLY, "Missed"))
    async with hooked(channel, resend, sink):
        async with aiohttp.ClientSession():
            for _ in range(600):
                if len(sink.events) == 2:
                    break
                await _tick()
    assert len(sink.events) == 2


async def test_a_mail_that_resend_cannot_give_yet_comes_again(resend: ResendServer) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    channel = by_resend(resend, resend_webhook_secret=secret)
    resend.again_s = ()
    async with hooked(channel, resend) as sink:
        inbox, base = channel._inboxes["resend"], resend.base
        inbox._calls.base = "http://127.0.0.1:9"  # no network for a moment
        letter, told = await resend.receive(mails.write(ANA, KELLY))
        assert told.status == 503 and sink.events == []
        inbox._calls.base = base
        assert (await resend.again(letter)).status == 200 and len(sink.events) == 1


async def test_all_that_resend_has_of_the_last_days_is_found_at_a_start(
    resend: ResendServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend_in, "LISTED", 2)
    monkeypatch.setattr(resend_in, "AGAIN_S", 0.05)
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    resend.webhook_via, resend.again_s = "http://127.0.0.1:9", ()
    for n in range(5):
        await resend.receive(mails.write(ANA, KELLY, f"Mail {n}"))
    sink = Sink(fails=[LimitReached("Too many"), StoreError("full")])
    async with hooked(by_resend(resend, resend_webhook_secret=secret), resend, sink):
        await until(lambda: len(sink.events) == 5)
        await asyncio.sleep(0.2)
    assert sink.calls == 7


async def test_a_sender_whom_resend_did_not_prove_is_nobody(resend: ResendServer) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    channel = by_resend(resend, resend_webhook_secret=secret)
    good = "amazonses.com; dmarc=pass header.from=example.org"
    async with hooked(channel, resend) as sink:
        await resend.receive(
            mails.write(ANA, KELLY, headers={"Authentication-Results": good}),
            authentic="amazonses.com; dmarc=fail header.from=example.org",
        )
        await resend.receive(mails.write(ANA, KELLY), authentic="")
        await resend.receive(mails.write(ANA, KELLY), authentic="amazonses.com; spf=pass")
        assert [event.trust for event in sink.events] == [Trust.OUTSIDE] * 3


async def test_forged_webhooks_of_resend_bring_nothing(resend: ResendServer) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    channel = by_resend(resend, resend_webhook_secret=secret)
    async with hooked(channel, resend) as sink:
        for kind in resend_server.FORGERIES:
            assert (await resend.forge(kind)).status == 401, kind
        assert sink.calls == 0
        sink.fails = [StoreError("full")]
        _, told = await resend.receive(mails.write(ANA, KELLY))
        assert told.status == 200 and len(sink.events) == 1 and sink.calls == 2


# --- in: SendGrid ---------------------------------------------------------------------------


@pytest.mark.parametrize("send_raw", [False, True])
async def test_sendgrid_brings_a_proved_mail_with_its_file(
    sendgrid: SendGridServer, tmp_path: Path, send_raw: bool
) -> None:
    sendgrid.signs_parse = True
    told = {"sendgrid_inbound_secret": PATH_SECRET, "sendgrid_inbound_key": sendgrid.public_key}
    channel = by_sendgrid(sendgrid, tmp_path / "mails", **told)
    sendgrid.parse(
        "bot.example", f"{PUBLIC}/webhooks/email/sendgrid/{PATH_SECRET}", send_raw=send_raw
    )
    async with hooked(channel, sendgrid) as sink:
        raw = mails.write(
            f"Ána <{ANA}>",
            KELLY,
            "Tée",
            "Grüße\n",
            files=[FILE],
            headers={"In-Reply-To": "<x@example.org>"},
        )
        _, answer = await sendgrid.receive(raw)
        assert answer.status == 200
        (event,) = sink.events
        assert event.trust is Trust.PERSON and event.text == "Grüße" and event.sender.name == "Ána"
        (item,) = event.attachments
        assert b"".join([piece async for piece in channel.fetch(item)]) == b"1,2"
        assert (await sendgrid.again()).status == 200 and len(sink.events) == 1
        # A signature of somebody else, none, or SPF alone: nobody.
        for dkim in ("{@evil.example : pass}", "none", "{@example.org : fail}", "{@org : pass}"):
            await sendgrid.receive(mails.write(ANA, KELLY), dkim=dkim)
        assert [event.trust for event in sink.events[1:]] == [Trust.OUTSIDE] * 4
        # To whom it really came goes before To.
        await sendgrid.receive(mails.write(ANA, "x@example.org"), [HOME])
        assert sink.events[-1].to == HOME
        sink.fails = [StoreError("full")]
        _, answer = await sendgrid.receive(mails.write(ANA, KELLY))
        assert answer.status == 200 and len(sink.events) == 7
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "mails").iterdir())


async def test_an_unsigned_form_proves_nobody_and_a_wrong_one_is_refused(
    sendgrid: SendGridServer,
) -> None:
    url = f"{PUBLIC}/webhooks/email/sendgrid/{PATH_SECRET}"
    sendgrid.parse("bot.example", url)
    channel = by_sendgrid(sendgrid, sendgrid_inbound_secret=PATH_SECRET)
    async with hooked(channel, sendgrid) as sink:
        await sendgrid.receive(mails.write(ANA, KELLY))
        assert [event.trust for event in sink.events] == [Trust.OUTSIDE]
        async with aiohttp.ClientSession() as session:
            via = f"{sendgrid.webhook_via}/webhooks/email/sendgrid/"
            for path, kind, status in (
                (PATH_SECRET, "application/json", 415),
                ("b1" * 20, "multipart/form-data; boundary=x", 404),
                (PATH_SECRET, "multipart/form-data; boundary=x", 200),
            ):
                async with session.post(
                    via + path, data=b"--x--", headers={"Content-Type": kind}
                ) as got:
                    assert got.status == status
    signed = by_sendgrid(
        sendgrid, sendgrid_inbound_secret=PATH_SECRET, sendgrid_inbound_key=sendgrid.public_key
    )
    async with hooked(signed, sendgrid) as sink:
        _, told = await sendgrid.receive(mails.write(ANA, KELLY))
        assert told.status == 401 and sink.calls == 0


# --- signatures that are published ----------------------------------------------------------


class At(SystemClock):
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> Any:
        return datetime.fromtimestamp(self._at, UTC)


SIGNED = vectors("resend", "sendgrid-event", "sendgrid-inbound")


@needs(VECTORS)
@pytest.mark.parametrize("vector", SIGNED, ids=lambda each: each["id"])
def test_published_signatures_hold_and_changed_ones_do_not(vector: Any) -> None:
    clock: Clock = At(vector["now"])
    body, headers = vector["body"].encode(), CIMultiDict(vector["headers"])
    if vector["vendor"] == "resend":
        found = by_svix(vector["secret"], headers, body, clock)
    else:
        found = by_ecdsa(vector["public_key"], headers, body, clock)
    assert found is vector["valid"]


async def _tick() -> None:
    await asyncio.sleep(0.05)
