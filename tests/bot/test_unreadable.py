"""A house whose kept secrets cannot all be opened starts, and names what is to be given anew."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process import Process

SPOILED = (
    "INSERT INTO sealed (tenant, provider, owner, field, version, value, updated_at) "
    "SELECT id, ?, '', ?, 1, 'v1.AAAA.BBBB', 1 FROM tenant"
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Process]:
    made = Process(tmp_path)
    await made.start()
    yield made
    made.stop()


async def again_with(house: Process, provider: str, field: str) -> None:
    """Start again, with a secret that nobody can open."""
    house.stop()
    with sqlite3.connect(house.home / "switchboard.db") as rows:
        assert rows.execute(SPOILED, (provider, field)).rowcount == 1
    rows.close()
    await house.start()


async def test_a_platform_whose_tokens_cannot_be_opened_is_named_and_can_be_let_go_of(
    house: Process,
) -> None:
    await again_with(house, "telegram", "channel")
    down = "telegram down (A stored secret cannot be opened. Connect the service again.)"
    assert down in await house.verb("status")
    await house.verb("connect", "telegram", "--remove")
    assert "cannot be opened" not in await house.verb("status")
    house.stop()
    await house.start()
    assert "cannot be opened" not in await house.verb("status")


async def test_a_model_s_key_that_cannot_be_opened_is_not_answered_for_by_the_offline_model(
    house: Process,
) -> None:
    await again_with(house, "openai", "model_key")
    assert "The key of openai is lost, paste it again" in house.said
    told = await house.verb("status", code=1)
    assert "offline model" not in told
    assert "The key of OpenAI that was pasted cannot be opened any more. Paste it again." in told
