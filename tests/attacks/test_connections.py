"""Attacks by connections that cost nothing to open: silent, half a request, and very many (A7).

They need no token. After each, whoever sends whole requests is still answered.
"""

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.web.app import build, runner
from bot.web.listening import bearable
from tests.fakes.web_house import WebHouse

MOST = 10


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        yield house


async def listening(house: WebHouse, idle_s: float) -> tuple[web.AppRunner, int]:
    """The house once more, where connections may be silent for `idle_s` and there may be ten."""
    made = runner(build(house.parts), 1.0, idle_s=idle_s, most=MOST)
    await made.setup()
    await web.TCPSite(made, "127.0.0.1", 0).start()
    port: int = made.addresses[0][1]
    return made, port


async def say(port: int, words: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and say so much."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("words", [b"", b"GET /health HTTP/1.1\r\nHost: loc"])
async def test_who_never_says_a_whole_request_is_let_go(house: WebHouse, words: bytes) -> None:
    made, port = await listening(house, idle_s=0.2)
    reader, writer = await say(port, words)
    async with asyncio.timeout(20):
        while True:  # drop by drop, which does not prolong it
            writer.write(b"a" if words else b"")
            try:
                async with asyncio.timeout(0.05):
                    assert await reader.read(100) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                pass
            break
    writer.close()
    await made.cleanup()


async def test_a_flood_of_silent_connections_keeps_nobody_out(house: WebHouse) -> None:
    made, port = await listening(house, idle_s=3600)
    flood = [await say(port, b"GET /health HTTP/1.1\r\nX: ") for _ in range(5 * MOST)]
    reader, writer = await say(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200 OK" in await reader.read(100)
    assert made.server is not None
    assert len(made.server.connections) <= MOST
    for _, silent in (*flood, (reader, writer)):
        silent.close()
    await made.cleanup()


async def test_an_answer_that_is_being_given_makes_no_room(house: WebHouse) -> None:
    made, port = await listening(house, idle_s=3600)
    slow = await say(
        port,
        b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer "
        + (await house.token()).encode()
        + b"\r\nContent-Length: 13\r\n\r\n",
    )
    flood = [await say(port, b"") for _ in range(3 * MOST)]
    slow[1].write(b'{"text":"hi"}')
    assert b"202 Accepted" in await slow[0].read(100)
    for _, writer in (*flood, slow):
        writer.close()
    await made.cleanup()


def test_half_of_the_files_of_the_process_stay_for_everything_else() -> None:
    most = bearable()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 0 < most <= soft // 2
