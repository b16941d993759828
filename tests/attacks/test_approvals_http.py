"""Presses and their repeats through the real server: one effect, one story, whoever is quicker."""

import asyncio
from collections import Counter

import pytest

from tests.fakes.web_house import WebHouse


@pytest.fixture
async def house(tmp_path):
    async with WebHouse(tmp_path) as made:
        yield made


async def _post(client, path, body, key=""):
    headers = {"Idempotency-Key": key} if key else {}
    async with client.post(path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def _get(client, path):
    async with client.get(path) as response:
        return await response.json()


async def _ask(house, client, text="publish"):
    house.script = house.asks()
    _, said = await _post(client, "/v1/messages", {"text": text})
    for _ in range(200):
        path = f"/v1/approvals?state=pending&conversation={said['conversation']}"
        if items := (await _get(client, path))["items"]:
            return said["conversation"], items[0]
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was asked")


async def test_a_hundred_presses_of_two_minds_are_one_decision(house):
    client = await house.bearer()
    _, item = await _ask(house, client)
    path = f"/v1/approvals/{item['id']}/decide"
    words = ("approve", "reject")
    got = await asyncio.gather(
        *(_post(client, path, {"decision": words[n % 2]}) for n in range(100))
    )
    assert Counter(status for status, _ in got) == {200: 1, 409: 99}
    won = next(body["state"] for status, body in got if status == 200)
    assert {body["approval"]["state"] for status, body in got if status == 409} == {won}


async def test_of_twenty_edits_at_once_one_is_done_and_the_others_are_told_by_whom(house):
    client = await house.bearer()
    _, item = await _ask(house, client)
    path = f"/v1/approvals/{item['id']}/decide"
    edits = [{"decision": "edit", "version": 1, "arguments": {"text": f"{n}"}} for n in range(20)]
    got = await asyncio.gather(*(_post(client, path, edit) for edit in edits))
    got.append(await _post(client, path, edits[0]))
    assert Counter(status for status, _ in got) == {200: 1, 409: 20}
    assert all("Owner" in body["error"]["message"] for status, body in got if status == 409)


@pytest.mark.parametrize("command", ["/status", "/whoami", "/approve 0000"])
async def test_a_repeated_command_is_the_same_event_and_opens_no_other_conversation(house, command):
    client = await house.bearer()
    body = {"text": command}
    got = await asyncio.gather(*(_post(client, "/v1/messages", body, "k") for _ in range(20)))
    assert {status for status, _ in got} == {202}
    told = {(b["event"], b["conversation"], b["reply"]) for _, b in got}
    assert len(told) == 1
    assert len((await _get(client, "/v1/conversations"))["items"]) == 1
    await _post(client, "/v1/messages", body)  # without the key it is another
    assert len((await _get(client, "/v1/conversations"))["items"]) == 2


async def test_a_command_under_a_key_that_was_used_for_another_is_refused(house):
    client = await house.bearer()
    assert (await _post(client, "/v1/messages", {"text": "/status"}, "k"))[0] == 202
    assert (await _post(client, "/v1/messages", {"text": "/whoami"}, "k"))[0] == 409
    assert (await _post(client, "/v1/messages", {"text": "hello"}, "k"))[0] == 409


async def test_a_repeated_yes_by_code_is_the_first_one_and_a_key_opens_one_approval(house):
    client = await house.bearer()
    conv, first = await _ask(house, client)
    _, second = await _ask(house, client)
    yes = {"text": f"/approve {first['code']}", "conversation": conv}
    got = await asyncio.gather(*(_post(client, "/v1/messages", yes, "k") for _ in range(20)))
    got.append(await _post(client, "/v1/messages", yes, "k"))
    assert {status for status, _ in got} == {202}
    (event,) = {body["event"] for _, body in got}
    assert (await _get(client, f"/v1/events/{event}"))["ending"] == "decided"
    assert not [body for _, body in got if "waits" in body["reply"]]
    other = {"text": f"/approve {second['code']}", "conversation": conv}
    assert (await _post(client, "/v1/messages", other, "k"))[0] == 409
    assert (await _get(client, f"/v1/approvals/{second['id']}"))["state"] == "pending"
    assert (await _post(client, "/v1/messages", other, "k2"))[0] == 202
    assert (await _get(client, f"/v1/approvals/{second['id']}"))["state"] == "approved"
