"""The door to models, against a server that validates what it receives."""

import asyncio
import copy
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.runtime.llm import LiteLLM
from bot.core.errors import (
    BotError,
    ConnectionBroken,
    ExtraMissing,
    SettingsError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ids import TenantId
from bot.core.model import ModelReply, ModelRequest, Task
from bot.core.ports import Model
from bot.core.secret import Secret
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
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import (
    OpenAIServer,
    Reply,
    rate_limited,
    too_long,
    wrong_key,
)

pytestmark = needs_litellm

OTHER = "deepseek/deepseek-v4-flash"
OTHER_KEY = "sk-deepseek-0123456789QRST"


class House:
    """A server, a clock, and doors between them."""

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self.clock = StillClock()
        self.naps: list[float] = []
        self._doors: list[LiteLLM] = []

    def door(self, *models: str, **changes: Any) -> LiteLLM:
        """A door to the server under the names of both providers."""
        given: dict[str, Any] = {
            "clock": self.clock,
            "keys": {"openai": Secret(KEY), "deepseek": Secret(OTHER_KEY)},
            "endpoints": dict.fromkeys(("openai", "deepseek", "openrouter"), self.server.url),
            "default": models or (MODEL,),
            "sleep": self.nap,
            **changes,
        }
        self._doors.append(LiteLLM(**given))
        return self._doors[-1]

    async def nap(self, seconds: float) -> None:
        """Let time pass at once."""
        self.naps.append(seconds)
        self.clock.move(seconds=seconds)

    async def close(self) -> None:
        """Close all doors."""
        for door in self._doors:
            await door.close()

    def models(self) -> list[str]:
        """Who was asked, in order."""
        return [received.body["model"] for received in self.server.requests]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with OpenAIServer() as server:
        house = House(server)
        yield house
        await house.close()
        assert server.violations == []


streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def ask(door: Model, asked: ModelRequest, stream: bool) -> tuple[ModelReply, list[str]]:
    """The answer and the words that came while it was written."""
    words: list[str] = []
    return await door.complete(asked, words.append if stream else None), words


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


@streamed
@pytest.mark.parametrize(
    ("reply", "kind", "said", "asked"),
    [
        (wrong_key(KEY), ConnectionBroken, ("HTTP 401", "OPENAI_API_KEY", "…WXYZ"), 1),
        (Reply(status=402, words="No credit"), ConnectionBroken, ("credit", "No credit"), 1),
        (
            Reply(status=429, code="insufficient_quota", words="Pay first."),
            ConnectionBroken,
            ("no credit left",),
            1,
        ),
        (rate_limited(30), VendorRefused, ("HTTP 429", "in 30 seconds"), 1),
        (rate_limited(2), VendorRefused, ("in 2 seconds",), 3),
        (too_long(), VendorRefused, ("longer than", "/new"), 1),
        (Reply(status=500), VendorUnknown, ("OpenAI failed", "HTTP 500", "had an error"), 3),
        (Reply(status=529, words="Overloaded"), VendorUnknown, ("HTTP 529", "Overloaded"), 3),
        (Reply(status=404, words="No such model"), SettingsError, ("models.default",), 1),
        (Reply(status=400, words="Bad schema"), VendorRefused, ("Bad schema", "HTTP 400"), 1),
        (Reply(status=403, words="Not here"), VendorRefused, ("Not here", "HTTP 403"), 1),
        (Reply(status=302, headers={"Location": "/v1/x"}), VendorUnknown, ("no answer",), 3),
        (Reply(fault="nonsense"), VendorUnknown, ("no answer",), 3),
        (Reply(fault="drop"), VendorUnknown, ("OpenAI failed",), 3),
        (Reply(fault="hang"), VendorUnknown, ("in time", "models.timeout_s"), 1),
    ],
    ids=lambda value: value.fault or value.code if isinstance(value, Reply) else "",
)
async def test_a_failure_is_told_with_its_mend(
    house: House,
    reply: Reply,
    kind: type[BotError],
    said: tuple[str, ...],
    asked: int,
    stream: bool,
) -> None:
    house.server.otherwise = reply
    with pytest.raises(kind) as caught:
        await ask(house.door(), request(timeout_s=0.1 if reply.fault == "hang" else 0), stream)
    message = caught.value.message
    for words in (MODEL, "127.0.0.1:", *said):
        assert words in message
    assert KEY not in message
    assert len(house.server.requests) == asked
    assert len(house.naps) == asked - 1
    if isinstance(caught.value, VendorError) and reply.status == 429:
        assert caught.value.retry_after_s == float(reply.headers["Retry-After"])


async def test_an_answer_without_a_choice_is_no_answer(house: House) -> None:
    house.server.otherwise = Reply(fault="empty")
    with pytest.raises(VendorUnknown, match="no answer"):
        await house.door().complete(request())


async def test_a_stream_that_breaks_after_words_is_not_answered_by_another(house: House) -> None:
    house.server.otherwise = Reply(fault="cut", text="one two three four")
    words: list[str] = []
    with pytest.raises(VendorUnknown, match="broke off"):
        await house.door(MODEL, OTHER).complete(request(), words.append)
    assert "".join(words).startswith("one ")
    assert house.models() == ["gpt-4o-mini"]


async def test_a_stream_that_breaks_before_any_word_is_asked_again(house: House) -> None:
    house.server.script.append(Reply(fault="cut", calls=[("x_publish", '{"text": "abcdefghi"}')]))
    reply, words = await ask(house.door(), request(), stream=True)
    assert reply.message.content == "".join(words) == "Hello from the stub."


async def test_an_unreachable_host_is_named_and_not_asked_again(house: House) -> None:
    door = house.door(endpoints={"openai": "http://127.0.0.1:9/v1"})
    with pytest.raises(
        ConnectionBroken, match=r"cannot reach 127\.0\.0\.1:9 .*BOT_ENDPOINT_OPENAI"
    ):
        await door.complete(request())
    assert house.naps == []


async def test_the_next_model_answers_and_the_failed_one_rests(house: House) -> None:
    door = house.door(MODEL, OTHER)
    house.server.script.append(Reply(status=500))
    assert (await door.complete(request())).model == OTHER
    assert (await door.complete(request())).model == OTHER
    house.clock.move(seconds=60)
    assert (await door.complete(request())).model == MODEL
    assert house.models() == [
        "gpt-4o-mini", "deepseek-v4-flash", "deepseek-v4-flash", "gpt-4o-mini",
    ]  # fmt: skip


async def test_a_model_that_never_failed_is_never_passed_over(house: House) -> None:
    door = house.door(MODEL, OTHER)
    for _ in range(3):
        assert (await door.complete(request())).model == MODEL


async def test_a_pause_that_the_provider_named_is_kept(house: House) -> None:
    door = house.door()
    house.server.script.append(rate_limited(60))
    with pytest.raises(VendorRefused):
        await door.complete(request())
    house.clock.move(seconds=20)
    with pytest.raises(VendorRefused, match="in 40 seconds"):
        await door.complete(request())
    assert len(house.server.requests) == 1
    house.clock.move(seconds=41)
    await door.complete(request())


async def test_one_tenants_pause_holds_up_nobody_else(house: House) -> None:
    door = house.door(keys_of=lambda tenant: {"openai": Secret(f"sk-proj-of-{tenant}-0123456789")})
    house.server.script.append(rate_limited(60))
    with pytest.raises(VendorRefused):
        await door.complete(request())
    await door.complete(request(tenant=TenantId("ten_b")))
    assert [r.key for r in house.server.requests] == [
        "sk-proj-of-ten_a-0123456789",
        "sk-proj-of-ten_b-0123456789",
    ]


async def test_a_wrong_key_of_one_provider_leaves_the_other(house: House) -> None:
    house.server.keys = (OTHER_KEY,)
    reply = await house.door(MODEL, "openai/gpt-5.4-mini", OTHER).complete(request())
    assert reply.model == OTHER
    assert house.models() == ["gpt-4o-mini", "deepseek-v4-flash"], "no second try with that key"


async def test_a_wrong_key_of_the_only_provider_is_told(house: House) -> None:
    house.server.keys = ("another",)
    with pytest.raises(ConnectionBroken, match="OPENAI_API_KEY"):
        await house.door(MODEL, "openai/gpt-5.4-mini").complete(request())


async def test_a_model_without_a_key_is_refused_before_anything_is_loaded(house: House) -> None:
    door = house.door("anthropic/claude-haiku-5-5", keys={})
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        await door.complete(request())
    assert any("ANTHROPIC_API_KEY" in problem for problem in door.problems())


async def test_a_bare_model_name_is_refused(house: House) -> None:
    with pytest.raises(SettingsError, match="openai/gpt-4o-mini"):
        await house.door().complete(request(model="gpt-4o-mini"))


async def test_a_long_conversation_goes_to_a_model_that_can_read_it(house: House) -> None:
    door = house.door(MODEL, OTHER)
    long = user("word " * 110_000)
    assert (await door.complete(request(long))).model == OTHER
    assert (await door.complete(request())).model == MODEL


async def test_the_list_of_the_task_goes_before_the_default(house: House) -> None:
    door = house.door(lists={Task.SUMMARISE: (OTHER,)})
    assert (await door.complete(request(task=Task.SUMMARISE))).model == OTHER
    assert (await door.complete(request())).model == MODEL
    assert (
        await door.complete(request(model="openai/gpt-5.4-mini"))
    ).model == "openai/gpt-5.4-mini"


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


async def test_tools_are_built_once_and_never_changed_by_litellm(house: House) -> None:
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
    assert house.server.requests[-1].key == "none"


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


async def test_without_litellm_the_command_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    # The real import is what fails on such a machine; there is no other seam.
    monkeypatch.setattr("agents.runtime.llm.importlib.import_module", absent)
    with pytest.raises(ExtraMissing, match=r"pip install 'switchboard\[llm\]'"):
        await house.door().complete(request())


async def test_litellm_is_quiet_and_switched_to_local(house: House) -> None:
    await house.door().warm()
    logger = logging.getLogger("LiteLLM")
    assert (logger.handlers, logger.level) == ([], logging.ERROR)
    module = sys.modules["litellm"]
    assert (module.turn_off_message_logging, module.telemetry) == (True, False)
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


def test_the_import_alone_loads_no_litellm() -> None:
    code = (
        "import sys, agents.runtime.llm as l; from bot.infra.clock import SystemClock;"
        "d = l.LiteLLM(clock=SystemClock(), default=('openai/gpt-4o-mini',)); d.problems();"
        "sys.exit('litellm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
