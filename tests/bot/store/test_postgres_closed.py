"""On PostgreSQL, connections that the server closes: told as such, and nothing is half or twice."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import bindparam, insert, select

from bot.core.errors import StoreError
from bot.store import postgres
from bot.store.postgres import PostgresDatabase
from bot.store.postgres_session import said
from bot.store.script import Ask, Row, Script, Statement, restartable, restartable_by
from bot.store.tables import meta
from tests.postgres import admin, our_database

asyncpg = pytest.importorskip("asyncpg")

NAME = "own_closed"
_PUT = Statement(insert(meta).values(name=bindparam("name"), value=bindparam("value")))
_ALL = Statement(select(meta.c.name, meta.c.value))
_CLOSE = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
    f"where datname = current_database() and application_name = '{NAME}'"
)
_WAITS = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and wait_event_type = 'Lock'"
)


def both(name: str) -> Script[str]:
    """Two rows that belong together."""
    for half in ("left", "right"):
        yield Ask(_PUT, {"name": f"{name}.{half}", "value": half})
    return name


keyed = restartable_by(lambda name: name)(both)
keyless = restartable(both)


@restartable
def everything() -> Script[list[Row]]:
    """All rows."""
    return (yield Ask(_ALL, {}))


async def test_a_read_whose_connection_is_closed_says_that_and_the_next_one_reads() -> None:
    async with our_database() as url, asyncio.timeout(60):
        db = PostgresDatabase(url, name=NAME)
        await db.open()
        holder, watching = await asyncpg.connect(url), await asyncpg.connect(url)
        async with holder.transaction():
            await holder.execute("lock table meta")
            reading = asyncio.ensure_future(db.read(everything()))
            while not await watching.fetchval(_WAITS):
                await asyncio.sleep(0.01)
            await admin(_CLOSE, url)
            with pytest.raises(StoreError) as failed:
                await reading
        cause = failed.value.__cause__
        assert isinstance(cause, asyncpg.AdminShutdownError | asyncpg.PostgresConnectionError)
        assert await db.read(everything()) == []
        for conn in (holder, watching):
            await conn.close()
        await db.close()


@pytest.mark.parametrize("turns", range(3))
@pytest.mark.parametrize("scripts", [(keyed,), (keyless,), (both,), (keyed, keyless, both)])
async def test_who_was_closed_while_it_stood_still_loses_what_it_tells_and_no_half(
    monkeypatch: pytest.MonkeyPatch, turns: int, scripts: tuple[Callable[[str], Script[str]], ...]
) -> None:
    """Whatever of the news it has read by then: nothing, the error alone, or the end."""
    monkeypatch.setattr(postgres, "GATHER_S", 0)
    async with our_database() as url, asyncio.timeout(60):
        db = PostgresDatabase(url, name=NAME)
        await db.open()
        names = [f"n{n}" for n in range(6)]
        stand_still(lambda: asyncio.run(admin(_CLOSE, url)))
        for _ in range(turns):
            await asyncio.sleep(0)
        calls = [scripts[n % len(scripts)](name) for n, name in enumerate(names)]
        told = await asyncio.gather(*(db.write(call) for call in calls), return_exceptions=True)
        assert all(isinstance(word, StoreError | str) for word in told), told
        await db.close()
        found = await asyncpg.connect(url)
        rows = await found.fetch("select name from meta")
        await found.close()
        made = [word for word in told if isinstance(word, str)]
        assert sorted(name for (name,) in rows) == sorted(
            f"{name}.{half}" for name in made for half in ("left", "right")
        )


async def test_a_driver_that_no_longer_knows_where_it_is_is_no_news_to_anybody() -> None:
    """What it says itself reads `cannot switch to state 15; another operation is in progress`."""
    error = asyncpg.InternalClientError("cannot switch to state 15; another operation (2)")
    assert said(error) == "a connection was lost in the middle of a statement"


async def test_a_lost_connection_is_told_and_one_that_is_let_go_is_not() -> None:
    async with our_database() as url, asyncio.timeout(60):
        db = PostgresDatabase(url, name=NAME)
        lost = asyncio.Event()
        db.on_lost(lost.set)
        await db.open()
        await admin(_CLOSE, url)
        await lost.wait()
        for name in "abcd":
            with suppress(StoreError):
                await db.write(keyed(name))
        lost.clear()
        await db.close()
        await asyncio.sleep(0.05)
        assert not lost.is_set()


def stand_still(work: Callable[[], None]) -> None:
    """Do something while this thread, and with it every task, does nothing."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
