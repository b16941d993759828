"""The book over the API: for owners, their tenant's alone."""

from aiohttp import ClientSession

from tests.bot.web.api.reading import answered, get, items, say
from tests.fakes.web_house import WebHouse


async def test_the_book_is_read_page_by_page(house: WebHouse, owner: ClientSession) -> None:
    await answered(owner, await say(owner, "Hello"))
    whole = await items(owner, "/v1/audit")
    first = await get(owner, "/v1/audit?limit=2")
    rest = await items(owner, f"/v1/audit?after={first['next']}")
    assert first["items"] + rest == whole
    assert [entry["action"] for entry in whole][:2] == ["tenant.added", "person.added"]
    assert whole[-1]["action"] == "event.answered"


async def test_the_book_is_verified(owner: ClientSession) -> None:
    assert (await get(owner, "/v1/audit/verify"))["ok"] is True


async def test_the_book_is_for_owners_of_the_tenant(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/audit", 403)
    await get(member, "/v1/audit/verify", 403)
    other, olga = await house.other_tenant()
    entries = await items(await house.bearer(olga), "/v1/audit")
    assert {entry["target"] for entry in entries} & {house.tenant.id, house.owner.id} == set()
    assert entries
