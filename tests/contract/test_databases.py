"""The drivers that there are, held to the one contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.store import postgres_schema
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.contract.database import DatabaseContract
from tests.fakes.database import Calm, InlineDatabase, lay
from tests.postgres import Pooler, admin, answers, own_database


class TestSqlite(DatabaseContract):
    """The embedded one, on a file."""

    @pytest.fixture
    async def db(self, tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
        path = tmp_path / "house.db"
        lay(path)
        made = SqliteDatabase(path)
        await made.open()
        yield made
        await made.close()

    @asynccontextmanager
    async def broken(self, db: Database) -> AsyncIterator[None]:
        """The file is gone from under its name: what is written to it now would be lost."""
        assert isinstance(db, SqliteDatabase)
        aside = db.path.with_suffix(".aside")
        db.path.rename(aside)
        yield
        aside.rename(db.path)


class Moody(Calm):
    """A disk that refuses while it is told to."""

    full = False

    def commit(self) -> str:
        return "refused" if self.full else "ok"


class TestInline(DatabaseContract):
    """The one of the simulation, in memory: a fake passes what the real part passes."""

    @pytest.fixture
    async def db(self) -> AsyncIterator[InlineDatabase]:
        yield InlineDatabase(weather=Moody())

    @asynccontextmanager
    async def broken(self, db: Database) -> AsyncIterator[None]:
        assert isinstance(db, InlineDatabase)
        assert isinstance(db._weather, Moody)
        db._weather.full = True
        yield
        db._weather.full = False


@pytest.fixture(scope="module")
def common() -> Iterator[str]:
    """One database for all of these: making one takes longer than any test."""
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        runner.run(postgres_schema.upgrade(url))
        yield url
        runner.run(made.__aexit__(None, None, None))


class TestPostgres(DatabaseContract):
    """The shared one, on a real server."""

    @pytest.fixture
    async def db(self, common: str) -> AsyncIterator[PostgresDatabase]:
        await admin("TRUNCATE meta", common)
        made = PostgresDatabase(common)
        await made.open()
        yield made
        await made.close()

    @asynccontextmanager
    async def broken(self, db: Database) -> AsyncIterator[None]:
        """The server lets nobody in, and throws out who is."""
        assert isinstance(db, PostgresDatabase)
        name = urlsplit(db.url).path[1:]
        await admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        yield
        await admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.fixture(scope="module")
def pooler() -> Iterator[Pooler]:
    made = Pooler(wait_s=3)
    yield made
    made.stop()


class TestPostgresBehindPooler(TestPostgres):
    """The same through PgBouncer, which gives each transaction another connection."""

    @pytest.fixture
    async def db(self, common: str, pooler: Pooler) -> AsyncIterator[PostgresDatabase]:
        await admin("TRUNCATE meta", common)
        await pooler.ready()
        made = PostgresDatabase(pooler.address(common), pooled=True)
        await made.open()
        yield made
        await made.close()

    @asynccontextmanager
    async def broken(self, db: Database) -> AsyncIterator[None]:
        """A pooler whose server lets nobody in; it has to notice that the server is there again."""
        assert isinstance(db, PostgresDatabase)
        async with super().broken(db):
            yield
        async with asyncio.timeout(10):
            while not await answers(db.url):
                await asyncio.sleep(0.05)
