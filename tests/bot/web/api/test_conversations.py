"""Conversations: one's own, page by page, and stopped on request."""

import asyncio

from aiohttp import ClientSession

from bot.core.conversation import Claim, TurnEnd
from bot.core.errors import ConnectionBroken
from tests.bot.web.api.reading import answered, get, items, lines, say
from tests.fakes.web_house import WebHouse, said


async def test_the_list_is_ones_own_and_latest_first(house: WebHouse, owner: ClientSession) -> None:
    told = [await say(owner, f"Talk {n}") for n in range(3)]
    for one in told:
        await answered(owner, one)
    found = await items(owner, "/v1/conversations")
    assert {item["id"] for item in found} == {one["conversation"] for one in told}
    assert [item["updated_at"] for item in found] == sorted(
        (item["updated_at"] for item in found), reverse=True
    )
    assert (found[0]["channel"], found[0]["state"], found[0]["pending"]) == ("api", "idle", 0)


async def test_pages_follow_one_another_without_a_gap(owner: ClientSession) -> None:
    told = [await say(owner, f"Talk {n}") for n in range(5)]
    for one in told:
        await answered(owner, one)
    found, after = [], ""
    for _ in range(9):
        page = await get(owner, f"/v1/conversations?limit=2{after}")
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(found) == sorted(one["conversation"] for one in told)


async def test_lines_come_page_by_page_in_their_order(owner: ClientSession) -> None:
    told = await say(owner, "0")
    for n in range(1, 4):
        await answered(owner, await say(owner, f"{n}", conversation=told["conversation"]))
    whole = await lines(owner, told)
    path = f"/v1/conversations/{told['conversation']}/messages?limit=3"
    first = await get(owner, path)
    rest = await get(owner, f"{path}&after={first['next']}")
    last = await get(owner, f"{path}&after={rest['next']}")
    assert first["items"] + rest["items"] + last["items"] == whole
    assert last["next"] is None


async def test_an_owner_reads_everyones_and_lists_them_on_request(
    house: WebHouse, owner: ClientSession
) -> None:
    member = await house.bearer(await house.member())
    theirs = await say(member, "Mine")
    assert await answered(owner, theirs)
    assert await items(owner, "/v1/conversations") == []
    found = await items(owner, "/v1/conversations?all=1")
    assert [item["id"] for item in found] == [theirs["conversation"]]


async def test_a_member_sees_their_own_alone(house: WebHouse, owner: ClientSession) -> None:
    mine = await say(owner, "Mine")
    member = await house.bearer(await house.member())
    assert await items(member, "/v1/conversations?all=1") == []
    unknown = await get(member, "/v1/conversations/cnv_unknown/messages", 404)
    path = f"/v1/conversations/{mine['conversation']}/messages"
    assert await get(member, path, 404) == unknown
    async with member.post(
        "/v1/messages", json={"text": "Hi", "conversation": mine["conversation"]}
    ) as response:
        assert response.status == 404


async def test_an_owner_does_not_write_in_a_members_conversation(
    house: WebHouse, owner: ClientSession
) -> None:
    member = await house.bearer(await house.member())
    theirs = await say(member, "Mine")
    async with owner.post(
        "/v1/messages", json={"text": "Hi", "conversation": theirs["conversation"]}
    ) as response:
        assert response.status == 409


async def test_what_runs_is_stopped(house: WebHouse, owner: ClientSession) -> None:
    begun = asyncio.Event()

    async def script(claim: Claim) -> TurnEnd:
        begun.set()
        await asyncio.Event().wait()
        return said("Never")

    house.script = script
    told = await say(owner, "Go")
    await begun.wait()
    path = f"/v1/conversations/{told['conversation']}/stop"
    async with owner.post(path) as response:
        assert response.status == 202
        assert (await response.json())["reply"] == "Stopping."
    assert "Stopped." in [line["text"] for line in await answered(owner, told)]


async def test_nobody_stops_what_is_not_theirs(house: WebHouse, owner: ClientSession) -> None:
    mine = await say(owner, "Mine")
    member = await house.bearer(await house.member())
    for id_ in (mine["conversation"], "cnv_unknown"):
        async with member.post(f"/v1/conversations/{id_}/stop") as response:
            assert response.status == 404


async def test_a_limit_is_a_number_in_its_bounds(owner: ClientSession) -> None:
    for limit in ("0", "1001", "-1", "x", "1e3", "²", "9" * 30):
        answer = await get(owner, f"/v1/conversations?limit={limit}", 422)
        assert answer["error"]["field"] == "limit"
    await get(owner, "/v1/conversations?limit=1000")


async def test_pages_go_backwards_without_gap_or_repeat(
    house: WebHouse, owner: ClientSession
) -> None:
    told = await say(owner, "1")
    await answered(owner, told)
    for text in ("2", "3"):
        more = await say(owner, text, conversation=told["conversation"])
        await answered(owner, more)
    path = f"/v1/conversations/{told['conversation']}/messages"
    whole = await items(owner, path)
    found: list[object] = []
    before: int | None = 2**53 - 1
    while before:
        page = await get(owner, f"{path}?limit=4&before={before}")
        found, before = [*page["items"], *found], page["next"]
    assert found == whole
    assert len(whole) == 6


async def test_a_failed_turn_says_why_and_what_to_do(house: WebHouse, owner: ClientSession) -> None:
    async def fails(claim: Claim) -> TurnEnd:
        raise ConnectionBroken("OpenAI does not accept the key.", cause="model.auth")

    house.script = fails
    told = await say(owner, "Hello")
    line = (await answered(owner, told))[-1]
    assert (line["role"], line["cause"]) == ("system", "model.auth")
    assert line["action"] == {"label": "Give another key", "href": "/admin#key"}
