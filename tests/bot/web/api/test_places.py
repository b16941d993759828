"""Places over the API: said, seen, taken back, by owners alone and in their own tenant alone."""

from typing import Any

from aiohttp import ClientSession

from tests.bot.web.api.reading import Answer, get
from tests.fakes.web_house import WebHouse

GENERAL = {"channel": "slack", "workspace": "T1", "place": "C1", "name": "#general"}
WHERE = "/v1/places?channel=slack&workspace=T1&place=C1"


async def answered(asked: Any) -> Answer:
    """What a request that goes well is answered."""
    async with asked as response:
        assert response.status < 300, await response.text()
        found: Answer = await response.json()
        return found


async def test_a_place_is_said_seen_and_taken_back(house: WebHouse, owner: ClientSession) -> None:
    told = {**GENERAL, "agent": "kelly", "respond_to_all": True}
    made = await answered(owner.put("/v1/places", json=told))
    assert made == {**told, "respond_to_mentions": True}
    assert (await get(owner, "/v1/places"))["items"] == [made]
    (rule,) = (await get(owner, "/v1/routes"))["items"]
    assert (rule["agent"], rule["workspace"], rule["place"]) == ("kelly", "T1", "C1")
    assert house.rules_changed == ["places"]
    await answered(owner.delete(WHERE))
    assert (await get(owner, "/v1/places"))["items"] == []
    assert (await get(owner, "/v1/routes"))["items"] == []
    actions = [row["action"] for row in (await get(owner, "/v1/audit"))["items"]]
    assert actions[-2:] == ["place.changed", "place.removed"]


async def test_saying_it_twice_leaves_one_rule_and_another_agent_takes_its_place(
    owner: ClientSession,
) -> None:
    for agent in ("kelly", "kelly", "bri"):
        await answered(owner.put("/v1/places", json={**GENERAL, "agent": agent}))
    (place,) = (await get(owner, "/v1/places"))["items"]
    (rule,) = (await get(owner, "/v1/routes"))["items"]
    assert place["agent"] == rule["agent"] == "bri"
    await answered(owner.put("/v1/places", json=GENERAL))
    assert (await get(owner, "/v1/routes"))["items"] == []


async def test_a_rule_of_one_thread_or_person_is_left_alone(owner: ClientSession) -> None:
    narrow = {"channel": "slack", "workspace": "T1", "place": "C1", "thread": "5", "agent": "bri"}
    await answered(owner.post("/v1/routes", json=narrow))
    await answered(owner.put("/v1/places", json={**GENERAL, "agent": "kelly"}))
    await answered(owner.delete(WHERE))
    (rule,) = (await get(owner, "/v1/routes"))["items"]
    assert rule["thread"] == "5"


async def test_what_makes_no_sense_is_refused_with_its_field(owner: ClientSession) -> None:
    for told, status, words in (
        ({**GENERAL, "agent": "nobody"}, 404, "no agent `nobody`"),
        ({**GENERAL, "respond_to_mentions": False, "respond_to_all": True}, 422, "mentions"),
        ({**GENERAL, "respond_to_all": "yes"}, 422, "true or false"),
        ({"channel": "", "place": "C1"}, 422, "channel"),
    ):
        async with owner.put("/v1/places", json=told) as response:
            assert response.status == status, told
            assert words in (await response.json())["error"]["message"]
    async with owner.delete(WHERE) as response:
        assert response.status == 404


async def test_only_owners_and_only_their_own(house: WebHouse, owner: ClientSession) -> None:
    await answered(owner.put("/v1/places", json={**GENERAL, "agent": "kelly"}))
    member = await house.bearer(await house.member())
    async with member.put("/v1/places", json=GENERAL) as response:
        assert response.status == 403
    _, olga = await house.other_tenant()
    other = await house.bearer(olga)
    assert (await get(other, "/v1/places"))["items"] == []
    async with other.delete(WHERE) as response:
        assert response.status == 404
    assert len((await get(owner, "/v1/places"))["items"]) == 1
