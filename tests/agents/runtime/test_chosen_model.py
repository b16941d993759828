"""The model that a person chooses with a pasted key is the one that answers, also after a start."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from agents.runtime.models import ModelDoor, ModelSetup
from agents.runtime.providers import proposed
from bot.core.errors import BotError, ConnectionBroken, Invalid
from bot.core.ids import TenantId
from bot.core.model import Task
from bot.core.secret import Secret
from tests.agents.runtime.talk import KEY, request
from tests.agents.runtime.test_models import OWNER, TENANT, Secrets
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer

USUAL = "openai/gpt-5.4-mini"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(
        models=("text-embedding-3-small", "house-large", "house-small")
    ) as made:
        yield made


async def _door(server: OpenAIServer, secrets: Secrets, **changes: Any) -> ModelDoor:
    given: dict[str, Any] = {
        "clock": StillClock(),
        "keys": {},
        "endpoints": {"openai": server.url},
        "transport": "direct",
        **changes,
    }
    door = ModelDoor(ModelSetup(**given), secrets, TENANT)
    await door.start()
    return door


async def _paste(door: ModelDoor, model: str = "") -> str:
    offer = await door.check(Secret(KEY), model)
    await door.adopt(Secret(KEY), offer, OWNER)
    assert door.current() == (offer.model, False)
    return offer.model


async def test_a_model_that_is_chosen_answers_now_and_after_a_start(server: OpenAIServer) -> None:
    secrets = Secrets()
    door = await _door(server, secrets)
    assert await _paste(door, "openai/house-small") == "openai/house-small"
    await door.complete(request())
    assert server.requests[-1].body["model"] == "house-small"
    await door.close()
    again = await _door(server, secrets)
    assert again.current() == ("openai/house-small", False)
    await again.close()


async def test_where_the_usual_model_is_not_listed_the_first_that_talks_is_proposed(
    server: OpenAIServer,
) -> None:
    door = await _door(server, Secrets())
    assert await _paste(door) == "openai/house-large"
    await door.close()


async def test_a_model_that_the_key_does_not_open_is_refused_and_nothing_is_kept(
    server: OpenAIServer,
) -> None:
    secrets = Secrets()
    door = await _door(server, secrets)
    with pytest.raises(Invalid, match="OpenAI lists no model openai/huose for this key. It lists"):
        await door.check(Secret(KEY), "openai/huose")
    assert door.current()[1] and not secrets.kept
    await door.close()


@pytest.mark.parametrize(
    "named", [{"default": ("openai/a",)}, {"lists": {Task.REASON: ("openai/a",)}}]
)
async def test_the_settings_name_the_model_whatever_is_chosen(
    server: OpenAIServer, named: dict[str, Any]
) -> None:
    secrets = Secrets()
    door = await _door(server, secrets, **named)
    with pytest.raises(Invalid, match="The settings name the model that answers, openai/a"):
        await door.check(Secret(KEY), "openai/house-small")
    assert await _paste(door) == "openai/a"
    assert list(secrets.kept) == ["model_key"]
    await door.close()


async def test_the_key_pasted_last_answers_and_the_one_before_helps_out(
    server: OpenAIServer,
) -> None:
    secrets = Secrets()
    await secrets.put(TENANT, "anthropic", "model_key", Secret("sk-ant-0123456789abcdef"))
    door = await _door(server, secrets)
    assert door.current()[0].startswith("anthropic/")
    assert await _paste(door, "openai/house-small") == "openai/house-small"
    await door.close()


async def test_a_provider_that_has_no_usual_model_answers_with_the_one_that_was_chosen(
    server: OpenAIServer,
) -> None:
    secrets = Secrets()
    here = {"openai": server.url, "hosted_vllm": server.url}
    door = await _door(server, secrets, endpoints=here)
    assert await _paste(door, "hosted_vllm/house-small") == "hosted_vllm/house-small"
    await door.complete(request())
    assert server.requests[-1].body["model"] == "house-small"
    assert await _paste(door, "openai/house-large") == "openai/house-large"
    await door.complete(request())
    assert server.requests[-1].body["model"] == "house-large"
    await door.close()


async def test_a_key_pasted_for_one_of_the_settings_goes_before_that_one_alone(
    server: OpenAIServer,
) -> None:
    secrets, wrong = Secrets(), {"openai": Secret("sk-wrong-0123456789abcdef")}
    door = await _door(server, secrets, keys=wrong)
    await _paste(door)
    await door.complete(request())
    await door.close()
    again = await _door(server, secrets, keys=wrong)
    assert await again.keys() == [{"provider": "openai", "last4": KEY[-4:], "source": "pasted"}]
    await again.complete(request())
    await again.close()
    newer = {"openai": Secret("sk-newer-0123456789abcdef")}
    mended = await _door(server, secrets, keys=newer)
    assert await mended.keys() == [{"provider": "openai", "last4": "cdef", "source": "settings"}]
    await mended.close()


class Spoiled(Secrets):
    """A key that nobody can open."""

    async def readable(
        self, tenant: TenantId, field: str
    ) -> tuple[Mapping[str, Secret], Mapping[str, BotError]]:
        return {}, {"openai": BotError("It cannot be opened.")} if field == "model_key" else {}


async def test_a_lost_key_is_told_once_however_often_it_is_looked_for(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    door = await _door(server, Spoiled())
    for _ in range(3):
        await door.start()
    assert [record.message for record in caplog.records] == [
        "The key of openai is lost, paste it again: It cannot be opened."
    ]
    assert not door.current()[1], "nobody answers in its place"
    await door.close()


async def test_a_wrong_key_that_was_pasted_is_told_with_a_step_that_mends_it(
    server: OpenAIServer,
) -> None:
    server.keys = ("another",)
    door = await _door(server, Secrets())
    with pytest.raises(ConnectionBroken, match="Paste one that works") as refused:
        await door.check(Secret(KEY))
    assert "HTTP 401" in refused.value.message and KEY not in refused.value.message
    await door.close()


@pytest.mark.parametrize(
    ("asked", "name", "found", "answers"),
    [
        ("", "openai", [USUAL], USUAL),
        ("", "openai", [], USUAL),
        ("", "openai", ["openai/tts-1"], USUAL),
        ("openai/gpt-4o", "openai", ["openai/gpt-4o-2027-01-01"], "openai/gpt-4o"),
        ("ollama/tiny", "ollama", ["ollama/tiny:latest"], "ollama/tiny"),
        ("openrouter/a/b:free", "openrouter", ["openrouter/a/b"], "openrouter/a/b:free"),
    ],
)
def test_what_is_proposed(asked: str, name: str, found: Sequence[str], answers: str) -> None:
    assert proposed(asked, name, found) == answers
