"""Kinds of messages over the API: set, seen, taken back, by owners alone and in their own tenant."""

import pytest
from aiohttp import ClientSession

from tests.bot.web.api.reading import get
from tests.bot.web.api.test_places import answered
from tests.fakes.web_house import WebHouse

ALARMS = {"channel": "slack", "kind": "alarms", "place": "#ops"}
WHERE = "/v1/bulletins?channel=slack&kind=alarms"
MADE = {**ALARMS, "place": "C1", "name": "#ops", "is_set": False}
SET = {"channel": "slack", "kind": "press", "place": "#press", "name": "#press", "is_set": True}


async def test_a_kind_is_set_seen_and_taken_back(owner: ClientSession) -> None:
    for _ in range(2):  # twice is once
        assert await answered(owner.put("/v1/bulletins", json=ALARMS)) == MADE
    assert (await get(owner, "/v1/bulletins"))["items"] == [MADE, SET]
    await answered(owner.delete(WHERE))
    assert (await get(owner, "/v1/bulletins"))["items"] == [SET]
    rows = (await get(owner, "/v1/audit"))["items"]
    assert [row["action"] for row in rows][-3:] == [
        "bulletin.changed",
        "bulletin.changed",
        "bulletin.removed",
    ]


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"channel": "telegram"}, 422, "slack or discord"),
        ({"kind": "All alarms!"}, 422, "short word"),
        ({"place": "#nowhere"}, 404, "no place called #nowhere"),
        ({"place": ""}, 422, "place"),
        ({"kind": "Press"}, 409, "stands in the settings"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_mend(
    owner: ClientSession, told: dict[str, str], status: int, words: str
) -> None:
    async with owner.put("/v1/bulletins", json={**ALARMS, **told}) as response:
        assert response.status == status
        assert words in (await response.json())["error"]["message"]


async def test_what_stands_in_the_settings_is_not_removed_here(owner: ClientSession) -> None:
    async with owner.delete("/v1/bulletins?channel=slack&kind=press") as response:
        assert response.status == 409
    async with owner.delete(WHERE) as response:
        assert response.status == 404


async def test_only_owners_and_only_their_own(house: WebHouse, owner: ClientSession) -> None:
    await answered(owner.put("/v1/bulletins", json=ALARMS))
    member = await house.bearer(await house.member())
    async with member.put("/v1/bulletins", json=ALARMS) as response:
        assert response.status == 403
    _, olga = await house.other_tenant()
    other = await house.bearer(olga)
    assert (await get(other, "/v1/bulletins"))["items"] == [], "not even those of the settings"
    async with other.delete(WHERE) as response:
        assert response.status == 404
    assert (await get(owner, "/v1/bulletins"))["items"] == [MADE, SET]


async def test_a_kind_is_nobodys_own_chat(owner: ClientSession) -> None:
    await answered(owner.put("/v1/bulletins", json=ALARMS))
    assert (await get(owner, "/v1/telegram/default-chat"))["chat"] is None
