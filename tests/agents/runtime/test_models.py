"""Who answers for the house: a real model or the offline one, over which transport."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.runtime.models import FIELD, ModelDoor, ModelSetup
from bot.core.errors import BotError, ConnectionBroken, SettingsError, VendorError
from bot.core.ids import PersonId, TenantId
from bot.core.model import Task
from bot.core.people import Person, Role
from bot.core.secret import Secret
from bot.settings import Settings
from bot.wiring.setup import model_setup
from tests.agents.runtime.talk import KEY, MODEL, request
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer, Reply, rate_limited

TENANT = TenantId("ten_a")
OWNER = Person(
    id=PersonId("per_a"),
    tenant=TENANT,
    name="Ada",
    role=Role.OWNER,
    created_at=datetime(2027, 3, 3, tzinfo=UTC),
)


class Secrets:
    """What is kept sealed, in memory, by field."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Secret]] = {}
        self.lost: dict[str, BotError] = {}
        """Pasted keys that cannot be opened, by provider."""

    async def put(self, tenant: TenantId, provider: str, field: str, secret: Secret) -> None:
        assert tenant == TENANT
        self.kept.setdefault(field, {})[provider] = secret

    async def readable(
        self, tenant: TenantId, field: str
    ) -> tuple[Mapping[str, Secret], Mapping[str, BotError]]:
        return dict(self.kept.get(field, {})), self.lost if field == FIELD else {}


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


async def door_to(server: OpenAIServer, **changes: Any) -> ModelDoor:
    """The door of a house that is set to this server."""
    given: dict[str, Any] = {
        "clock": StillClock(),
        "keys": {"openai": Secret(KEY)},
        "endpoints": {"openai": server.url},
        "default": (MODEL,),
        "transport": "direct",
        **changes,
    }
    door = ModelDoor(ModelSetup(**given), Secrets(), TENANT)
    await door.start()
    return door


async def test_with_nothing_set_the_offline_model_answers_and_says_so(server: OpenAIServer) -> None:
    door = await door_to(server, keys={}, endpoints={}, default=())
    assert door.current() == ("offline model", True)
    assert (await door.complete(request())).offline
    assert (door.resting(), door.problems()) == ([], [])


@pytest.mark.parametrize("status", [401, 402, 404, 429, 500])
async def test_a_model_that_fails_is_never_replaced_by_the_offline_one(
    server: OpenAIServer, status: int
) -> None:
    server.otherwise = Reply(status=status, headers={"Retry-After": "60"})
    door = await door_to(server)
    for _ in range(3):
        with pytest.raises(Exception, match=MODEL) as caught:
            await door.complete(request())
        assert type(caught.value).__module__ == "bot.core.errors"
    assert door.current() == (MODEL, False)
    await door.close()


async def test_a_wrong_key_is_told_and_not_hidden_by_the_offline_model(
    server: OpenAIServer,
) -> None:
    server.keys = ("another",)
    door = await door_to(server)
    with pytest.raises(ConnectionBroken, match="OPENAI_API_KEY"):
        await door.complete(request())
    await door.close()


async def test_who_rests_is_told_without_a_key(server: OpenAIServer) -> None:
    server.otherwise = rate_limited(60)
    door = await door_to(server)
    with pytest.raises(VendorError):
        await door.complete(request())
    told = {"model": MODEL, "seconds": 60, "cause": "model.rate", "status": 429}
    assert door.resting() == [told]
    await door.close()


async def test_that_every_model_is_silent_is_told_and_not_of_one_that_only_rests(
    server: OpenAIServer,
) -> None:
    door = await door_to(server)
    server.otherwise = rate_limited(60)
    with pytest.raises(VendorError):
        await door.complete(request())
    assert door.resting() and door.silent() == ""
    await door.close()
    server.keys = ("another",)
    for named, others in (
        ((MODEL,), "no other model is there"),
        ((MODEL, "openai/gpt-4o"), "none of the others did"),
    ):
        refused = await door_to(server, default=named)
        assert refused.silent() == ""
        with pytest.raises(ConnectionBroken):
            await refused.complete(request())
        why = f"{MODEL} did not answer (its key is refused, HTTP 401), and {others}."
        assert (refused.silent(), refused.problems()) == (why, [why])
        await refused.close()


async def test_a_refused_key_is_told_until_it_answers_and_not_only_while_its_model_rests(
    server: OpenAIServer,
) -> None:
    clock = StillClock()
    server.keys = ("another",)
    door = await door_to(server, clock=clock)
    assert door.problems() == []
    with pytest.raises(ConnectionBroken):
        await door.complete(request())
    clock.move(hours=1)
    assert door.resting() == [] and "its key is refused" in door.problems()[0]
    server.keys = ()
    await door.complete(request())
    assert (door.problems(), door.silent()) == ([], "")
    await door.close()


async def test_what_cannot_be_reached_keeps_nobody_out_for_long(server: OpenAIServer) -> None:
    clock = StillClock()
    door = await door_to(server, clock=clock, endpoints={"openai": "http://127.0.0.1:1/v1"})
    with pytest.raises(ConnectionBroken):
        await door.complete(request())
    assert "it cannot be reached" in door.silent() and door.problems() == []
    clock.move(minutes=5)
    assert door.silent() == ""
    await door.close()


async def test_a_pasted_key_that_is_lost_is_told_and_where_nobody_else_answers_it_is_a_problem(
    server: OpenAIServer,
) -> None:
    said = ["The key of OpenAI that was pasted cannot be opened any more. Paste it again."]
    secrets = Secrets()
    secrets.lost["openai"] = SettingsError("Its data key is gone.")
    claude = {"anthropic": Secret("sk-ant")}
    for changes, problems in (
        ({}, said),
        ({"endpoints": {"openai": server.url}}, said),
        ({"keys": claude, "default": ("anthropic/claude-haiku-5-5",)}, []),
    ):
        given: dict[str, Any] = {"clock": StillClock(), "keys": {}, "endpoints": {}, **changes}
        door = ModelDoor(ModelSetup(**given), secrets, TENANT)
        await door.start()
        assert (door.lost(), door.problems()) == (said, problems), changes
        await door.close()


async def test_a_key_that_was_pasted_answers_while_old_calls_end(server: OpenAIServer) -> None:
    server.script.append(Reply(text="old", delay_s=0.05))
    door = await door_to(server)
    old = asyncio.create_task(door.complete(request()))
    while not server.requests:
        await asyncio.sleep(0)
    offer = await door.check(Secret("sk-proj-new-0123456789"), MODEL)
    await door.adopt(Secret("sk-proj-new-0123456789"), offer, OWNER)
    assert (await old).message.content == "old"
    await door.close()


def test_the_settings_reach_the_door() -> None:
    settings = Settings.model_validate(
        {
            "models": {
                "default": ["openai/a", "gemini/b"],
                "summarise": ["gemini/c"],
                "transport": "direct",
                "timeout_s": 9,
                "price": {"openai/a": {"input": 1, "output": 2}},
            },
            "keys": {"openai": "sk-a"},
            "endpoint": {"openai": "https://models.example.org/v1"},
        }
    )
    setup = model_setup(settings, StillClock())
    assert (setup.transport, setup.timeout_s, setup.default) == (
        "direct", 9.0, ("openai/a", "gemini/b"),
    )  # fmt: skip
    assert setup.lists[Task.SUMMARISE] == ("gemini/c",)
    assert setup.prices == {"openai/a": (1.0, 2.0)}
    assert list(setup.keys) == ["openai"]
    assert setup.endpoints == {"openai": "https://models.example.org/v1"}
    assert model_setup(Settings(), StillClock()).transport == "litellm"
