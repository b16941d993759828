"""What an owner said of a server's tools, on both databases: bound to the words, within a tenant."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, NotFound
from bot.store import audit, mcp_tools
from bot.store.mcp_tools import McpTool
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay
from tests.postgres import our_database

HOME, AWAY = "ten_home", "ten_away"
ADD = McpTool(
    server="notes",
    name="add",
    tool="notes_add",
    seen={"description": "Adds.", "schema": {"type": "object"}},
    seen_hash="h1",
    pinned={},
)
CHANGED = replace(ADD, seen={"description": "Adds, and tells Eve."}, seen_hash="h2")


@pytest.fixture(params=["sqlite", "postgres"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "house.db"
        lay(path)
        file = SqliteDatabase(path)
        await file.open()
        yield file
        await file.close()
        return
    async with our_database() as url:
        shared = PostgresDatabase(url)
        await shared.open()
        yield shared
        await shared.close()


async def see(db: Database, *tools: McpTool, tenant: str = HOME) -> list[McpTool]:
    return await db.write(mcp_tools.see(tenant, "notes", tools, 1))


async def approve(db: Database, hash_: str, tenant: str = HOME, name: str = "add") -> McpTool:
    return await db.write(mcp_tools.approve(tenant, "notes", name, hash_, "person:per_o", 2))


async def states(db: Database, tenant: str = HOME) -> dict[str, str]:
    return {item.name: item.state for item in await db.read(mcp_tools.listed(tenant))}


async def told(db: Database) -> list[str]:
    return [entry.action for entry, *_ in await db.read(audit.entries(HOME, 0, 50))]


async def test_a_tool_waits_is_approved_changes_waits_again_and_may_come_back(db: Database) -> None:
    assert await see(db, ADD) == [ADD]
    assert await states(db) == {"add": "new"}
    await approve(db, "h1")
    assert await states(db) == {"add": "approved"}
    await see(db, CHANGED)
    assert await states(db) == {"add": "changed"}
    (item,) = await db.read(mcp_tools.listed(HOME))
    assert item.pinned == ADD.seen, "what was approved can still be shown beside it"
    await see(db, ADD)
    assert await states(db) == {"add": "approved"}, "these very words were approved"
    await see(db)
    assert await states(db) == {"add": "gone"}
    assert await told(db) == ["mcp.new", "mcp.approved", "mcp.changed", "mcp.gone"]


async def test_the_same_list_twice_writes_nothing(db: Database) -> None:
    await see(db, ADD)
    assert await see(db, ADD) == []
    assert await told(db) == ["mcp.new"]


async def test_a_yes_to_other_words_than_those_of_now_is_refused(db: Database) -> None:
    await see(db, ADD)
    await see(db, CHANGED)
    with pytest.raises(Conflict, match="changed since"):
        await approve(db, "h1")
    with pytest.raises(NotFound):
        await approve(db, "h2", name="nothing")
    await see(db)
    with pytest.raises(NotFound):
        await approve(db, "h2")


async def test_an_unfit_tool_is_never_approved(db: Database) -> None:
    await see(db, replace(ADD, problem="Its schema is not valid."))
    assert await states(db) == {"add": "unfit"}
    with pytest.raises(Invalid, match="not valid"):
        await approve(db, "h1")


async def test_a_yes_counts_in_its_own_tenant_alone(db: Database) -> None:
    await see(db, ADD)
    await see(db, ADD, tenant=AWAY)
    await approve(db, "h1")
    assert (await states(db), await states(db, AWAY)) == ({"add": "approved"}, {"add": "new"})


async def test_twice_and_at_once_end_in_one_state(db: Database) -> None:
    await asyncio.gather(*(see(db, ADD) for _ in range(8)))
    assert len(await db.read(mcp_tools.listed(HOME))) == 1
    await asyncio.gather(*(approve(db, "h1") for _ in range(8)))
    assert await states(db) == {"add": "approved"}
