"""The direct transport: what leaves, whom it reaches, and what it never needs."""

import asyncio
import json
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from agents.runtime.body import Body
from agents.runtime.connector import MAX_BODY
from agents.runtime.direct import LONG
from agents.runtime.door import Door
from agents.runtime.failures import MAX_WAIT_S
from agents.runtime.providers import PROVIDERS, chat_url, provider
from bot.config.values import DIRECT_VENDORS, MODEL_VENDORS
from bot.core.errors import SettingsError, VendorRefused, VendorUnknown
from bot.core.model import ModelReply
from bot.core.secret import Secret
from tests.agents.runtime.model_house import House, ask, streamed
from tests.agents.runtime.talk import KEY, MODEL, request, user
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer, Reply, completion

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLAUDE = "anthropic/claude-haiku-5-5"

pytestmark = pytest.mark.parametrize("house", ["direct"], indirect=True)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers everything in this way."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


def said(text: str) -> str:
    """A whole answer."""
    return json.dumps(completion({}, Reply(text=text)))


def test_a_whole_turn_loads_no_litellm(house: House) -> None:
    code = """
import asyncio, sys
from agents.runtime.door import Door
from bot.core.secret import Secret
from bot.infra.clock import SystemClock
from tests.agents.runtime.talk import request
from tests.fakes.openai_server import OpenAIServer

async def main():
    async with OpenAIServer() as server:
        door = Door(
            clock=SystemClock(), transport="direct", default=("openai/gpt-4o-mini",),
            keys={"openai": Secret("sk-a")}, endpoints={"openai": server.url},
        )
        assert door.problems() == []
        await door.warm()
        door.reserve(request())
        words = []
        assert (await door.complete(request(), words.append)).usage.micros == 36
        assert len(words) == 4
        assert (await door.complete(request())).usage.micros == 36
        await door.close()

asyncio.run(main())
sys.exit("litellm" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_warming_loads_litellm_for_whom_it_is_needed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def load(models: tuple[str, ...]) -> None:
        asked.append(models)
        raise ImportError

    # What loads is the only sign of it; importing LiteLLM here would prove nothing.
    monkeypatch.setattr("agents.runtime.llm.load", load)
    keys = {"openai": Secret(KEY), "anthropic": Secret("sk-ant-a")}
    await house.door(MODEL, CLAUDE, keys=keys).warm()
    assert asked == [], "a model that only stands in for another loads it when it must answer"
    with pytest.raises(ImportError):
        await house.door(CLAUDE, MODEL, keys=keys).warm()
    assert asked == [(CLAUDE, MODEL)]


async def test_without_litellm_its_models_are_passed_over_and_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether a package is installed is a fact of the machine; there is no other seam.
    monkeypatch.setattr("agents.runtime.door.find_spec", lambda name: None)
    keys = {"openai": Secret(KEY), "anthropic": Secret("sk-ant-a")}
    door = house.door(CLAUDE, MODEL, keys=keys)
    assert (await door.complete(request())).model == MODEL
    (problem,) = door.problems()
    assert problem.startswith(f"The model {CLAUDE} goes through LiteLLM")
    assert "pip install 'litellm>=" in problem
    with pytest.raises(SettingsError, match="goes through LiteLLM"):
        await house.door(CLAUDE, keys=keys).complete(request())


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("openai/gpt-4o-mini", "max_tokens"),
        ("openai/gpt-4.1", "max_tokens"),
        ("openai/gpt-5.4-mini", "max_completion_tokens"),
        ("openai/o3-mini", "max_completion_tokens"),
        ("openrouter/openai/gpt-5.4-mini", "max_tokens"),
    ],
)
async def test_the_length_limit_has_the_name_that_the_model_takes(
    house: House, model: str, named: str
) -> None:
    keys = {"openai": Secret(KEY), "openrouter": Secret("sk-or-0123456789abcd")}
    await house.door(model, keys=keys).complete(request(max_tokens=77))
    sent = house.server.last
    assert sent[named] == 77
    assert {"max_tokens", "max_completion_tokens"} & set(sent) == {named}
    assert sent["model"] == model.partition("/")[2]


@pytest.mark.parametrize(
    ("name", "base", "url"),
    [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("ollama", "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        ("ollama", "http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("deepseek", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/chat/completions"),
    ],
)
def test_where_requests_go(house: House, name: str, base: str, url: str) -> None:
    assert chat_url(name, base) == url


def test_the_settings_and_the_table_agree_on_who_speaks_openais_shape(house: House) -> None:
    assert {name for name in PROVIDERS if provider(name).speaks_openai} == DIRECT_VENDORS
    assert set(PROVIDERS) <= MODEL_VENDORS
    assert not provider("unheard").speaks_openai


@streamed
async def test_a_key_goes_to_its_own_host_only(house: House, stream: bool) -> None:
    others: list[str] = []

    async def other(got: web.Request) -> web.StreamResponse:
        others.append(got.headers.get("Authorization", ""))
        return web.Response(text=said("stolen"), content_type="application/json")

    async with serving(other) as elsewhere:
        house.server.otherwise = Reply(status=307, headers={"Location": elsewhere})
        with pytest.raises(VendorUnknown, match="no answer"):
            await ask(house.door(), request(), stream)
    assert others == []
    assert {received.key for received in house.server.requests} == {KEY}


async def test_a_cookie_of_one_call_is_not_sent_with_the_next(house: House) -> None:
    house.server.script.append(Reply(status=500, headers={"Set-Cookie": "a=b"}))
    await house.door().complete(request())
    assert [received.headers.get("Cookie") for received in house.server.requests] == [None, None]


@streamed
async def test_one_socket_serves_call_after_call(house: House, stream: bool) -> None:
    door = house.door()
    for _ in range(20):
        await ask(door, request(), stream)
    assert len(house.server.sockets) == 1


async def test_a_server_that_cannot_stream_is_still_heard(house: House) -> None:
    async def whole(got: web.Request) -> web.StreamResponse:
        return web.Response(text=said("All at once."), content_type="application/json")

    async with serving(whole) as url:
        reply, words = await ask(house.door(endpoints={"openai": url}), request(), stream=True)
        await house.close()
    assert reply.message.content == "".join(words) == "All at once."


async def test_a_stream_that_stays_open_after_its_end_holds_up_nobody(house: House) -> None:
    async def open_end(got: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(got)
        chunk = {"choices": [{"delta": {"content": "Hi."}, "finish_reason": "stop"}]}
        await response.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())
        await asyncio.sleep(30)
        return response

    async with serving(open_end) as url:
        door = house.door(endpoints={"openai": url})
        reply, _ = await asyncio.wait_for(ask(door, request(), stream=True), 5)
        await house.close()
    assert reply.message.content == "Hi."


@streamed
async def test_an_answer_without_end_is_not_read_to_it(house: House, stream: bool) -> None:
    sent = 0

    async def endless(got: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(got)
        while sent < 100 * MAX_BODY:
            await response.write(b" " * 65_536)
            sent += 65_536
        return response

    async with serving(endless) as url:
        door = house.door(endpoints={"openai": url})
        with pytest.raises(VendorUnknown, match="no answer"):
            await ask(door, request(), stream)
        await house.close()
    assert sent < 5 * MAX_BODY * 3, "three rounds, each cut off at the limit"


async def test_a_long_answer_does_not_hold_up_the_loop(house: House) -> None:
    text = "word " * (LONG // 4)
    house.server.otherwise = Reply(text=text)
    reply = await house.door().complete(request())
    assert reply.message.content == text


async def test_a_date_says_when_to_come_back_as_a_number_does(house: House) -> None:
    late = {"Retry-After": "Wed, 03 Mar 2027 10:17:50 GMT"}  # the clock stands at 10:17:05
    house.server.otherwise = Reply(status=429, headers=late)
    with pytest.raises(VendorRefused) as caught:
        await house.door().complete(request())
    assert caught.value.retry_after_s == 45
    house.server.otherwise = Reply(status=429, headers={"Retry-After": "86400"})
    with pytest.raises(VendorRefused) as caught:
        await house.door().complete(request())
    assert caught.value.retry_after_s == MAX_WAIT_S


async def test_a_proxy_of_the_environment_is_used(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def proxy(got: web.Request) -> web.StreamResponse:
        asked.append(got.raw_path)
        return web.Response(text=said("By proxy."), content_type="application/json")

    async with serving(proxy) as url:
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        door = house.door(endpoints={"openai": "http://models.test/v1"})
        assert (await door.complete(request())).message.content == "By proxy."
        direct = await house.door().complete(request())
        await house.close()
    assert asked == ["http://models.test/v1/chat/completions"]
    assert direct.message.content == "Hello from the stub."


async def test_hundreds_of_conversations_are_in_flight_at_once(house: House) -> None:
    here = most = 0
    full = asyncio.Event()

    async def slow(got: web.Request) -> web.StreamResponse:
        nonlocal here, most
        here += 1
        most = max(most, here)
        if here == 300:
            full.set()
        await asyncio.wait_for(full.wait(), 20)
        here -= 1
        return web.Response(text=said("Done."), content_type="application/json")

    async with serving(slow) as url:
        door = house.door(endpoints={"openai": url})
        replies: list[ModelReply] = await asyncio.gather(
            *(door.complete(request(user(f"{n}"))) for n in range(300))
        )
        await house.close()
    assert (len(replies), most) == (300, 300)


async def test_words_are_heard_as_they_come(house: House) -> None:
    heard = asyncio.Event()

    async def patient(got: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(got)
        for text, finish in (("One. ", None), ("Two.", "stop")):
            chunk = {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await asyncio.wait_for(heard.wait(), 10)  # the second waits until the first was heard
        return response

    words: list[str] = []

    def on_text(text: str) -> None:
        words.append(text)
        heard.set()

    async with serving(patient) as url:
        await house.door(endpoints={"openai": url}).complete(request(), on_text)
        await house.close()
    assert words == ["One. ", "Two."]


async def test_the_body_is_what_the_vendor_describes_word_for_word(house: House) -> None:
    seen: list[dict[str, Any]] = []
    async with OpenAIServer() as strict:
        door = Door(
            clock=StillClock(),
            transport="direct",
            default=(MODEL,),
            keys={"openai": Secret(KEY)},
            endpoints={"openai": strict.url},
        )
        await door.complete(request(user('quotes " and } ü \u2028')), lambda _: None)
        await door.complete(request(tools=()))
        await door.close()
        seen += [received.body for received in strict.requests]
        assert strict.violations == []
    first, second = seen
    assert first["messages"][0]["content"] == 'quotes " and } ü \u2028'
    assert (len(first["tools"]), first["stream_options"]) == (2, {"include_usage": True})
    assert not {"tools", "stream", "stream_options"} & set(second)
    assert strict.requests[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("size", [0, 1, 65_000, 66_000, 3_000_000])
async def test_a_body_of_any_length_arrives_whole(house: House, size: int) -> None:
    text = "é" * (size // 6) + "x" * (size % 6)
    await house.door().complete(request(user(text)))
    assert house.server.last["messages"][0]["content"] == text
    assert [tool["function"]["name"] for tool in house.server.last["tools"]] == [
        "blog_publish", "x_publish",
    ]  # fmt: skip
    assert int(house.server.requests[-1].headers["Content-Length"]) >= size


def test_calls_that_wait_share_the_text_of_their_tools(house: House) -> None:
    tools = json.dumps([{"type": "function", "function": {"name": "x" * 1_000_000}}])
    tracemalloc.start()
    bodies = [Body('{"model": "m"}', tools) for _ in range(100)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
    for body in (bodies[0], Body('{"model": "m"}')):
        assert body.size == len(body.decode())
        assert json.loads(body.decode())["model"] == "m"


async def test_an_end_that_comes_a_moment_later_keeps_the_connection(house: House) -> None:
    ports: set[object] = set()

    async def late_end(got: web.Request) -> web.StreamResponse:
        ports.add(got.transport.get_extra_info("peername") if got.transport else None)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(got)
        chunk = {"choices": [{"delta": {"content": "Hi."}, "finish_reason": "stop"}]}
        await response.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())
        await asyncio.sleep(0.005)
        return response

    async with serving(late_end) as url:
        door = house.door(endpoints={"openai": url})
        for _ in range(5):
            await ask(door, request(), stream=True)
        await house.close()
    assert len(ports) == 1
