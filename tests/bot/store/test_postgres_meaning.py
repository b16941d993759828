"""A PostgreSQL with pgvector compares vectors itself, and no other is harmed by it."""

import asyncio
import math
import random
import secrets
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from agents.runtime import finding
from agents.runtime.embedding import pack
from bot.core.errors import StoreError
from bot.store import postgres_meaning, postgres_probe, postgres_schema, vectors
from bot.store.postgres import PostgresDatabase
from bot.store.postgres_session import APP, ENGINE, TENANT
from bot.store.vectors import MEMO, Owner, Vector
from tests.fakes import pgvector
from tests.postgres import admin, own_database

asyncpg = pytest.importorskip("asyncpg")

MINE = Owner(tenant="ten_1", agent="bri", person="per_ana")
MODEL = "test/model"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with asyncio.Runner() as runner:
        made = own_database()
        address = runner.run(made.__aenter__())
        runner.run(pgvector.install(address))
        runner.run(postgres_schema.upgrade(address))
        yield address
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
async def db(url: str) -> AsyncIterator[PostgresDatabase]:
    await admin("TRUNCATE vector", url)
    made = PostgresDatabase(url)
    await made.open()
    yield made
    await made.close()


def item(id_: str, value: bytes, **changes: Any) -> Vector:
    given = {"kind": MEMO, "agent": "bri", "person": "per_ana", "conv": "", "model": MODEL}
    return Vector(id=id_, value=value, **{**given, "at": 1, **changes})


def any_vector(places: int, seed: int) -> bytes:
    chance = random.Random(seed)
    return pack([chance.gauss(0, 1) for _ in range(places)])


async def found(db: PostgresDatabase, asked: bytes, floor: float = -1, most: int = 50) -> Any:
    return await db.read(vectors.nearest(MINE, MODEL, asked, floor, most))


async def test_it_finds_what_the_process_finds_in_the_same_order(db: PostgresDatabase) -> None:
    assert db.compares
    for n in range(40):
        await db.write(vectors.put("ten_1", item(f"mem_{n}", any_vector(64, n))))
    known = await db.read(vectors.of_owner(MINE, MODEL, 5_000))
    for seed in range(100, 110):
        asked = any_vector(64, seed)
        by_process = finding.nearest(asked, known, 0.05, 7)
        assert len(by_process) > 2
        assert await found(db, asked, 0.05, 7) == by_process


async def test_nothing_of_others_is_compared(db: PostgresDatabase) -> None:
    mine = any_vector(8, 1)
    await db.write(vectors.put("ten_1", item("mem_mine", mine)))
    await db.write(vectors.put("ten_2", item("mem_theirs", mine)))
    await db.write(vectors.put("ten_1", item("mem_bob", mine, person="per_bob")))
    await db.write(vectors.put("ten_1", item("mem_kelly", mine, agent="kelly")))
    await db.write(vectors.put("ten_1", item("mem_old", mine, model="test/other")))
    assert await found(db, mine) == [(MEMO, "mem_mine")]


async def test_the_wall_stands_before_what_is_compared(db: PostgresDatabase, url: str) -> None:
    await db.write(vectors.put("ten_2", item("mem_theirs", any_vector(8, 1))))
    conn = await asyncpg.connect(url)
    await conn.execute(f"SET ROLE {APP}; SET {TENANT} = 'ten_1'")
    assert await conn.fetchval("SELECT count(near) FROM vector") == 0
    await conn.close()


async def test_vectors_of_another_length_and_such_as_are_none_stand_in_nobody_s_way(
    db: PostgresDatabase,
) -> None:
    odd = {
        "mem_short": any_vector(4, 1),
        "mem_none": b"",
        "mem_torn": b"\x00\x01",
        "mem_nan": struct.pack("<8f", *[math.nan] * 8),
        "mem_far": struct.pack("<8f", *[math.inf] * 8),
        "mem_long": struct.pack("<16001f", *[1.0] * 16_001),
    }
    for id_, value in odd.items():
        await db.write(vectors.put("ten_1", item(id_, value)))
    mine = any_vector(8, 2)
    await db.write(vectors.put("ten_1", item("mem_mine", mine)))
    assert await found(db, mine) == [(MEMO, "mem_mine")]
    assert await found(db, b"") == []
    assert await found(db, any_vector(8, 2)[:-1]) == []


@pytest.mark.parametrize(
    "number",
    [0.0, -0.0, 1.0, -1.0, 0.1, 3.4e38, -3.4e38, 1.2e-38, 1e-45, -1e-40, 2.0**-126, 8388609.0],
)
async def test_each_number_is_read_as_it_was_written(url: str, number: float) -> None:
    written = struct.pack("<2f", number, 0.5)
    conn = await asyncpg.connect(url)
    as_text = await conn.fetchval("SELECT floats($1)::real[]::text", written)
    await conn.close()
    read = [float(each) for each in as_text.strip("{}").split(",")]
    assert struct.pack("<2f", *read) == written or read == [0.0, 0.5]
    assert (read[0] == 0) == (number == 0)


async def test_one_that_gets_the_extension_later_compares_after_an_upgrade() -> None:
    mine = any_vector(8, 2)
    async with own_database() as url:
        await postgres_schema.upgrade(url)
        before = PostgresDatabase(url)
        await before.open()
        await before.write(vectors.put("ten_1", item("mem_before", mine)))
        assert not before.compares
        await pgvector.install(url)
        assert await postgres_schema.upgrade(url) == "same"
        assert await postgres_schema.upgrade(url) == "same"
        await before.write(vectors.put("ten_1", item("mem_beside", mine)))  # knows nothing of it
        known = await before.read(vectors.of_owner(MINE, MODEL, 10))
        assert len(known) == 2
        await before.close()
        after = PostgresDatabase(url)
        await after.open()
        assert after.compares
        assert {id_ for _, id_ in await found(after, mine)} == {"mem_before", "mem_beside"}
        await after.close()
        await postgres_schema.check(url)


async def test_where_the_extension_was_moved_an_upgrade_finds_it_again() -> None:
    mine = any_vector(8, 2)
    async with own_database() as url:
        await pgvector.install(url)
        await postgres_schema.upgrade(url)
        await admin("ALTER SCHEMA extensions RENAME TO elsewhere", url)
        assert await postgres_schema.upgrade(url) == "same"
        db = PostgresDatabase(url)
        await db.open()
        await db.write(vectors.put("ten_1", item("mem_mine", mine)))
        assert db.compares and await found(db, mine) == [(MEMO, "mem_mine")]
        await db.close()


async def test_an_owner_who_may_not_use_the_extension_has_a_house_without_it() -> None:
    owner = f"sb_owner_{secrets.token_hex(4)}"
    async with own_database() as url:
        await postgres_schema.upgrade(url)  # the server knows the two roles from now on
    async with own_database() as url:
        await pgvector.install(url)
        name = urlsplit(url).path[1:]
        await admin(f"CREATE ROLE {owner} LOGIN; GRANT {ENGINE}, {APP} TO {owner}", url)
        await admin(f"ALTER DATABASE {name} OWNER TO {owner}", url)
        parts = urlsplit(url)
        where = parts.netloc.rpartition("@")[2]
        theirs = parts._replace(netloc=f"{owner}@{where}").geturl()
        try:
            assert await postgres_schema.upgrade(theirs) == "new"
            _, notes = await postgres_probe.examine(theirs, theirs)
            assert "not by the pgvector that is there" in " ".join(notes)
            await admin(f"GRANT USAGE ON SCHEMA extensions TO {owner}", url)
            assert await postgres_schema.upgrade(theirs) == "same"
            _, notes = await postgres_probe.examine(theirs, theirs)
            assert "not by the pgvector that is there" in " ".join(notes), "the app may not yet"
            await admin("GRANT USAGE ON SCHEMA extensions TO PUBLIC", url)
            assert await postgres_schema.upgrade(theirs) == "same"
            db = PostgresDatabase(theirs)
            await db.open()
            mine = any_vector(8, 2)
            await db.write(vectors.put("ten_1", item("mem_mine", mine)))
            assert db.compares and await found(db, mine) == [(MEMO, "mem_mine")]
            await db.close()
        finally:
            await admin(f"REASSIGN OWNED BY {owner} TO postgres; DROP OWNED BY {owner}", url)
            await admin(f"ALTER DATABASE {name} OWNER TO postgres", url)
            await admin(f"DROP ROLE {owner}", url)


async def test_an_extension_in_the_way_of_a_table_is_named_with_the_mend() -> None:
    async with own_database() as url:
        await admin("CREATE DOMAIN vector AS real[]", url)  # as the extension's type stands there
        with pytest.raises(StoreError, match="ALTER EXTENSION vector SET SCHEMA extensions"):
            await postgres_schema.upgrade(url)
        problems, _ = await postgres_probe.examine(url, url)
        ((what, mend),) = problems
        assert "pgvector" in what
        assert mend.startswith("psql ") and postgres_meaning.MEND in mend


async def test_the_doctor_says_where_meanings_are_compared(url: str) -> None:
    _, notes = await postgres_probe.examine(url, url)
    assert "meanings are compared by pgvector" in " ".join(notes)
    async with own_database() as bare:
        await postgres_schema.upgrade(bare)
        _, notes = await postgres_probe.examine(bare, bare)
        assert "without pgvector" in " ".join(notes)
