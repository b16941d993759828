"""Resend's list: what no webhook brought, however long the house was away, and once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.email import resend_in
from channels.email.channel import Email, make
from tests.channels.email_side import ANA, KELLY, Sink, lent, until
from tests.channels.test_email_carriers import PUBLIC, hooked
from tests.channels.test_email_graph_inbox import Earlier, Shelf, heads
from tests.fakes import mails, resend_server
from tests.fakes.resend_server import ResendServer


@pytest.fixture
async def resend(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ResendServer]:
    monkeypatch.setattr(resend_in, "LOOK_S", 0.1)
    monkeypatch.setattr(resend_in, "AGAIN_S", 0.05)
    async with ResendServer() as server:
        server.domains, server.again_s = {"bot.example"}, ()
        yield server
        assert server.mistakes == []


def box(server: ResendServer, secret: str, shelf: Shelf, days_ago: float = 0) -> Email:
    shelf.clock = Earlier(days_ago)
    ends = {"resend": server.base}
    made = lent("", ends, resend_api_key=resend_server.KEY, resend_webhook_secret=secret)
    return make(replace(made, bookmarks=shelf, clock=shelf.clock))


async def came(server: ResendServer, subject: str, days_ago: float = 0) -> None:
    """A mail of which no webhook tells."""
    way, server.webhook_via = server.webhook_via, "http://127.0.0.1:9"
    letter, _ = await server.receive(mails.write(ANA, KELLY, subject))
    letter.at = datetime.now(UTC) - timedelta(days=days_ago)
    server.webhook_via = way


async def test_what_came_in_ten_days_of_downtime_is_taken_once(resend: ResendServer) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    shelf, sink = Shelf(), Sink()
    await came(resend, "Long before", 40)
    await came(resend, "Before", 31)
    async with hooked(box(resend, secret, shelf, 30), resend, sink):
        await until(lambda: len(sink.events) == 1)
        await until(lambda: shelf.kept)
    for days in (10, 5, 1):
        await came(resend, f"{days} days ago", days)
    async with hooked(box(resend, secret, shelf), resend, sink):
        await until(lambda: len(sink.events) == 4)
        await asyncio.sleep(0.4)
    assert heads(sink) == ["Before", "10 days ago", "5 days ago", "1 days ago"]
    assert sink.calls == 4


async def test_what_no_webhook_brought_while_it_runs_is_found_and_nothing_twice(
    resend: ResendServer,
) -> None:
    secret = resend.webhook(f"{PUBLIC}/webhooks/email/resend")
    shelf, sink = Shelf(), Sink()
    async with hooked(box(resend, secret, shelf), resend, sink):
        await resend.receive(mails.write(ANA, KELLY, "Told"))
        await until(lambda: shelf.kept)
        await came(resend, "Not told")
        await until(lambda: len(sink.events) == 2)
        await asyncio.sleep(0.4)
    assert heads(sink) == ["Told", "Not told"] and sink.calls <= 3  # the list may be as quick
