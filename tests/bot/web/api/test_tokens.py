"""Tokens over the API: shown once, listed by their end, ended at once."""

from aiohttp import ClientSession

from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse


async def test_a_token_is_shown_once_and_opens(house: WebHouse, owner: ClientSession) -> None:
    async with owner.post("/v1/tokens", json={"name": "laptop"}) as response:
        assert response.status == 201
        made = await response.json()
    client = house.client({"Authorization": f"Bearer {made['token']}"})
    await get(client, "/v1/me")
    shown = {item["id"]: item for item in await items(owner, "/v1/tokens")}[made["id"]]
    assert shown["last4"] == made["token"][-4:]
    assert "token" not in shown
    async with owner.delete(f"/v1/tokens/{made['id']}") as response:
        assert response.status == 200
    await get(client, "/v1/me", 401)


async def test_an_owner_makes_tokens_for_others_and_members_for_themselves(
    house: WebHouse, owner: ClientSession
) -> None:
    person = await house.member()
    member = await house.bearer(person)
    async with owner.post("/v1/tokens", json={"name": "a", "person": person.id}) as response:
        assert (await response.json())["person"] == person.id
    async with member.post("/v1/tokens", json={"name": "b"}) as response:
        assert (await response.json())["person"] == person.id
    async with member.post("/v1/tokens", json={"name": "c", "person": house.owner.id}) as response:
        assert response.status == 403
    async with owner.post("/v1/tokens", json={"name": "d", "person": "per_x"}) as response:
        assert response.status == 404


async def test_a_member_sees_and_ends_their_own_alone(
    house: WebHouse, owner: ClientSession
) -> None:
    person = await house.member()
    member = await house.bearer(person)
    assert {item["person"] for item in await items(member, "/v1/tokens")} == {person.id}
    owners = [i for i in await items(owner, "/v1/tokens") if i["person"] == house.owner.id]
    async with member.delete(f"/v1/tokens/{owners[0]['id']}") as response:
        assert response.status == 404
    await get(owner, "/v1/me")
