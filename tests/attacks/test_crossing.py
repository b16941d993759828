"""Every address with every id of tenant A, asked by tenant B and by a member of A (E9).

The answer is the one that an id which never was gets, byte for byte, and nothing of A changes.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from bot.core.conversation import Claim, TurnEnd
from bot.core.event import Ending
from bot.store import audit
from bot.web.app import routes
from bot.web.auth import Gate
from tests.bot.web.api.reading import answered, items, say
from tests.bot.web.api.test_schedules import schedule
from tests.fakes.oauth_house import kept
from tests.fakes.web_house import WebHouse


@dataclass
class Mine:
    """Ids of tenant A, by what they are."""

    ids: dict[str, str] = field(default_factory=dict)

    def paths(self, path: str) -> list[str]:
        """The path with every id of A in the place of its parameter."""
        name = path[path.index("{") : path.index("}") + 1]
        found = [path.replace(name, id_) for id_ in self.ids.values()]
        return [path.replace("{", "no").replace("}", "") for path in found]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        yield house


@pytest.fixture
async def mine(house: WebHouse) -> Mine:
    """A tenant with one of everything."""
    owner = await house.bearer()
    house.script = house.asks()
    told = await say(owner, "Publish")
    line = (await answered(owner, told))[1]

    async def fails(claim: Claim) -> TurnEnd:
        return TurnEnd(ending=Ending.FAILED, detail="x", reply="Sorry", role="system")

    house.script = fails
    dead = await say(owner, "Fail")
    await answered(owner, dead)
    form = FormData()
    form.add_field("file", BytesIO(b"secret"), filename="a.txt")
    async with owner.post("/v1/files", data=form) as response:
        file = (await response.json())["id"]
    async with owner.post("/v1/routes", json={"agent": "bri", "channel": "slack"}) as response:
        rule = (await response.json())["id"]
    await house.schedules.add(schedule("sch_1", house.tenant.id, house.owner.id))
    token = (await items(owner, "/v1/tokens"))[0]["id"]
    connection = await kept(house.connections, house.tenant.id, house.clock.now())
    approval = line["approval"]
    effects = (await items(owner, "/v1/approvals"))[0]["effects"]
    return Mine(
        {
            "conversation": told["conversation"],
            "event": told["event"],
            "dead": dead["event"],
            "line": line["id"],
            "approval": approval,
            "effect": effects[0]["id"],
            "file": file,
            "rule": rule,
            "schedule": "sch_1",
            "token": token,
            "connection": connection.id,
            "person": house.owner.id,
            "tenant": house.tenant.id,
        }
    )


BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"text": "x"},
    {"decision": "approve"},
    {"decision": "edit", "arguments": {"text": "x"}},
    {"score": 1},
    {"state": "paused"},
    {"name": "x"},
)


async def ask(client: ClientSession, method: str, path: str, body: Any) -> tuple[int, str]:
    async with client.request(method, path, json=body, allow_redirects=False) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("who", ["an owner of another tenant", "a member of the same"])
async def test_what_is_not_ones_own_is_as_if_it_never_was(
    house: WebHouse, mine: Mine, who: str
) -> None:
    stranger = (await house.other_tenant())[1] if "other" in who else await house.member()
    client = await house.bearer(stranger)
    before = await lines(house)
    gate = Gate(house.credentials, house.clock, "")
    asked = 0
    for route in routes(house.parts, gate):
        if "{" not in route.path or route.page or "models/" in route.path:
            continue
        bodies = BODIES if route.method == "POST" else (None,)
        for body in bodies:
            nobody = await ask(
                client, route.method, route.path.replace("{", "no").replace("}", ""), body
            )
            for path in mine.paths(route.path):
                found = await ask(client, route.method, path, body)
                is_empty = found[0] == 200 and '"items":[]' in str(found[1])
                assert is_empty or found[0] in (403, 404, 422, 415), (route.method, path, found)
                assert found == nobody, (route.method, path)
                asked += 1
    assert asked > 200
    assert await lines(house) == before


async def test_ids_in_bodies_and_queries_cross_nothing_either(house: WebHouse, mine: Mine) -> None:
    client = await house.bearer((await house.other_tenant())[1])
    before = await lines(house)
    for id_ in mine.ids.values():
        for body in (
            {"text": "x", "conversation": id_},
            {"text": "x", "attachments": [id_]},
        ):
            assert (await ask(client, "POST", "/v1/messages", body))[0] == 404
        for path, body in (
            ("/v1/tokens", {"name": "x", "person": id_}),
            ("/v1/login", {"person": id_}),
        ):
            assert (await ask(client, "POST", path, body))[0] == 404
        for path in ("/v1/approvals?conversation=", "/v1/events?after=", "/v1/audit?after="):
            status, text = await ask(client, "GET", f"{path}{id_}", None)
            assert status in (200, 422)
            assert not any(f'"{other}"' in text for other in mine.ids.values())
    assert await lines(house) == before


async def test_no_list_of_a_stranger_holds_an_id_of_mine(house: WebHouse, mine: Mine) -> None:
    other = await house.bearer((await house.other_tenant())[1])
    member = await house.bearer(await house.member())
    gate = Gate(house.credentials, house.clock, "")
    own = {"person", "tenant"}
    for client, known in ((other, set[str]()), (member, own)):
        for route in routes(house.parts, gate):
            if route.method != "GET" or "{" in route.path or route.page:
                continue
            status, text = await ask(client, "GET", route.path, None)
            if status != 200:
                continue
            for name, id_ in mine.ids.items():
                if name not in known:
                    assert json.dumps(id_) not in text, (route.path, name)


async def test_the_same_names_in_two_tenants_never_meet(house: WebHouse) -> None:
    """Idempotency keys and conversation names are a person's own, whatever they say."""
    house.script = house.echo
    other = await house.bearer((await house.other_tenant())[1])
    owner = await house.bearer()
    headers = {"X-Conversation-Id": "talk", "Idempotency-Key": "k"}
    body = {"model": "bri", "messages": [{"role": "user", "content": "Hello"}]}
    found = set()
    for client in (owner, other):
        async with client.post("/v1/chat/completions", json=body, headers=headers) as response:
            assert response.status == 200
            found.add(response.headers["X-Conversation"])
    assert len(found) == 2
    assert [claim.history for claim in house.claims] == [(), ()]


async def test_an_owner_finds_all_of_it(house: WebHouse, mine: Mine) -> None:
    """A negative control: the ids are real, and their owner gets to them."""
    owner = await house.bearer()
    for path in (
        f"/v1/conversations/{mine.ids['conversation']}/messages",
        f"/v1/events/{mine.ids['event']}",
        f"/v1/approvals/{mine.ids['approval']}",
        f"/v1/files/{mine.ids['file']}",
    ):
        assert (await ask(owner, "GET", path, None))[0] == 200


async def lines(house: WebHouse) -> int:
    """How many lines tenant A's book has."""
    return len(await house.db.read(audit.entries(house.tenant.id, 0, 1000)))
