"""Users of a platform: everybody with who they are here, and an owner who says who one of them is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.people import Role
from bot.store import platform_users as rows
from bot.store.people import Identity
from bot.store.platform_users import PlatformUser
from tests.bot.web.api.reading import get
from tests.fakes.web_house import WebHouse

ALL = "/v1/channels/slack/users"
ANA = PlatformUser(workspace="T1", ext_id="U1", username="ana", name="Ana", email="ana@example.com")
BEN = PlatformUser(workspace="T1", ext_id="U2", username="ben", name="Ben")
THERE = {"channel": "slack", "workspace": "T1", "user": "U2"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        await house.db.write(rows.put(house.tenant.id, "slack", [ANA, BEN], 1_700_000_000_000_000))
        yield house


async def test_everybody_is_listed_with_the_time_and_who_they_are_here(house: WebHouse) -> None:
    person = await house.people.add(house.tenant.id, "Ana", Role.MEMBER, "", "house")
    app = Identity(channel="slack", account="app:A1/T1", ext_id="U1", name="Ana")
    await house.people.know(house.tenant.id, person.id, app, "house")
    browser = await house.browser()
    found = await get(browser, ALL)
    assert [(u["user"], u["name"], u["person"]) for u in found["items"]] == [
        ("U1", "Ana", person.id),
        ("U2", "Ben", None),
    ]
    assert found["items"][0]["synced_at"].startswith("2023-11-14")
    first = await get(browser, f"{ALL}?limit=1")
    assert [u["user"] for u in first["items"]] == ["U1"] and first["next"] == "T1 U1"
    assert [u["user"] for u in (await get(browser, f"{ALL}?after=T1%20U1"))["items"]] == ["U2"]


async def test_an_owner_says_who_somebody_is_and_twice_is_once(house: WebHouse) -> None:
    person = await house.people.add(house.tenant.id, "Ben", Role.MEMBER, "", "house")
    browser = await house.browser()
    for _ in range(2):
        async with browser.post(f"/v1/people/{person.id}/known", json=THERE) as response:
            assert response.status == 200, await response.text()
    there = Identity(channel="slack", account="app:A9/T1", ext_id="U2")
    assert await house.people.find(house.tenant.id, there) == person, "by every app of it"
    assert len((await house.people.identities(house.tenant.id))[person.id]) == 1
    items = (await get(browser, "/v1/audit"))["items"]
    assert [row["action"] for row in items][-1] == "person.linked"


async def test_nobody_is_tied_to_what_the_platform_did_not_tell_nor_across_tenants(
    house: WebHouse,
) -> None:
    person = await house.people.add(house.tenant.id, "Ben", Role.MEMBER, "", "house")
    mine = await house.browser()
    for wrong in ({"user": "U9"}, {"workspace": "T2"}, {"channel": "discord"}):
        path = f"/v1/people/{person.id}/known"
        async with mine.post(path, json={**THERE, **wrong}) as response:
            assert response.status == 404
    async with mine.post("/v1/people/per_none/known", json=THERE) as response:
        assert response.status == 404
    _, olga = await house.other_tenant()
    theirs = await house.browser(olga)
    assert (await get(theirs, ALL))["items"] == []
    async with theirs.post(f"/v1/people/{person.id}/known", json=THERE) as response:
        assert response.status == 404
    member = await house.browser(await house.member())
    for asked in (member.get(ALL), member.post(f"/v1/people/{person.id}/known", json=THERE)):
        async with asked as response:
            assert response.status == 403
    assert person.id not in await house.people.identities(house.tenant.id)
