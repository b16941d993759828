"""The house about itself: who you are, who works here, whether it is well."""

import pytest
from aiohttp import ClientSession

from bot.core.conversation import Claim, Spend, TurnEnd
from bot.core.errors import StoreError
from bot.core.model import Usage
from bot.web.auth import COOKIE
from tests.bot.web.api.reading import answered, get, items, say
from tests.fakes.web_house import WebHouse, said


async def test_me_is_who_asks_and_what_they_find(house: WebHouse, owner: ClientSession) -> None:
    me = await get(owner, "/v1/me")
    assert me["person"] == {
        "id": house.owner.id,
        "name": "Owner",
        "role": "owner",
        "zone": "UTC",
    }
    assert me["tenant"] == {"id": house.tenant.id, "name": "Home"}
    assert [agent["name"] for agent in me["agents"]] == ["kelly", "bri"]
    assert me["model"] == {"name": "offline model", "offline": True}
    assert (me["pending"], me["access"]) == (0, "ask")


async def test_what_waits_is_counted_for_who_may_see_it(
    house: WebHouse, owner: ClientSession
) -> None:
    house.script = house.asks()
    mine = await house.bearer(await house.member("Max"))
    other = await house.bearer(await house.member("Bo"))
    await answered(mine, await say(mine, "Publish"))
    counts = [(await get(client, "/v1/me"))["pending"] for client in (owner, mine, other)]
    assert counts == [1, 1, 0]


async def test_the_team_is_listed_with_its_tools(owner: ClientSession) -> None:
    found = {item["name"]: item for item in await items(owner, "/v1/agents")}
    assert found["bri"]["tools"] == ["memory.*"]
    assert found["kelly"]["emoji"] == "✍️"


async def spends(claim: Claim) -> TurnEnd:
    return said(
        "Done", spends=(Spend(model="m", usage=Usage(tokens_in=5, tokens_out=2, micros=9)),)
    )


async def test_usage_is_the_tenants_for_owners_and_ones_own_for_members(
    house: WebHouse, owner: ClientSession
) -> None:
    house.script = spends
    member = await house.bearer(await house.member())
    for client in (owner, owner, member):
        await answered(client, await say(client, "Hello"))
    everything, own = await get(owner, "/v1/usage"), await get(member, "/v1/usage")
    assert everything["total"] == {"calls": 3, "tokens_in": 15, "tokens_out": 6, "micros": 27}
    assert [item["agent"] for item in everything["items"]] == ["bri"]
    assert own["total"]["calls"] == 1
    assert own["items"] == []
    await get(owner, "/v1/usage?days=0", 422)


async def test_anybody_may_ask_whether_the_house_lives(house: WebHouse) -> None:
    anybody = house.client()
    assert await get(anybody, "/health") == {"ok": True}
    assert (await get(anybody, "/version"))["version"] == "1.2.3"
    assert await get(anybody, "/ready") == {"ok": True}
    house.problems = ["Its key is refused."]
    assert await get(anybody, "/ready") == {"ok": True}
    house.broken = "The disk is full."
    assert await get(anybody, "/ready", 503) == {"ok": False}
    assert await get(anybody, "/health") == {"ok": True}


async def test_why_the_house_is_not_ready_is_told_to_whoever_shows_a_token(house: WebHouse) -> None:
    known = await house.bearer(await house.member())
    assert await get(known, "/ready") == {"ok": True, "problems": [], "resting": []}
    house.problems = ["Its key is refused."]
    told = await get(known, "/ready")
    assert told == {"ok": True, "problems": ["Its key is refused."], "resting": []}
    house.broken = "The disk is full."
    told = await get(known, "/ready", 503)
    assert told["ok"] is False and told["problems"][0] == "The disk is full."
    await get(house.client({"Authorization": "Bearer guess"}), "/ready", 401)


async def test_where_the_database_is_away_nobody_learns_where_it_lies(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreError("The database cannot be read: Connect call failed ('10.0.0.5', 5432).")

    monkeypatch.setattr(house.credentials, "by_token", away)
    monkeypatch.setattr(house.credentials, "by_cookie", away)
    guess = house.client({"Authorization": "Bearer guess"})
    cookie = house.client({"Cookie": f"{COOKIE}=guess"})
    for told in (await get(guess, "/v1/me", 503), await get(cookie, "/v1/me", 503)):
        assert "database" in told["error"]["message"]
        assert "10.0.0.5" not in str(told)
    told = await get(guess, "/ready", 503)
    assert told["ok"] is False
    assert "10.0.0.5" not in str(told)
    assert "database" in told["problems"][0]


async def test_a_model_that_rests_is_named_and_nobody_is_turned_away(house: WebHouse) -> None:
    tired = {"model": "openai/a", "seconds": 14, "cause": "model.rate", "status": 429}
    house.models.tired = [tired]
    told = await get(await house.bearer(), "/ready")
    assert told == {"ok": True, "problems": [], "resting": [tired]}


async def test_status_is_given_on(owner: ClientSession) -> None:
    assert (await get(owner, "/v1/status"))["version"] == "1.2.3"


async def test_the_sandbox_is_for_owners(house: WebHouse, owner: ClientSession) -> None:
    assert await items(owner, "/v1/sandbox") == []
    await get(await house.bearer(await house.member()), "/v1/sandbox", 403)
