"""The parts that remember, on each database in turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import postgres_schema, schema
from bot.store.columns import metadata
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes.clock import StillClock
from tests.fakes.files import local_files
from tests.fakes.remembering import Remembering, remembering
from tests.postgres import admin, own_database


@pytest.fixture(scope="module")
def remembered() -> Iterator[str]:
    """One PostgreSQL database for all of these."""
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        runner.run(postgres_schema.upgrade(url))
        yield url
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    """Empty for a file."""
    return request.getfixturevalue("remembered") if request.param == "postgres" else ""


@pytest.fixture
async def kept(address: str, tmp_path: Path) -> AsyncIterator[Database]:
    made: SqliteDatabase | PostgresDatabase
    if not address:
        path = tmp_path / "house.db"
        schema.prepare(path)
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
