"""Streams that LiteLLM asked for: read past it where that is safe, else its own way."""

import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from agents.runtime import llm
from agents.runtime.door import Door
from agents.runtime.llm import _Library
from bot.core.errors import VendorUnknown
from bot.core.secret import Secret
from tests.agents.runtime.model_house import House, ask
from tests.agents.runtime.talk import needs_litellm, request
from tests.agents.runtime.test_direct import serving
from tests.agents.runtime.test_vendor_faults import MODELS
from tests.fakes.clock import StillClock
from tests.fakes.model_vendors import WORDS, ModelVendors
from tests.fakes.openai_server import Reply, events

pytestmark = needs_litellm
by_litellm = pytest.mark.parametrize("house", ["litellm"], indirect=True)
WAYS = ("here", "elsewhere", "begun")
"""Past LiteLLM; as in a version that asks over connections of its own; as in one that has read the
head of the stream before it hands it over."""


class Again:
    """LiteLLM's stream, of which the first piece was read already."""

    def __init__(self, first: Any, chunks: Any) -> None:
        self._first, self._chunks = first, chunks

    async def __aiter__(self) -> AsyncIterator[Any]:
        yield self._first
        async for chunk in self._chunks:
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chunks, name)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """LiteLLM works in one of these ways."""
    really = _Library.ask_here

    async def begun(self: _Library, arguments: Mapping[str, object]) -> Any:
        chunks = await really(self, arguments)
        return Again(await anext(aiter(chunks)), chunks) if arguments.get("stream") else chunks

    if request.param == "elsewhere":
        monkeypatch.setattr(llm, "readable", lambda answers: None)
    elif request.param == "begun":
        monkeypatch.setattr(_Library, "ask_here", begun)
    return str(request.param)


@by_litellm
@pytest.mark.usefixtures("way")
async def test_words_calls_and_usage_come_whole_in_every_way(house: House) -> None:
    calls = [("blog_publish", '{"text": "We are open on Sunday"}'), ("x_publish", "{}")]
    house.server.script.append(Reply(text="I will do so.", calls=calls, usage=(700, 90)))
    reply, words = await ask(house.door(), request(), stream=True)
    assert reply.message.content == "".join(words) == "I will do so."
    assert [(call.name, call.arguments) for call in reply.message.tool_calls] == calls
    assert (reply.finish, reply.usage.tokens_in, reply.usage.tokens_out) == ("tool_calls", 700, 90)


@by_litellm
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("fault", ["cut", "unfinished"])
async def test_half_a_stream_is_no_answer_in_any_way(house: House, fault: str) -> None:
    house.server.otherwise = Reply(text="One two three four five.", fault=fault)
    with pytest.raises(VendorUnknown):
        await ask(house.door(), request(), stream=True)


@by_litellm
@pytest.mark.usefixtures("way")
async def test_call_after_call_goes_over_one_connection_in_every_way(house: House) -> None:
    door = house.door()
    for _ in range(5):
        await ask(door, request(), stream=True)
    assert len(house.server.sockets) == 1


@by_litellm
async def test_an_answer_that_repeats_itself_is_an_answer(house: House) -> None:
    house.server.otherwise = Reply(text="- " * 150)
    reply, words = await ask(house.door(), request(), stream=True)
    assert reply.message.content == "".join(words) == "- " * 150


@by_litellm
async def test_a_stream_that_comes_packed_is_unpacked(house: House) -> None:
    async def packed(got: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(got)
        async for event in events(await got.json(), Reply(text="Small and whole.")):
            await response.write(f"data: {event}\n\n".encode())
        await response.write_eof()
        return response

    async with serving(packed) as url:
        reply, words = await ask(house.door(endpoints={"openai": url}), request(), stream=True)
        await house.close()
    assert reply.message.content == "".join(words) == "Small and whole."


@by_litellm
async def test_no_piece_of_an_answer_goes_through_litellm(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = counted(monkeypatch)
    reply, _ = await ask(house.door(), request(), stream=True)
    assert (reply.message.content, built) == ("Hello from the stub.", [])


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Gets every piece that LiteLLM builds anew."""
    kind = importlib.import_module("litellm").CustomStreamWrapper
    built: list[object] = []
    really: Callable[..., Any] = kind.chunk_creator

    def counting(self: Any, chunk: Any) -> Any:
        built.append(chunk)
        return really(self, chunk)

    monkeypatch.setattr(kind, "chunk_creator", counting)
    return built


async def generic(source: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """LiteLLM's pieces as other providers' come, and these did once."""
    async for piece in source:
        if not hasattr(piece, "choices"):
            continue
        finish, usage = piece.choices[0].finish_reason, getattr(piece, "usage", None)
        yield {
            "text": piece.choices[0].delta.content or "",
            "is_finished": bool(finish),
            "finish_reason": finish or "",
            "usage": usage and usage.model_dump(),
            "index": 0,
            "tool_use": None,
        }


@pytest.mark.parametrize("shape", ["as known", "of another form"])
@pytest.mark.parametrize("vendor", ["anthropic", "gemini"])
async def test_pieces_of_another_shape_are_taken_as_litellm_reads_them(
    vendor: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = _Library.ask_here

    async def other(self: _Library, arguments: Mapping[str, object]) -> Any:
        chunks = await really(self, arguments)
        if arguments.get("stream"):
            chunks.completion_stream = generic(aiter(await chunks.fetch_stream()))
        return chunks

    async with ModelVendors() as server:
        door = Door(
            clock=StillClock(),
            keys={vendor: Secret("key-0123456789WXYZ")},
            endpoints={vendor: server.url},
            default=(MODELS[vendor],),
        )
        await door.warm()
        built = counted(monkeypatch)
        if shape == "of another form":
            monkeypatch.setattr(_Library, "ask_here", other)
        reply, words = await ask(door, request(tools=()), stream=True)
        await door.close()
    assert tuple(words) == WORDS
    assert reply.message.content == "".join(WORDS)
    assert (reply.finish, reply.usage.tokens_in, reply.usage.tokens_out) == ("stop", 12, 4)
    assert bool(built) is (shape == "of another form")
