"""Tenants over the API: made by owners of the first, and walls to everybody else."""

from aiohttp import ClientSession

from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse


async def test_a_tenant_is_made_with_an_owner_who_signs_in(
    house: WebHouse, owner: ClientSession
) -> None:
    async with owner.post("/v1/tenants", json={"name": "Acme", "owner": "Ada"}) as response:
        assert response.status == 201
        told = await response.json()
    browser = house.client()
    async with browser.post(told["link"], allow_redirects=False) as response:
        assert response.status == 303
    me = await get(browser, "/v1/me")
    assert (me["person"]["name"], me["tenant"]["name"]) == ("Ada", "Acme")
    assert [item["name"] for item in await items(owner, "/v1/tenants")] == ["Home", "Acme"]


async def test_an_owner_of_another_tenant_knows_of_their_own_alone(house: WebHouse) -> None:
    other = await house.bearer((await house.other_tenant())[1])
    assert [item["name"] for item in await items(other, "/v1/tenants")] == ["Other"]
    async with other.post("/v1/tenants", json={"name": "Mine"}) as response:
        assert response.status == 403


async def test_members_make_none(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/tenants", 403)
    async with member.post("/v1/tenants", json={"name": "Mine"}) as response:
        assert response.status == 403
