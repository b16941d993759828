"""The parts that remember, on each database in turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import postgres_schema
from bot.store.columns import metadata
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes import pgvector
from tests.fakes.clock import StillClock
from tests.fakes.database import lay
from tests.fakes.files import local_files
from tests.fakes.remembering import Remembering, remembering
from tests.postgres import admin, own_database


@pytest.fixture(scope="module")
def remembered() -> Iterator[str]:
    """One PostgreSQL database for all of these."""
    yield from _one(False)


@pytest.fixture(scope="module")
def compared() -> Iterator[str]:
    """The same, where the database compares vectors itself."""
    yield from _one(True)


def _one(compares: bool) -> Iterator[str]:
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        if compares:
            runner.run(pgvector.install(url))
        runner.run(postgres_schema.upgrade(url))
        yield url
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(params=["sqlite", "postgres", "pgvector"])
def address(request: pytest.FixtureRequest) -> str:
    """Empty for a file."""
    which = {"postgres": "remembered", "pgvector": "compared"}.get(request.param)
    return request.getfixturevalue(which) if which else ""


@pytest.fixture
async def kept(address: str, tmp_path: Path) -> AsyncIterator[Database]:
    made: SqliteDatabase | PostgresDatabase
    if not address:
        path = tmp_path / "house.db"
        lay(path)
        made = SqliteDatabase(path)
    else:
        names = ", ".join(t.name for t in metadata.sorted_tables if not t.name.startswith("audit"))
        await admin(f"TRUNCATE {names}", address)
        made = PostgresDatabase(address)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def house(kept: Database, tmp_path: Path) -> Remembering:
    clock = StillClock()
    made = remembering(kept, clock, local_files(kept, clock, tmp_path / "files"))
    await made.people()
    return made
