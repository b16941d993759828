"""Two processes on one PostgreSQL: whatever both change at once, an owner is left."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.postgres import our_database

asyncpg = pytest.importorskip("asyncpg")

from bot.core.errors import Conflict  # noqa: E402 (needs asyncpg)
from bot.core.people import Role  # noqa: E402
from bot.infra.clock import SystemClock  # noqa: E402
from bot.people import Change, People  # noqa: E402
from bot.store.postgres import PostgresDatabase  # noqa: E402


async def test_two_owners_who_make_each_other_members_at_once_leave_one() -> None:
    async with our_database() as url, AsyncExitStack() as stack:
        db = PostgresDatabase(url)
        await db.open()
        stack.push_async_callback(db.close)
        people = People(db, SystemClock(), b"k" * 32, lambda: None)
        tenant, ada = await people.ensure_first()
        bo = await people.add(tenant.id, "Bo", Role.OWNER, "", "house")
        elsewhere = await asyncpg.connect(url)
        stack.push_async_callback(elsewhere.close)
        under_way = elsewhere.transaction()
        await under_way.start()
        await elsewhere.execute("UPDATE person SET role = 'member' WHERE id = $1", bo.id)
        change = people.change(tenant.id, ada.id, Change(role=Role.MEMBER), "house")
        meanwhile = asyncio.create_task(change)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        waiting += "AND wait_event_type = 'Lock'"
        while not meanwhile.done() and not await elsewhere.fetchval(waiting):
            await asyncio.sleep(0.01)
        await under_way.commit()
        with pytest.raises(Conflict):
            await meanwhile
        assert (await people.get(tenant.id, ada.id)).role is Role.OWNER
