"""Memory over the API: each sees and forgets their own; archives go by who may read."""

from aiohttp import ClientSession

from bot.core.ids import AgentName, PersonId, TenantId
from bot.core.ports import Memo
from bot.store import memory
from tests.bot.web.api.reading import answered, items, say
from tests.fakes.web_house import WebHouse


async def keep(
    house: WebHouse,
    id_: str,
    person: PersonId | None,
    tenant: TenantId | None = None,
    trusted: bool = True,
) -> None:
    item = Memo(
        id=id_,
        text=f"About {id_}\u202e",
        source="a test",
        trusted=trusted,
        person=person,
        agent=AgentName("bri"),
        at=house.clock.now(),
    )
    assert await house.db.write(memory.keep(tenant or house.tenant.id, item, 10))


async def test_each_sees_and_forgets_their_own(house: WebHouse, owner: ClientSession) -> None:
    person = await house.member()
    member = await house.bearer(person)
    other, _ = await house.other_tenant()
    await keep(house, "mem_member", person.id, trusted=False)
    await keep(house, "mem_owner", house.owner.id)
    await keep(house, "mem_house", None)
    await keep(house, "mem_away", person.id, other.id)
    (note,) = await items(member, "/v1/memory")
    assert (note["id"], note["outside"]) == ("mem_member", True)
    assert "\u202e" not in note["text"]
    assert {n["id"] for n in await items(owner, "/v1/memory")} == {"mem_owner", "mem_house"}
    for id_, status in (
        ("mem_owner", 404),
        ("mem_house", 404),
        ("mem_away", 404),
        ("mem_member", 200),
        ("mem_member", 404),
    ):
        async with member.delete(f"/v1/memory/{id_}") as response:
            assert response.status == status, id_
    async with owner.delete("/v1/memory/mem_house") as response:
        assert response.status == 200


async def test_an_archive_is_listed_and_brought_back_by_who_may_read_it(
    house: WebHouse, owner: ClientSession
) -> None:
    person = await house.member()
    member, stranger = await house.bearer(person), await house.bearer(await house.member("Mia"))
    told = await say(member, "Where is the bread?")
    before = await answered(member, told)
    house.clock.advance(days=100)
    assert await house.parts.archives.put_away() == 1
    assert await items(member, f"/v1/conversations/{told['conversation']}/messages") == []
    assert await items(stranger, "/v1/archives") == []
    (away,) = await items(member, "/v1/archives")
    assert (away["conversation"], away["lines"]) == (told["conversation"], 2)
    assert [item["id"] for item in await items(owner, "/v1/archives")] == [away["id"]]
    for client, status in ((stranger, 404), (member, 200), (member, 409)):
        async with client.post(f"/v1/archives/{away['id']}/restore") as response:
            assert response.status == status
    assert await items(member, f"/v1/conversations/{told['conversation']}/messages") == before
