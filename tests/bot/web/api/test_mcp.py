"""MCP servers over the API: looked at, approved as shown, refused when the words changed since."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.bot.web.api.reading import get, items
from tests.fakes.web_house import WebHouse
from tests.tools.mcp import kit


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """A house with one server of its own and one of somebody else's."""
    made = WebHouse(tmp_path)
    made.servers = lambda tenant: (
        kit.notes(tmp_path, tenants=frozenset({tenant})),
        kit.notes(tmp_path, name="theirs"),
    )
    async with made:
        yield made


async def test_a_server_is_looked_at_and_a_tool_approved_as_it_was_shown(
    house: WebHouse, owner: ClientSession
) -> None:
    (server,) = await items(owner, "/v1/mcp")
    assert (server["server"], server["tools"], server["open"]) == ("notes", [], False)
    async with owner.post("/v1/mcp/notes/check") as response:
        assert response.status == 200
        found = await response.json()
    assert found["open"]
    assert found["waiting"]
    tool = next(tool for tool in found["tools"] if tool["name"] == "add")
    assert (tool["state"], tool["risk"], tool["description"]) == ("new", "write", "Adds a note.")
    body = {"tool": "add", "hash": tool["hash"]}
    async with owner.post("/v1/mcp/notes/approve", json={**body, "hash": "0" * 64}) as response:
        assert response.status == 409
    async with owner.post("/v1/mcp/notes/approve", json=body) as response:
        assert response.status == 200
        found = await response.json()
    states = {tool["name"]: tool["state"] for tool in found["tools"]}
    assert states.pop("add") == "approved"
    assert set(states.values()) == {"new"}
    last = (await items(owner, "/v1/audit"))[-1]
    assert (last["action"], last["target"]) == ("mcp.approved", "notes_add")


async def test_somebody_elses_server_is_not_there(house: WebHouse, owner: ClientSession) -> None:
    for path in ("check", "approve"):
        body = {"tool": "add", "hash": "x"}
        async with owner.post(f"/v1/mcp/theirs/{path}", json=body) as response:
            assert response.status == 404


async def test_a_server_that_cannot_be_reached_is_named(
    house: WebHouse, owner: ClientSession
) -> None:
    object.__setattr__(house.mcp._links["notes"].server, "command", "/nonexistent/mcp")
    async with owner.post("/v1/mcp/notes/check") as response:
        assert response.status == 502
        assert "notes" in (await response.json())["error"]["message"]
    (server,) = await items(owner, "/v1/mcp")
    assert "cannot be reached" in server["problem"]


async def test_only_owners_come_in(house: WebHouse) -> None:
    member = await house.bearer(await house.member("Mo"))
    await get(member, "/v1/mcp", 403)
