"""People over the API: added with a link, changed, paired, removed, by owners alone."""

from aiohttp import ClientSession

from bot.store.people import Identity
from tests.bot.web.api.reading import answered, get, items, say
from tests.fakes.web_house import WebHouse


async def test_a_person_is_added_and_signs_in_by_the_link(
    house: WebHouse, owner: ClientSession
) -> None:
    async with owner.post(
        "/v1/people", json={"name": "Max", "role": "member", "email": "max@example.org"}
    ) as response:
        assert response.status == 201
        told = await response.json()
    assert told["link"].startswith(f"{house.url}/in/")
    browser = house.client()
    async with browser.post(told["link"], allow_redirects=False) as response:
        assert response.status == 303
    assert (await get(browser, "/v1/me"))["person"]["name"] == "Max"
    assert [item["name"] for item in await items(owner, "/v1/people")] == ["Owner", "Max"]


async def test_a_person_is_changed(house: WebHouse, owner: ClientSession) -> None:
    person = await house.member()
    path = f"/v1/people/{person.id}"
    async with owner.post(path, json={"role": "owner", "zone": "Asia/Tokyo"}) as response:
        assert response.status == 200
        assert (await response.json())["role"] == "owner"
    found = {item["id"]: item for item in await items(owner, "/v1/people")}
    assert (found[person.id]["name"], found[person.id]["zone"]) == ("Max", "Asia/Tokyo")
    for body in ({"zone": "Mars"}, {"role": "king"}, {"nmae": "x"}, {"name": "a\nb"}):
        async with owner.post(path, json=body) as response:
            assert response.status == 422, body
    async with owner.post("/v1/people/per_unknown", json={"name": "X"}) as response:
        assert response.status == 404


async def test_a_removed_persons_token_opens_nothing(house: WebHouse, owner: ClientSession) -> None:
    person = await house.member()
    client = await house.bearer(person)
    await get(client, "/v1/me")
    async with owner.delete(f"/v1/people/{person.id}") as response:
        assert response.status == 200
    await get(client, "/v1/me", 401)
    async with owner.delete(f"/v1/people/{person.id}") as response:
        assert response.status == 404


async def test_the_only_owner_is_not_removed(house: WebHouse, owner: ClientSession) -> None:
    async with owner.delete(f"/v1/people/{house.owner.id}") as response:
        assert response.status == 409


async def test_a_stranger_is_paired(house: WebHouse, owner: ClientSession) -> None:
    who = Identity(channel="slack", account="T1", ext_id="U1", name="uma")
    code = await house.people.pairing_code(house.tenant.id, who)
    async with owner.post("/v1/pair", json={"code": code, "name": "Uma"}) as response:
        assert response.status == 200
        person = (await response.json())["person"]
    found = {item["id"]: item for item in await items(owner, "/v1/people")}
    assert found[person["id"]]["identities"] == [
        {"channel": "slack", "account": "T1", "ext_id": "U1", "name": "uma"}
    ]
    for code, status in ((code, 404), ("x" * 21, 422), ("", 422)):
        async with owner.post("/v1/pair", json={"code": code}) as response:
            assert response.status == status


async def test_members_manage_nobody(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/people", 403)
    for path, body in (
        ("/v1/people", {"name": "X"}),
        (f"/v1/people/{house.owner.id}", {"role": "member"}),
        ("/v1/pair", {"code": "00000000"}),
    ):
        async with member.post(path, json=body) as response:
            assert response.status == 403
    async with member.delete(f"/v1/people/{house.owner.id}") as response:
        assert response.status == 403


async def test_a_name_shows_what_is_hidden_in_it_wherever_it_is_listed(
    house: WebHouse, owner: ClientSession
) -> None:
    sly = "Ana\u202eevE\u200b"
    member = await house.bearer(await house.member(sly))
    told = await say(member, "Title \u202edne")
    await answered(member, told)
    shown = "Ana[U+202E]evE[U+200B]"
    assert shown in [item["name"] for item in await items(owner, "/v1/people")]
    assert (await get(member, "/v1/me"))["person"]["name"] == shown
    titles = [item["title"] for item in await items(owner, "/v1/conversations?all=1")]
    assert titles == ["Title [U+202E]dne"]
