"""A dead letter that is taken back while its conversation's turn ends is not left lying."""

import asyncio

import pytest

from bot.core.conversation import Claim, TurnEnd
from bot.core.event import Ending
from bot.store import inbox, postgres_schema, turns
from bot.store.postgres import PostgresDatabase
from tests.bot.store.test_lockstep import arriving, said
from tests.postgres import own_database

asyncpg = pytest.importorskip("asyncpg")
_LET_GO = "update conv set state = 'idle', owner = ''"
_WAITS = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and wait_event_type = 'Lock'"
)


async def test_it_waits_for_the_row_of_its_conversation_and_then_wakes_it() -> None:
    async with own_database() as url, asyncio.timeout(30):
        await postgres_schema.upgrade(url)
        db = PostgresDatabase(url)
        await db.open()
        other, watching = await asyncpg.connect(url), await asyncpg.connect(url)
        _, claim = await db.write(arriving(said(0, 0, "a")))
        assert isinstance(claim, Claim)
        await db.write(turns.finish(claim, TurnEnd(ending=Ending.FAILED, detail="No key."), 2_000))
        await db.write(arriving(said(0, 1, "a")))  # a turn is open, as another process's
        async with other.transaction():
            await other.execute(_LET_GO)  # it ends, and is not yet committed
            taken = asyncio.ensure_future(db.write(inbox.replay("a", claim.event.id, 3_000)))
            while not taken.done() and not await watching.fetchval(_WAITS):
                await asyncio.sleep(0.01)
        assert await taken
        assert await watching.fetchval("select state from conv") == "ready"
        for conn in (other, watching):
            await conn.close()
        await db.close()
