"""Two processes on one PostgreSQL: whatever both change at once, an owner is left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from tests.postgres import our_database

asyncpg = pytest.importorskip("asyncpg")

from bot.core.errors import Conflict  # noqa: E402 (needs asyncpg)
from bot.core.people import Person, Role  # noqa: E402
from bot.infra.clock import SystemClock  # noqa: E402
from bot.people import Change, People  # noqa: E402
from bot.store.postgres import PostgresDatabase  # noqa: E402


@pytest.fixture
async def two() -> AsyncIterator[tuple[People, Person, Person, str]]:
    """Two owners, and the address of their database."""
    async with our_database() as url:
        db = PostgresDatabase(url)
        await db.open()
        people = People(db, SystemClock(), b"k" * 32, lambda: None)
        tenant, ada = await people.ensure_first()
        yield people, ada, await people.add(tenant.id, "Bo", Role.OWNER, "", "house"), url
        await db.close()


async def while_made_a_member(url: str, person: Person, work: Awaitable[object]) -> None:
    """Another process takes the role away, and commits once `work` waits for it."""
    elsewhere = await asyncpg.connect(url)
    try:
        async with elsewhere.transaction():
            await elsewhere.execute("UPDATE person SET role = 'member' WHERE id = $1", person.id)
            meanwhile = asyncio.ensure_future(work)
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            waiting += "AND wait_event_type = 'Lock'"
            while not meanwhile.done() and not await elsewhere.fetchval(waiting):
                await asyncio.sleep(0.01)
    finally:
        await elsewhere.close()
    await meanwhile


async def test_two_owners_who_make_each_other_members_at_once_leave_one(two: Any) -> None:
    people, ada, bo, url = two
    change = people.change(ada.tenant, ada.id, Change(role=Role.MEMBER), "house")
    with pytest.raises(Conflict):
        await while_made_a_member(url, bo, change)
    assert (await people.get(ada.tenant, ada.id)).role is Role.OWNER


async def test_a_role_that_was_taken_away_does_not_come_back_with_a_new_name(two: Any) -> None:
    people, _, bo, url = two
    await while_made_a_member(url, bo, people.change(bo.tenant, bo.id, Change(name="B"), "house"))
    found = await people.get(bo.tenant, bo.id)
    assert (found.name, found.role) == ("B", Role.MEMBER)
