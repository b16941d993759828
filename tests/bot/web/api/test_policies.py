"""Policies over the API: set, replaced, removed, refused kindly, told in the book."""

import pytest
from aiohttp import ClientSession

from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse

ASK = {"decision": "ask", "tool": "x_publish", "above_minor": 5000, "needs": 1, "hours": 24}


async def test_a_rule_is_set_replaced_and_removed(house: WebHouse, owner: ClientSession) -> None:
    async with owner.post("/v1/policies", json={**ASK, "approvers": [house.owner.id]}) as response:
        assert response.status == 201
        first = await response.json()
    assert first["rule"] == (
        "every agent with x_publish, from 50.00 on: 1 of 1 named must say yes, within 24 hours"
    )
    again = {"decision": "deny", "tool": "x_publish", "above_minor": 5000}
    async with owner.post("/v1/policies", json=again) as response:
        second = await response.json()
    assert await items(owner, "/v1/policies") == [second]
    assert house.rules_changed == [house.tenant.id] * 2
    async with owner.delete(f"/v1/policies/{second['id']}") as response:
        assert response.status == 200
    async with owner.delete(f"/v1/policies/{second['id']}") as response:
        assert response.status == 404
    assert await items(owner, "/v1/policies") == []
    told = [entry["action"] for entry in await items(owner, "/v1/audit")]
    assert told[-3:] == ["policy.set", "policy.set", "policy.removed"]


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"tool": "x_publsh"}, "tool", "Did you mean `x_publish`?"),
        ({"decision": "maybe"}, "decision", "one of: auto, ask, deny"),
        ({"needs": 0}, "needs", "from 1 to 10"),
        ({"needs": 2, "approvers": ["ME"]}, "needs", "only 1 may"),
        ({"hours": -1}, "hours", "from 0 to 2160"),
        ({"above_minor": -1}, "above_minor", "from 0 to"),
        ({"approvers": ["per_stranger"]}, "approvers", "no person `per_stranger`"),
        ({"decision": "auto", "needs": 2}, "decision", "Only a rule that asks"),
        ({"limit": 2}, "limit", "no field `limit`"),
    ],
)
async def test_a_wrong_rule_is_refused_and_nothing_kept(
    house: WebHouse, owner: ClientSession, wrong: dict[str, object], field: str, said: str
) -> None:
    body = {**ASK, **wrong}
    if body.get("approvers") == ["ME"]:
        body["approvers"] = [house.owner.id]
    async with owner.post("/v1/policies", json=body) as response:
        assert response.status == 422
        error = (await response.json())["error"]
    assert error["field"] == field
    assert said in error["message"]
    assert await items(owner, "/v1/policies") == []


async def test_an_agent_must_be_there(owner: ClientSession) -> None:
    async with owner.post("/v1/policies", json={"decision": "ask", "agent": "nobody"}) as response:
        assert response.status == 404


async def test_policies_are_for_owners(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/policies", 403)
    await get(member, "/v1/tools", 403)


async def test_tools_are_named(owner: ClientSession) -> None:
    assert await items(owner, "/v1/tools") == [{"name": "blog_publish"}, {"name": "x_publish"}]
