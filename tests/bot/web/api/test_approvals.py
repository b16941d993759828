"""Approvals over the API: shown exactly, decided once, by those who may."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.bot.web.api.reading import Answer, answered, get, items, say
from tests.fakes.web_house import WebHouse, said


async def asked(house: WebHouse, client: ClientSession, **more: Any) -> Answer:
    """Say something that has to be asked about, and return the approval."""
    house.script = house.asks(**more)
    found = await answered(client, await say(client, "Publish"))
    return await get(client, f"/v1/approvals/{found[1]['approval']}")


async def decide(client: ClientSession, approval: Answer, **body: Any) -> tuple[int, Answer]:
    path = f"/v1/approvals/{approval['id']}/decide"
    async with client.post(path, json=body) as response:
        return response.status, await response.json()


async def test_an_approval_shows_exactly_what_is_asked(
    house: WebHouse, owner: ClientSession
) -> None:
    approval = await asked(house, owner)
    assert approval["state"] == "pending"
    assert approval["tool"] == "blog_publish"
    assert approval["arguments"] == {"text": "Open on Sunday"}
    assert approval["shown"]["body"] == "Open on Sunday"
    assert approval["requested_by"] == {"id": house.owner.id, "name": "Owner"}
    assert approval["approvers"] == [{"id": house.owner.id, "name": "Owner"}]
    assert approval["may_decide"] is True
    assert [effect["state"] for effect in approval["effects"]] == ["awaiting_approval"]
    assert approval["conversation"] == house.claims[0].conv.id


async def test_a_yes_is_done_and_told_to_the_agent(house: WebHouse, owner: ClientSession) -> None:
    approval = await asked(house, owner)
    status, after = await decide(owner, approval, decision="approve", version=1, note="Good")
    assert status == 200
    assert after["state"] == "approved"
    assert after["decided_by"] == {"id": house.owner.id, "name": "Owner"}
    assert after["note"] == "Good"
    assert after["may_decide"] is False
    assert [effect["state"] for effect in after["effects"]] == ["ready"]


async def test_a_no_is_final(house: WebHouse, owner: ClientSession) -> None:
    approval = await asked(house, owner)
    assert (await decide(owner, approval, decision="reject"))[1]["state"] == "rejected"
    status, told = await decide(owner, approval, decision="approve")
    assert status == 409
    assert told["approval"]["state"] == "rejected"
    assert "Rejected by Owner" in told["error"]["message"]


async def test_of_many_presses_at_once_one_decides(house: WebHouse, owner: ClientSession) -> None:
    approval = await asked(house, owner)
    found = await asyncio.gather(
        *(decide(owner, approval, decision="approve", version=1) for _ in range(30))
    )
    assert sorted(status for status, _ in found) == [200] + [409] * 29


async def test_an_old_version_decides_nothing_and_brings_the_new_card(
    house: WebHouse, owner: ClientSession
) -> None:
    approval = await asked(house, owner)
    status, told = await decide(owner, approval, decision="approve", version=7)
    assert status == 409
    assert told["approval"]["version"] == 1
    assert told["approval"]["state"] == "pending"


async def test_an_edit_replaces_the_arguments_and_approves(
    house: WebHouse, owner: ClientSession
) -> None:
    approval = await asked(house, owner)
    status, after = await decide(
        owner, approval, decision="edit", arguments={"text": "Open on Monday"}, version=1
    )
    assert status == 200
    assert after["state"] == "approved"
    assert after["arguments"] == {"text": "Open on Monday"}
    assert after["shown"]["body"] == "Open on Monday"
    assert after["hash"] != approval["hash"]
    assert after["version"] == 2


@pytest.mark.parametrize("arguments", [None, {}, [], "text", {"text": 5}, {"text": "a", "to": "b"}])
async def test_an_edit_that_does_not_fit_leaves_it_open(
    house: WebHouse, owner: ClientSession, arguments: Any
) -> None:
    approval = await asked(house, owner)
    status, _ = await decide(owner, approval, decision="edit", arguments=arguments)
    assert status == 422
    assert (await get(owner, f"/v1/approvals/{approval['id']}"))["state"] == "pending"


async def test_of_several_actions_one_is_struck_out(house: WebHouse, owner: ClientSession) -> None:
    async def two(claim: Any) -> Any:
        effects, approval = house.question(claim, "Post", count=2)
        return said("Waiting.", effects=effects, approval=approval)

    house.script = two
    found = await answered(owner, await say(owner, "Publish two"))
    approval = await get(owner, f"/v1/approvals/{found[1]['approval']}")
    first, second = (effect["id"] for effect in approval["effects"])
    status, _ = await decide(owner, approval, decision="edit", arguments={"eff_x": None})
    assert status == 422
    status, after = await decide(
        owner, approval, decision="edit", arguments={first: {"text": "New"}, second: None}
    )
    assert status == 200
    states = {effect["id"]: effect["state"] for effect in after["effects"]}
    assert states == {first: "ready", second: "abandoned"}


async def test_a_question_to_the_agent_leaves_it_open(
    house: WebHouse, owner: ClientSession
) -> None:
    approval = await asked(house, owner)
    status, after = await decide(owner, approval, decision="ask", note="Why Sunday?")
    assert (status, after["state"]) == (200, "pending")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "maybe"},
        {"decision": "approve", "arguments": {"text": "x"}},
        {"decision": "approve", "version": "1"},
        {"decision": "approve", "version": True},
        {"decision": "approve", "note": 5},
        {"decison": "approve"},
    ],
)
async def test_what_is_no_answer_decides_nothing(
    house: WebHouse, owner: ClientSession, body: Any
) -> None:
    approval = await asked(house, owner)
    assert (await decide(owner, approval, **body))[0] == 422
    assert (await get(owner, f"/v1/approvals/{approval['id']}"))["state"] == "pending"


async def test_who_is_not_named_may_look_but_not_decide(house: WebHouse) -> None:
    asker, boss = await house.member("Max"), await house.member("Bo")
    client, decider = await house.bearer(asker), await house.bearer(boss)
    approval = await asked(house, client, named=[boss.id])
    assert approval["may_decide"] is False
    status, told = await decide(client, approval, decision="approve")
    assert status == 403
    assert told["error"]["code"] == "forbidden"
    assert (await decide(decider, approval, decision="approve"))[0] == 200


async def test_a_strangers_approval_is_as_one_that_never_was(house: WebHouse) -> None:
    mine = await house.bearer(await house.member("Max"))
    member = await house.bearer(await house.member("Bo"))
    other = await house.bearer((await house.other_tenant())[1])
    approval = await asked(house, mine)
    for client in (member, other):
        answers = []
        for id_ in (approval["id"], "apr_unknown"):
            found = await get(client, f"/v1/approvals/{id_}", 404)
            assert (await decide(client, {"id": id_}, decision="approve")) == (404, found)
            answers.append(found)
        assert answers[0] == answers[1]
        assert await items(client, "/v1/approvals") == []
    assert (await get(mine, f"/v1/approvals/{approval['id']}"))["state"] == "pending"


async def test_the_list_has_what_waits_and_what_was_decided(
    house: WebHouse, owner: ClientSession
) -> None:
    first, second = await asked(house, owner), await asked(house, owner)
    await decide(owner, first, decision="reject")
    assert [i["id"] for i in await items(owner, "/v1/approvals?state=pending")] == [second["id"]]
    assert len(await items(owner, "/v1/approvals")) == 2
    path = f"/v1/approvals?conversation={first['conversation']}"
    assert [i["id"] for i in await items(owner, path)] == [first["id"]]
    page = await get(owner, "/v1/approvals?limit=1")
    rest = await get(owner, f"/v1/approvals?limit=1&after={page['next']}")
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [second["id"], first["id"]]
    await get(owner, "/v1/approvals?state=open", 422)
