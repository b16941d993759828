"""The first answer after a start: past LiteLLM while that is being loaded, and never longer."""

from collections.abc import AsyncIterator

import pytest

from agents.runtime.door import Door
from bot.core.errors import BotError
from bot.core.secret import Secret
from bot.infra.clock import SystemClock
from tests.agents.runtime.talk import KEY, needs_litellm, request, user
from tests.fakes.openai_server import OpenAIServer

pytestmark = needs_litellm


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as made:
        yield made


def door(server: OpenAIServer, model: str, *, at_once: bool = True) -> Door:
    """A door that nothing was loaded for yet."""
    return Door(
        clock=SystemClock(),
        keys={"openai": Secret(KEY)},
        endpoints={"openai": server.url},
        default=(model,),
        at_once=at_once,
    )


async def test_the_first_answer_waits_for_no_library_and_the_next_comes_by_it(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, by = door(server, "openai/gpt-4o-mini"), list[str]()
    for transport in (made._litellm, made._direct):
        ask = type(transport).ask

        async def noted(self, call, ask=ask):
            by.append(type(self).__name__)
            return await ask(self, call)

        monkeypatch.setattr(type(transport), "ask", noted)
    assert (await made.complete(request(user("hello")))).message.content
    assert by == ["Direct"]
    await made.warm()  # what it began by itself
    words: list[str] = []
    reply = await made.complete(request(user("hello")), words.append)
    assert "".join(words) == reply.message.content and by == ["Direct", "LiteLLM"]
    assert reply.usage.micros  # what it costs is known either way
    await made.close()


@pytest.mark.parametrize(
    ("model", "at_once"),
    [("openai/gpt-5-pro", True), ("openai/nobody-knows-this", True), ("openai/gpt-4o-mini", False)],
    ids=["no model for chats", "unknown", "not asked for"],
)
async def test_what_only_litellm_knows_how_to_ask_waits_for_it(
    server: OpenAIServer, model: str, at_once: bool
) -> None:
    made = door(server, model, at_once=at_once)
    try:
        await made.complete(request(user("hello")))
    except BotError:
        pass  # the played server has no other route than that for chats
    assert made._litellm.is_loaded
    await made.close()


async def test_the_first_answer_costs_what_it_costs(server: OpenAIServer) -> None:
    made = door(server, "openai/gpt-4o-mini")
    asked = request(user("hello"))
    assert (made.reserve(asked).micros or 0) > 0
    assert ((await made.complete(asked)).usage.micros or 0) > 0
    await made.close()
