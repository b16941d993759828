"""Where a person is notified on Telegram: their own chat with the bot, and no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.core.people import Role
from bot.store import audit, people, saved_chats
from bot.store.people import Identity
from tests.fakes.web_house import WebHouse

SAVE, READ = "/v1/telegram/save-chat", "/v1/telegram/default-chat"
WHO = Identity(channel="telegram", account="77", ext_id="11", name="Ana on Telegram")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as made:
        yield made


async def post(client: ClientSession, body: object) -> tuple[int, dict[str, object]]:
    async with client.post(SAVE, json=body) as response:
        return response.status, await response.json()


async def read(client: ClientSession) -> object:
    async with client.get(READ) as response:
        assert response.status == 200
        return (await response.json())["chat"]


async def test_a_chat_is_saved_and_read(house: WebHouse) -> None:
    owner = await house.bearer()
    assert await read(owner) is None
    status, told = await post(owner, {})
    assert status == 409 and "does not know you" in str(told), "nobody has written to the bot yet"
    tenant = house.tenant.id
    await house.db.write(people.know(tenant, WHO, house.owner.id, 1))
    for body in ({}, {"chat_id": "11"}, {"chat_id": 11}):
        status, told = await post(owner, body)
        assert status == 200
        chat = await read(owner)
        assert told["chat"] == chat
        assert isinstance(chat, dict) and (chat["chat_id"], chat["name"]) == ("11", WHO.name)
    lines = [line.action for line, *_ in await house.db.read(audit.entries(tenant, 0, 100))]
    assert "chat.saved" in lines


async def test_nobody_saves_the_chat_of_another(house: WebHouse) -> None:
    owner = await house.bearer()
    tenant = house.tenant.id
    await house.db.write(people.know(tenant, WHO, house.owner.id, 1))
    for wrong in ("12", "-100500", 11.5, ["11"]):
        status, _ = await post(owner, {"chat_id": wrong})
        assert status in (403, 422), wrong
    assert await read(owner) is None


async def test_a_chat_counts_only_while_it_is_the_persons_own(house: WebHouse) -> None:
    owner = await house.bearer()
    tenant = house.tenant.id
    await house.db.write(people.know(tenant, WHO, house.owner.id, 1))
    await post(owner, {})
    ben = await house.people.add(tenant, "Ben", Role.MEMBER, "", "test")
    await house.db.write(people.know(tenant, WHO, ben.id, 2))
    assert await read(owner) is None, "the account on Telegram is Ben's now"
    assert await house.db.read(saved_chats.get(tenant, ben.id, "telegram")) is None
    await house.db.write(people.know(tenant, WHO, house.owner.id, 3))
    assert await house.db.read(saved_chats.get("ten_other", house.owner.id, "telegram")) is None
