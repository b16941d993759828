"""Rules over the API: added, removed, explained."""

from aiohttp import ClientSession

from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse


async def test_a_rule_is_added_and_removed(house: WebHouse, owner: ClientSession) -> None:
    rule = {"agent": "kelly", "channel": "slack", "place": "C1"}
    async with owner.post("/v1/routes", json=rule) as response:
        assert response.status == 201
        made = await response.json()
    assert made["rule"] == "channel slack and place C1"
    assert house.rules_changed == [house.tenant.id]
    assert await items(owner, "/v1/routes") == [made]
    async with owner.post("/v1/routes", json=rule) as response:
        assert response.status == 409
    async with owner.delete(f"/v1/routes/{made['id']}") as response:
        assert response.status == 200
    async with owner.delete(f"/v1/routes/{made['id']}") as response:
        assert response.status == 404
    assert await items(owner, "/v1/routes") == []


async def test_a_rule_names_an_agent_that_is_there(owner: ClientSession) -> None:
    for body, status in (({"agent": "nobody"}, 404), ({}, 422), ({"agent": "bri", "x": 1}, 422)):
        async with owner.post("/v1/routes", json=body) as response:
            assert response.status == status


async def test_a_choice_is_explained(house: WebHouse, owner: ClientSession) -> None:
    told = await get(
        owner, "/v1/routes/explain?channel=slack&place=C1&person=U9&workspace=T1&mention=@kelly"
    )
    assert told["agent"] == "bri"
    assert told["why"] == "the rule “everything else” fits"
    asked = house.routes.asked
    assert asked
    assert (asked.channel, asked.place.id, asked.place.workspace) == ("slack", "C1", "T1")
    assert (asked.sender.ext_id, asked.sender.person, asked.agent) == ("U9", None, "kelly")
    await get(owner, f"/v1/routes/explain?person={house.owner.id}")
    assert house.routes.asked
    assert house.routes.asked.sender.person == house.owner.id


async def test_routes_are_for_owners(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/routes", 403)
    await get(member, "/v1/routes/explain", 403)
    async with member.post("/v1/routes", json={"agent": "bri"}) as response:
        assert response.status == 403
