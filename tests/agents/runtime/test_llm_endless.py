"""Answers without end, by either transport: read up to a limit, and never kept whole."""

import json
from contextlib import suppress

import pytest
from aiohttp import web

from agents.runtime.connector import MAX_BODY, MAX_STREAM
from agents.runtime.wire import MAX_CHARS
from bot.core.errors import VendorUnknown
from tests.agents.runtime.model_house import House, ask
from tests.agents.runtime.talk import request
from tests.agents.runtime.test_direct import serving

pytestmark = pytest.mark.parametrize("house", ["litellm", "direct"], indirect=True)
PIECE = 65_536
ROUNDS = 3
"""How often an answer that breaks off is asked for."""


class Endless:
    """A server whose answer has no end."""

    def __init__(self, begin: bytes, piece: bytes, kind: str) -> None:
        self.sent = 0
        self._begin, self._piece, self._kind = begin, piece, kind

    async def answer(self, got: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": self._kind})
        await response.prepare(got)
        with suppress(ConnectionError):
            await response.write(self._begin)
            while self.sent < 4 * ROUNDS * MAX_STREAM:
                await response.write(self._piece.replace(b"%", b"%x" % self.sent))
                self.sent += len(self._piece)
        return response


async def test_a_whole_answer_without_end_is_given_up(house: House) -> None:
    server = Endless(b'{"choices": "', b"a" * PIECE, "application/json")
    async with serving(server.answer) as url:
        with pytest.raises(VendorUnknown):
            await ask(house.door(endpoints={"openai": url}), request(), stream=False)
        await house.close()
    assert server.sent < 3 * ROUNDS * MAX_BODY


async def test_a_streamed_line_without_end_is_given_up(house: House) -> None:
    server = Endless(b'data: {"choices": "', b"a" * PIECE, "text/event-stream")
    async with serving(server.answer) as url:
        with pytest.raises(VendorUnknown):
            await ask(house.door(endpoints={"openai": url}), request(), stream=True)
        await house.close()
    assert server.sent < 2 * ROUNDS * MAX_STREAM


async def test_words_without_end_are_an_answer_that_was_cut_off(house: House) -> None:
    said = {"choices": [{"index": 0, "delta": {"content": "word " * 2_000 + "%"}}]}
    piece = f"data: {json.dumps(said)}\n\n".encode()
    server = Endless(b"", piece, "text/event-stream")
    async with serving(server.answer) as url:
        reply, _ = await ask(house.door(endpoints={"openai": url}), request(), stream=True)
        await house.close()
    assert reply.finish == "length"
    assert len(reply.message.content) >= MAX_CHARS - 10_000
    assert server.sent < MAX_STREAM
