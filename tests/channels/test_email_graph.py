"""Microsoft Graph, out and in: drafts that are found again, subscriptions, and what was missed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import aiohttp
import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import (
    ConnectionBroken,
    LimitReached,
    StoreError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.event import Trust
from channels.email import graph, graph_in
from channels.email.channel import Email, make
from tests.channels.email_side import ANA, HOME, KELLY, Sink, lent, listening, reply_to, until
from tests.channels.test_email import heard
from tests.channels.test_email_carriers import PUBLIC, hooked
from tests.fakes import mails
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT

PASS = {
    "Authentication-Results": "spf=pass; dkim=pass header.d=example.org;dmarc=pass header.from=example.org"
}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GraphMail]:
    monkeypatch.setattr(graph, "LOOK_S", 0.05)
    async with GraphMail(HOME, KELLY) as played:
        yield played
        assert played.mistakes == []


def by_graph(server: GraphMail, public_url: str = "", **options: Any) -> Email:
    told = {"ms_tenant_id": TENANT, "ms_client_id": CLIENT, "ms_client_secret": SECRET, **options}
    ends = {"graph": server.base, "microsoft": server.base}
    return make(lent(public_url, ends, **told))


async def message(channel: Email, effect: str = "rep_1") -> Any:
    event = await heard(
        mails.write(ANA, KELLY, "Tée", headers={"Message-ID": "<m1@example.org>"}), channel
    )
    assert event
    return replace(reply_to(event, effect=effect), place=ANA)


def effect(id_: str) -> Any:
    class Sought:
        id = id_

    return Sought()


async def test_a_mail_goes_by_a_draft_and_threads(server: GraphMail) -> None:
    channel = by_graph(server)
    assert channel.features.policy is Policy.READBACK
    await channel.send(await message(channel))
    ((raw, to),) = server.sent
    sent = message_from_bytes(raw)
    assert to == [ANA] and sent["In-Reply-To"] == "<m1@example.org>"
    assert sent["X-Switchboard-Key"] == "rep_1" and sent["Auto-Submitted"] == "auto-replied"
    assert sent["From"] == f"Kelly <{KELLY}>"
    found = await channel.find(effect("rep_1"))
    assert found and found.state is EffectState.SENT
    assert await channel.find(effect("rep_2")) is None


async def test_what_was_cut_off_is_found_or_surely_was_not_sent(server: GraphMail) -> None:
    channel = by_graph(server)
    one = await message(channel)
    server.copy_s = 0.15  # the copy comes while it is looked for
    server.fail("send", "lost")
    with pytest.raises(VendorUnknown):
        await channel.send(one)
    assert len(server.sent) == 1
    await channel.send(one)  # again: found, not sent
    assert len(server.sent) == 1
    two = await message(channel, "rep_2")
    server.fail("send", "cut")
    with pytest.raises(VendorUnknown):
        await channel.send(two)
    assert await channel.find(effect("rep_2")) is None and len(server.sent) == 1
    assert server.folder(KELLY, "drafts") == []  # nothing can send it any more
    await channel.send(two)
    assert len(server.sent) == 2
    server.fail("draft", "lost")
    with pytest.raises(VendorRefused):
        await channel.send(await message(channel, "rep_3"))
    server.fail("list", "error")
    found = await channel.find(effect("rep_3"))
    assert found and found.state is EffectState.IN_DOUBT


async def test_without_the_right_to_write_drafts_mail_goes_by_send_mail(server: GraphMail) -> None:
    server.roles = {"Mail.Send"}
    with pytest.raises(VendorRefused, match=r"Mail\.ReadWrite"):
        await by_graph(server).send(await message(by_graph(server)))
    channel = by_graph(server, ms_drafts=False)
    assert channel.features.policy is Policy.NONE
    await channel.send(await message(channel))
    assert len(server.sent) == 1


async def test_refusals_are_definite_and_named(server: GraphMail) -> None:
    channel = by_graph(server)
    one = await message(channel)
    server.fail("draft", "ratelimited")
    with pytest.raises(VendorRefused) as caught:
        await channel.send(one)
    assert caught.value.retry_after_s is not None
    server.tokens.forget()
    channel = by_graph(server)
    await channel.send(one)
    server.tokens.forget()
    with pytest.raises(VendorError):
        await channel.send(replace(one, effect="rep_9"))
    await channel.send(replace(one, effect="rep_9"))
    wrong = by_graph(server, ms_client_secret="other")
    with pytest.raises(ConnectionBroken, match="ms_client_secret"):
        await wrong.send(one)
    server.mistakes.clear()


async def test_mail_comes_by_notice_and_a_forged_notice_brings_nothing(server: GraphMail) -> None:
    channel = by_graph(server, PUBLIC, ms_read=True)
    async with hooked(channel, server) as sink:
        await until(lambda: len(server.subscriptions.found) == 2)
        server.receive(
            mails.write(
                f"Ana <{ANA}>", KELLY, "Tea", files=[("a.csv", "text/csv", b"1,2")], headers=PASS
            )
        )
        await until(lambda: sink.events)
        (event,) = sink.events
        assert event.trust is Trust.PERSON and event.agent == "kelly" and event.sender.ext_id == ANA
        (item,) = event.attachments
        assert b"".join([piece async for piece in channel.fetch(item)]) == b"1,2"
        for kind in ("other_state", "no_state", "state_list", "other_tenant"):
            assert (await server.subscriptions.forge(kind, KELLY)).status == 401, kind
        async with aiohttp.ClientSession() as session:
            url = f"{server.webhook_via}/webhooks/email/graph"
            for token, status in (("<script>", 200), ("x" * 3000, 400), ("", 400)):
                async with session.post(url, params={"validationToken": token}) as got:
                    assert got.status == status
                    if status == 200:
                        assert got.content_type == "text/plain" and await got.text() == token
                        assert got.headers["X-Content-Type-Options"] == "nosniff"


async def test_who_wrote_is_proved_by_exchange_alone(server: GraphMail) -> None:
    fail = {"Authentication-Results": "spf=pass; dkim=none; dmarc=fail header.from=example.org"}
    inside = {"X-MS-Exchange-Organization-AuthAs": "Internal"}
    for sender, headers in ((ANA, fail), (ANA, {}), (ANA, inside), ("bo@bot.example", inside)):
        server.receive(mails.write(sender, KELLY, headers=headers))
    async with listening(by_graph(server, ms_read=True)) as sink:
        await until(lambda: len(sink.events) == 4)
        trusted = {event.sender.ext_id for event in sink.events if event.trust is Trust.PERSON}
        assert trusted == {"bo@bot.example"}


async def test_what_was_missed_is_listed_and_nothing_comes_twice(
    server: GraphMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        graph_in, "POLL_S", 0.1
    )  # a mail that could not be stored is listed again then
    server.receive(mails.write(ANA, KELLY, "While away", headers=PASS))
    channel = by_graph(server, PUBLIC, ms_read=True)
    sink = Sink(fails=[StoreError("full")])
    async with hooked(channel, server, sink):
        await until(lambda: len(server.subscriptions.found) == 2)
        await server.lifecycle("missed")
        await until(lambda: len(sink.events) == 1)
        server.subscriptions.is_deaf = True
        server.receive(mails.write(ANA, KELLY, "Not told", headers=PASS))
        assert (await server.lifecycle("missed")).status == 202
        await until(lambda: len(sink.events) == 2)
        server.subscriptions.is_deaf = False
        assert (await server.lifecycle("subscriptionRemoved")).status == 202
        await until(lambda: len(server.subscriptions.found) == 2)
        assert (await server.lifecycle("reauthorizationRequired")).status == 202
        await until(lambda: server.asked("renew"))
        await asyncio.sleep(0.2)
    async with hooked(by_graph(server, PUBLIC, ms_read=True), server, sink):
        calls = sink.calls
        await until(lambda: sink.calls >= calls + 2)
    assert len(sink.events) == 2
    # A house that is closing answers no handshake.
    server.mistakes[:] = [told for told in server.mistakes if "answered 0" not in told]


async def test_a_mail_that_cannot_be_had_yet_keeps_no_other_and_is_not_lost(
    server: GraphMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_in, "POLL_S", 0.05)
    now = datetime.now(UTC)
    items = []
    for n, hours in enumerate((5, 4, 3)):
        items.append(server.receive(mails.write(ANA, KELLY, f"Mail {n}", headers=PASS)))
        items[-1].at = now - timedelta(hours=hours)
    server.spoiled.add(items[0].id)
    sink = Sink(fails=[LimitReached("Too many")])
    async with listening(by_graph(server, ms_read=True), sink):
        await until(lambda: len(sink.events) == 2)
        assert {event.text.partition("\n")[0] for event in sink.events} == {"Mail 1", "Mail 2"}
        server.spoiled.clear()
        await until(lambda: len(sink.events) == 3)
        await asyncio.sleep(0.2)
    assert sink.calls == 4


async def test_microsoft_that_gives_no_mail_is_not_asked_for_all(
    server: GraphMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_in, "POLL_S", 0.5)
    items = [server.receive(mails.write(ANA, KELLY, f"{n}", headers=PASS)) for n in range(9)]
    server.spoiled |= {item.id for item in items}
    async with listening(by_graph(server, ms_read=True)) as sink:
        await until(lambda: len(server.asked("mime")) >= graph_in.MOST_FAILS)
        assert len(server.asked("mime")) == graph_in.MOST_FAILS
        server.spoiled.clear()
        await until(lambda: len(sink.events) == 9)
