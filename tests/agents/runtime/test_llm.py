"""The door to models, against a server that validates what it receives."""

import asyncio
import copy
import json
import logging
import os
import subprocess
import sys

import pytest

from bot.core.errors import (
    ExtraMissing,
)
from bot.core.ids import TenantId
from bot.core.secret import Secret
from tests.agents.runtime.model_house import OTHER, House, ask, streamed
from tests.agents.runtime.talk import (
    KEY,
    MODEL,
    TOOLS,
    calls,
    needs_litellm,
    request,
    result,
    system,
    user,
)
from tests.fakes.openai_server import Reply

only_litellm = pytest.mark.parametrize(
    "house", [pytest.param("litellm", marks=needs_litellm)], indirect=True
)


@streamed
async def test_an_answer_has_words_tokens_and_cost(house: House, stream: bool) -> None:
    reply, words = await ask(house.door(), request(), stream)
    assert reply.message.content == "Hello from the stub."
    assert (reply.model, reply.finish, reply.offline) == (MODEL, "stop", False)
    assert (reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.micros) == (120, 30, 36)
    assert words == (["Hello ", "from ", "the ", "stub."] if stream else [])
    assert bool(house.server.last.get("stream")) is stream


@streamed
async def test_calls_are_put_together_from_their_pieces(house: House, stream: bool) -> None:
    arguments = json.dumps({"text": "We are open on Sunday — come in"})
    house.server.script.append(
        Reply(text="I will.", calls=[("blog_publish", arguments), ("x_publish", '{"text":')])
    )
    reply, words = await ask(house.door(), request(), stream)
    first, second = reply.message.tool_calls
    assert (first.name, first.arguments) == ("blog_publish", arguments)
    assert (second.name, second.arguments) == ("x_publish", '{"text":'), "kept as it was written"
    assert first.id != second.id
    assert reply.finish == "tool_calls"
    assert "".join(words) == ("I will." if stream else "")


async def test_a_history_with_every_kind_of_line_is_taken(house: House) -> None:
    odd = "thought:" + "x" * 90
    history = (
        system(),
        user("publish it"),
        calls(("call_1", "blog_publish", '{"text": "a"}'), (odd, "x_publish", '{"text":')),
        result("call_1"),
        result(odd, "Error: no JSON"),
        calls(text=""),
        calls(text="Published."),
        user("thanks"),
    )
    await house.door().complete(request(*history))
    sent = house.server.last["messages"]
    assert [m["role"] for m in sent] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user",
    ]  # fmt: skip
    assert sent[2]["tool_calls"][1]["function"]["arguments"] == "{}", "broken ones never leave"
    assert sent[4]["tool_call_id"] == sent[2]["tool_calls"][1]["id"]


async def test_an_invented_tool_name_does_not_spoil_the_conversation(house: House) -> None:
    door = house.door()
    house.server.script.append(Reply(calls=[("post to blog!", "{}")]))
    reply = await door.complete(request())
    (call,) = reply.message.tool_calls
    await door.complete(request(user("hi"), reply.message, result(call.id, "Error: no such tool")))


@pytest.mark.parametrize(
    ("model", "prices", "micros"),
    [
        (MODEL, {}, 36),
        (MODEL, {MODEL: (10.0, 20.0)}, 1800),
        ("openai/of-tomorrow", {}, None),
        ("openrouter/openai/gpt-5.4-mini", {}, None),
        ("openrouter/openai/gpt-5.4-mini", {"openrouter/openai/gpt-5.4-mini": (1.0, 2.0)}, 180),
    ],
    ids=["the map", "an own price", "unknown", "OpenRouter's 0.0 is unknown", "an own one there"],
)
@streamed
async def test_what_a_call_cost(
    house: House,
    model: str,
    prices: dict[str, tuple[float, float]],
    micros: int | None,
    stream: bool,
) -> None:
    keys = {"openai": Secret(KEY), "openrouter": Secret("sk-or-0123456789abcd")}
    door = house.door(model, keys=keys, prices=prices)
    reply, _ = await ask(door, request(), stream)
    assert reply.usage.micros == micros
    reserved = door.reserve(request())
    assert (reserved.micros is None) is (micros is None)
    if micros is not None:
        assert (reserved.micros or 0) > micros, "what is reserved covers what it cost"


@streamed
async def test_a_provider_that_does_not_count_is_counted_for(house: House, stream: bool) -> None:
    house.server.otherwise = Reply(text=" ".join(f"w{n}" for n in range(400)), usage=None)
    reply, _ = await ask(house.door("openai/of-tomorrow"), request(user("x" * 4000)), stream)
    assert reply.usage.tokens_in > 300
    assert reply.usage.tokens_out > 300


async def test_three_hundred_keys_share_one_socket(house: House) -> None:
    door = house.door(keys_of=lambda tenant: {"openai": Secret(f"sk-proj-{tenant}-0123456789")})
    for n in range(300):
        await door.complete(request(tenant=TenantId(f"ten_{n}")))
    assert len({received.key for received in house.server.requests}) == 300
    assert len(house.server.sockets) == 1


async def test_many_calls_at_once_all_get_their_own_answer(house: House) -> None:
    house.server.otherwise = lambda body: Reply(text=body["messages"][-1]["content"])
    door = house.door()
    asked = [door.complete(request(user(f"number {n}"))) for n in range(64)]
    replies = await asyncio.gather(*asked)
    assert [r.message.content for r in replies] == [f"number {n}" for n in range(64)]


async def test_thinking_goes_back_to_its_own_provider_only(house: House) -> None:
    door = house.door(OTHER, MODEL)
    house.server.script.append(
        Reply(calls=[("x_publish", "{}")], extra={"reasoning_content": "Hmm."})
    )
    first = (await door.complete(request())).message
    later = (user("hi"), first, result(first.tool_calls[0].id))
    await door.complete(request(*later))
    assert house.server.last["messages"][1]["reasoning_content"] == "Hmm."
    await door.complete(request(*later, model=MODEL))
    assert "reasoning_content" not in house.server.last["messages"][1]


async def test_tools_are_built_once_and_never_changed(house: House) -> None:
    before = copy.deepcopy(TOOLS)
    door = house.door(MODEL, OTHER)
    await door.complete(request())
    first = copy.deepcopy(house.server.last["tools"])
    for model in (MODEL, OTHER, "openai/gpt-5.4-mini"):
        await door.complete(request(model=model), lambda _: None)
        assert house.server.last["tools"] == first
    assert before == TOOLS


async def test_a_key_in_the_environment_is_never_used(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    await house.door(keys={}).complete(request())
    assert house.server.requests[-1].key in ("none", "")


async def test_close_waits_for_what_is_running(house: House) -> None:
    house.server.otherwise = Reply(text="late", delay_s=0.05)
    door = house.door()
    await door.warm()
    running = asyncio.create_task(door.complete(request()))
    while not house.server.requests:
        await asyncio.sleep(0)
    await door.close()
    assert (await running).message.content == "late"
    assert len(house.server.requests) == 1


async def test_a_cancelled_call_lets_its_socket_go(house: House) -> None:
    house.server.script.append(Reply(fault="hang"))
    door = house.door()
    running = asyncio.create_task(door.complete(request(), lambda _: None))
    while not house.server.requests:
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await door.complete(request())).message.content == "Hello from the stub."


@only_litellm
async def test_without_litellm_the_command_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    # The real import is what fails on such a machine; there is no other seam.
    monkeypatch.setattr("agents.runtime.llm.importlib.import_module", absent)
    with pytest.raises(ExtraMissing, match="pip install 'litellm>="):
        await house.door().complete(request())


@only_litellm
async def test_litellm_is_quiet_and_switched_to_local(house: House) -> None:
    await house.door().warm()
    logger = logging.getLogger("LiteLLM")
    assert (logger.handlers, logger.level) == ([], logging.ERROR)
    module = sys.modules["litellm"]
    assert (module.turn_off_message_logging, module.telemetry) == (True, False)
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


def test_the_import_alone_loads_no_litellm() -> None:
    code = (
        "import sys, agents.runtime.door as l; from bot.infra.clock import SystemClock;"
        "d = l.Door(clock=SystemClock(), default=('openai/gpt-4o-mini',)); d.problems();"
        "sys.exit('litellm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
