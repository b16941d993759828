"""A pasted key: tried, then kept, and never repeated."""

import logging

import pytest
from aiohttp import ClientSession

from tests.bot.web.api.reading import get
from tests.fakes.web_house import WebHouse


async def test_a_right_key_is_adopted(house: WebHouse, owner: ClientSession) -> None:
    async with owner.post("/v1/models/key", json={"key": " sk-right "}) as response:
        assert response.status == 200
        told = await response.json()
    assert told == {
        "provider": "openai",
        "models": ["openai/gpt-4o-mini", "openai/gpt-4o"],
        "model": "openai/gpt-4o-mini",
    }
    assert (await get(owner, "/v1/me"))["model"]["offline"] is False


async def test_a_wrong_key_changes_nothing_and_is_not_repeated(
    house: WebHouse, owner: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-wrong-and-secret-1234"
    async with owner.post("/v1/models/key", json={"key": key}) as response:
        assert response.status == 422
        text = await response.text()
    assert "1234" in text
    assert key not in text
    assert key not in caplog.text
    assert house.models.adopted is None


async def test_keys_are_for_owners(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    async with member.post("/v1/models/key", json={"key": "sk-right"}) as response:
        assert response.status == 403
    assert house.models.adopted is None


async def test_a_key_is_for_owners_of_the_first_tenant_whose_words_would_go_with_it(
    house: WebHouse,
) -> None:
    stranger = await house.bearer((await house.other_tenant())[1])
    async with stranger.post("/v1/models/key", json={"key": "sk-right"}) as response:
        assert response.status == 403
    assert house.models.adopted is None
