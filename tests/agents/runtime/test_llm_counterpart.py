"""The same door against a stand-in that somebody else wrote, in three wire formats."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.runtime.door import Door
from bot.core.errors import ConnectionBroken
from bot.core.secret import Secret
from tests.agents.runtime.talk import needs_litellm, request, result, system, user
from tests.fakes import aimock
from tests.fakes.clock import StillClock

pytestmark = needs_litellm

HELLO = "Hello from the other side, friend."
THOUGHT = "Six times seven."
FIXTURES: list[dict[str, object]] = [
    {"match": {"userMessage": "say hello"}, "response": {"content": HELLO}},
    {
        "match": {"userMessage": "publish it", "turnIndex": 0},
        "response": {
            "content": "I will.",
            "toolCalls": [
                {"name": "blog_publish", "arguments": {"text": "We are open"}},
                {"name": "x_publish", "arguments": {"text": "Open!"}},
            ],
        },
    },
    # By turn and not by result: aimock does not see the results that LiteLLM sends to Gemini.
    {"match": {"turnIndex": 1}, "response": {"content": "Both are out."}},
    {
        "match": {"userMessage": "think hard"},
        "response": {"content": "42", "reasoning": THOUGHT},
    },
]
MODELS = (
    "openai/gpt-4o-mini",
    "openai/gpt-5.4-mini",
    "anthropic/claude-haiku-4-5",
    "anthropic/claude-haiku-5-5",
    "gemini/gemini-3.8-flash",
    "deepseek/deepseek-v4-flash",
    "openrouter/openai/gpt-5.4-mini",
)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("aimock")
    with aimock.running(folder, FIXTURES) as url:
        yield url


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["litellm", "direct"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def door_to(address: str, model: str, transport: str, key: str = aimock.KEY) -> Door:
    """A door with one model; the address has no path, as somebody would write it."""
    name = model.split("/")[0]
    return Door(
        clock=StillClock(),
        keys={name: Secret(key)},
        endpoints={name: address},
        default=(model,),
        transport="direct" if transport == "direct" else "litellm",
    )


@pytest.fixture
async def door(address: str, model: str, transport: str) -> AsyncIterator[Door]:
    made = door_to(address, model, transport)
    yield made
    await made.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_words_calls_and_results_go_round(door: Door, stream: bool) -> None:
    words: list[str] = []
    on_text = words.append if stream else None
    hello = await door.complete(request(system(), user("say hello")), on_text)
    assert hello.message.content == HELLO
    assert "".join(words) == (HELLO if stream else "")
    assert len(words) != 1, "streamed words come in pieces"
    assert hello.usage.tokens_in > 0
    assert hello.usage.tokens_out > 0

    asked = (system(), user("publish it"))
    called = (await door.complete(request(*asked), on_text)).message
    assert [call.name for call in called.tool_calls] == ["blog_publish", "x_publish"]
    assert '"We are open"' in called.tool_calls[0].arguments
    assert len({call.id for call in called.tool_calls}) == 2

    results = [result(call.id) for call in called.tool_calls]
    done = await door.complete(request(*asked, called, *results), on_text)
    assert done.message.content == "Both are out."


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "model", ["anthropic/claude-haiku-4-5", "deepseek/deepseek-v4-flash"], indirect=True
)
async def test_thinking_is_kept_and_taken_back(door: Door, stream: bool) -> None:
    words: list[str] = []
    on_text = words.append if stream else None
    thought = (await door.complete(request(user("think hard")), on_text)).message
    assert thought.content == "42"
    assert THOUGHT in str(thought.raw)
    assert THOUGHT not in "".join(words)
    later = request(user("think hard"), thought, user("say hello"))
    assert (await door.complete(later, on_text)).message.content == HELLO


async def test_a_wrong_key_is_told(address: str, model: str, transport: str) -> None:
    door = door_to(address, model, transport, "sk-unknown-0123456789abQR")
    with pytest.raises(ConnectionBroken, match=r"ending in abQR .*HTTP 401.*_API_KEY"):
        await door.complete(request(user("say hello")))
    await door.close()


async def test_a_key_is_tried_by_listing_models(address: str) -> None:
    name = "openai/gpt-4o-mini"
    door = door_to(address, name, "litellm")
    assert "openai/gpt-4o" in await door.check("openai", Secret(aimock.KEY))
    with pytest.raises(ConnectionBroken, match="HTTP 401"):
        await door.check("openai", Secret("sk-unknown-0123456789"))
