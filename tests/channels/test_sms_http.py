"""Twilio's package by our rules: where it may call, what it says, and what it cannot read."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.core.errors import VendorRefused, VendorUnknown
from channels.sms import twilio_http
from channels.sms.provider import Letter
from channels.sms.twilio import Twilio
from tests.channels.sms_side import ANA, OURS
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT, TOKEN

LETTER = Letter(id="rep_1", number=OURS, contact=ANA, body="Tea at four")


@asynccontextmanager
async def answering(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[Twilio]:
    """An account at a server that answers so to everything."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Twilio(ACCOUNT, (ACCOUNT, TOKEN), f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


async def test_neither_numbers_nor_words_nor_the_token_come_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with TwilioServer() as server:
        server.world.number(OURS)
        account = Twilio(ACCOUNT, (ACCOUNT, TOKEN), server.base)
        await account.send(LETTER, "")
        await account.sent(OURS, ANA, datetime.now(UTC) - timedelta(days=1))
    ours = [each.getMessage() for each in caplog.records if each.name != "aiohttp.access"]
    for secret in ("4155550101", "5550100001", "Tea at four", TOKEN):
        assert secret not in " ".join(ours)


@pytest.mark.parametrize(
    "onward",
    [
        {"meta": {"next_page_url": "http://127.0.0.1:9/x", "key": "messages"}},
        {"next_page_uri": "/2010-04-01/Accounts/ACother/Messages.json?Page=1"},
    ],
)
async def test_a_page_of_another_address_is_not_asked_with_our_token(
    onward: dict[str, object],
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"messages": [], **onward})

    async with answering(answer) as account:
        with pytest.raises(VendorRefused, match="not the account's"):
            await account.sent(OURS, ANA, datetime.now(UTC))


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"sid": 5}', "<html>", '{"messages": 1}', '{"sid": "SM1", "to": {}'],
)
async def test_an_answer_that_cannot_be_read_is_one_that_is_missing(text: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json", status=201)

    async with answering(answer) as account:
        with pytest.raises(VendorUnknown):
            await account.send(LETTER, "")


@pytest.mark.parametrize("text", ["{}", "null", '{"messages": 1}', '{"messages": [1]}', "<html>"])
async def test_a_list_that_cannot_be_read_is_no_empty_one(text: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    async with answering(answer) as account:
        with pytest.raises(VendorUnknown):
            await account.sent(OURS, ANA, datetime.now(UTC))
        with pytest.raises(VendorUnknown):
            await account.lines()


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_call_that_hangs_ends_and_nobody_knows(
    is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_http, "TIMEOUT_S", 0.3)

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(2)
        return web.Response()

    async with answering(answer) as account:
        if is_open:
            await account.open()
        try:
            with pytest.raises(VendorUnknown):
                await account.send(LETTER, "")
        finally:
            await account.close()


@pytest.mark.parametrize(
    ("status", "says"), [(413, VendorRefused), (301, VendorUnknown), (503, VendorUnknown)]
)
async def test_what_is_no_yes_is_told_apart(status: int, says: type[Exception]) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "https://elsewhere.example/"})

    async with answering(answer) as account:
        with pytest.raises(says):
            await account.send(LETTER, "")


async def picture(account: Twilio, source: str = "") -> bytes:
    source = source or f"{account._account}/Messages/MM1/Media/ME1"
    return b"".join([piece async for piece in account.fetch(source)])


@pytest.mark.parametrize(
    "there",
    [
        "http://10.0.0.1/latest/meta-data",
        "http://media.twiliocdn.com/ME1",  # not by https
        "https://twiliocdn.com.evil.example/ME1",
        "https://evil.example/amazonaws.com",
        "https://media.twiliocdn.com@evil.example/ME1",
        "file:///etc/passwd",
        "",
    ],
)
async def test_a_picture_is_fetched_from_no_address_but_twilio_s(there: str) -> None:
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": there})

    async with answering(answer) as account:
        for source in ("http://10.0.0.1/x", f"{account._account}.evil.example/Media/ME1"):
            with pytest.raises(VendorRefused, match="not at Twilio"):
                await picture(account, source)
        assert asked == []
        with pytest.raises(VendorRefused, match="not its own" if there else "one address to the"):
            await picture(account)
    house = Twilio(
        ACCOUNT, (ACCOUNT, TOKEN), ""
    )  # Twilio's own address, as everywhere but in tests
    with pytest.raises(VendorRefused, match="not its own"):
        house._onward(f"{house._account}/Media/ME1", "http://127.0.0.1:8080/admin")


async def test_a_picture_without_end_and_one_that_drips_are_broken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twilio_http, "TIMEOUT_S", 0.5)
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        is_slow = request.path.endswith("ME2")
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * (1 if is_slow else 65_536))
                sent += 65_536 * (not is_slow)
                await asyncio.sleep(0.05 if is_slow else 0)
        return response

    async with answering(answer) as account:
        with pytest.raises(VendorRefused, match="larger"):
            await picture(account)
        assert sent < 40 * 2**20
        with pytest.raises(VendorUnknown, match="broke off"):
            await picture(account, f"{account._account}/Messages/MM1/Media/ME2")
