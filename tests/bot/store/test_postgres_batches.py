"""On PostgreSQL many transactions share a commit and their round trips, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update

from bot.core.errors import Conflict, StoreError
from bot.store import postgres
from bot.store.postgres import PostgresDatabase
from bot.store.script import Ask, Script, Statement, restartable, restartable_by
from bot.store.tables import meta
from bot.store.tables_house import memo
from tests.postgres import Pooler, admin, our_database

asyncpg = pytest.importorskip("asyncpg")

_GET = Statement(select(meta.c.value).where(meta.c.name == bindparam("name")))
_SET = Statement(
    update(meta)
    .where(meta.c.name == bindparam("id"))
    .values(value=bindparam("new_value"))
    .returning(meta.c.name, meta.c.value)
)
_PUT = Statement(insert(meta).values(name=bindparam("name"), value=bindparam("value")))
_NOTE = Statement(
    insert(memo).values(
        {name: bindparam(name) for name in ("id", "tenant", "person", "text")} | {"at": 1}
    )
)
_CARELESS = Statement(
    select(memo.c.tenant, memo.c.text)
    .where(memo.c.person == bindparam("person"), bindparam("tenant") != "")
    .order_by(memo.c.id)
)
"""It is given a tenant and forgets to ask for it: nothing but the wall is between."""


@restartable_by(lambda name, value: name)
def put(name: str, value: str) -> Script[str]:
    """Add a row."""
    yield Ask(_PUT, {"name": name, "value": value})
    return value


@restartable_by(lambda name, more: name)
def append(name: str, more: str) -> Script[str]:
    """Read, then write: who comes in between is forgotten."""
    rows = yield Ask(_GET, {"name": name})
    found = yield Ask(_SET, {"id": name, "new_value": rows[0][0] + more})
    assert found[0][0] == name
    return str(found[0][1])


@restartable_by(lambda name: name)
def refuse(name: str) -> Script[None]:
    """Write, and then think better of it."""
    yield Ask(_SET, {"id": name, "new_value": "never"})
    raise Conflict("Not after all.")


@restartable_by(lambda name: name)
def stumble(name: str) -> Script[None]:
    """Find that something is missing which should be there."""
    yield Ask(_GET, {"name": name})
    raise StoreError("It did not reach the disk.")


@restartable
def everything() -> Script[int]:
    """How many rows there are, asked by one that has no key."""
    rows = yield Ask(_ALL, {})
    return len(rows)


_ALL = Statement(select(meta.c.name))


@restartable_by(lambda tenant, n: f"{tenant} {n}")
def note(tenant: str, n: int) -> Script[None]:
    """Remember something of a person, whose id is the same in both tenants."""
    yield Ask(_NOTE, {"id": f"{tenant}{n}", "tenant": tenant, "person": "p", "text": f"{n}"})


@restartable_by(lambda tenant, n: f"{tenant} {n}")
def careless(tenant: str, n: int) -> Script[list[tuple[str, str]]]:
    """What anybody at all remembers of that person."""
    rows = yield Ask(_CARELESS, {"tenant": tenant, "person": "p"})
    return [(row[0], row[1]) for row in rows]


@restartable_by(lambda names, key: key)
def find(names: str, key: str) -> Script[list[str]]:
    """The values of some rows, none of one or none at all."""
    rows = yield Ask(_FIND, {"low": names[0], "high": names[1]})
    return [row[0] for row in rows]


_FIND = Statement(
    select(meta.c.value)
    .where(meta.c.name >= bindparam("low"), meta.c.name < bindparam("high"))
    .order_by(meta.c.name)
)


@pytest.fixture(params=["direct", "pooled"])
async def db(request: pytest.FixtureRequest) -> AsyncIterator[PostgresDatabase]:
    """With one connection that writes, so that all of a batch is in one batch."""
    async with our_database() as url, maybe_pooled(url, request.param) as (address, is_pooled):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgres, "WRITERS", 1)  # how keys fall on two is not what is asked here
            made = PostgresDatabase(address, pooled=is_pooled)
        made.url = url
        await made.open()
        yield made
        await made.close()


@asynccontextmanager
async def maybe_pooled(url: str, how: str) -> AsyncIterator[tuple[str, bool]]:
    if how == "direct":
        yield url, False
        return
    pooler = Pooler()
    try:
        await pooler.ready()
        yield pooler.address(url), True
    finally:
        pooler.stop()


@asynccontextmanager
async def trips(db: PostgresDatabase) -> AsyncIterator[list[str]]:
    """Every statement that the writer sends meanwhile, one for each round trip."""
    conn = db._writers[0]._conn
    assert conn is not None
    sent: list[str] = []
    with conn.query_logger(lambda record: sent.append(record.query)):
        yield sent


async def all_of(db: PostgresDatabase, *scripts: Script[Any]) -> list[Any]:
    """At once, so that they share a batch; what each returns or raises."""
    return await asyncio.gather(*map(db.write, scripts), return_exceptions=True)


async def test_scripts_of_different_keys_share_their_round_trips(db: PostgresDatabase) -> None:
    names = [f"n{n}" for n in range(50)]
    async with trips(db) as sent:
        assert await all_of(db, *(put(name, "-") for name in names)) == ["-"] * 50
    assert len(sent) == 3  # begin, add, commit
    async with trips(db) as sent:
        found = await all_of(db, *(append(name, name) for name in names))
    assert found == [f"-{name}" for name in names]
    assert len(sent) == 4


async def test_what_is_added_together_is_kept_letter_by_letter(db: PostgresDatabase) -> None:
    texts = ["", '"', "\\", "\\u0000", "{}", "a\nb\t", "é 😀 \u2028", "x\x00y \\u0000", "NULL"]
    await all_of(db, *(put(f"t{n}", text) for n, text in enumerate(texts)))
    found = await db.read(find(("t", "u"), ""))
    assert found == [text.replace("\x00", "\ufffd") for text in texts]


async def test_scripts_of_one_key_keep_their_order(db: PostgresDatabase) -> None:
    await db.write(put("a", "-"))
    await db.write(put("b", "-"))
    async with trips(db) as sent:
        found = await all_of(db, *(append("ab"[n % 2], f"{n}") for n in range(10)))
    assert found[-2:] == ["-02468", "-13579"]
    assert len(sent) == 2 + 5 * 2


async def test_one_that_fails_leaves_the_others_whole(db: PostgresDatabase) -> None:
    await all_of(db, put("a", "-"), put("b", "-"), put("c", "-"))
    found = await all_of(
        db, append("a", "1"), refuse("b"), put("c", "twice"), stumble("b"), append("c", "1")
    )
    assert [found[0], found[4]] == ["-1", "-1"]
    assert isinstance(found[1], Conflict)
    assert isinstance(found[2], asyncpg.UniqueViolationError)
    assert isinstance(found[3], StoreError)
    assert await all_of(db, append("a", "2"), append("b", "2")) == ["-12", "-2"]


async def test_what_one_of_them_finds_amiss_is_told_to_nobody_else(db: PostgresDatabase) -> None:
    """Its error is of the kind that tells of a lost database, and the database is well."""
    await all_of(db, put("a", "-"), put("b", "-"))
    found = await all_of(db, append("a", "1"), stumble("b"), append("a", "2"))
    assert [found[0], found[2]] == ["-1", "-12"]
    assert isinstance(found[1], StoreError)


async def test_each_is_told_its_own_rows_however_many_they_are(db: PostgresDatabase) -> None:
    await all_of(db, *(put(f"{name}{n}", f"{name}{n}") for name in "ace" for n in range(3)))
    async with trips(db) as sent:
        found = await all_of(
            db, *(find(names, f"{n}") for n, names in enumerate(("xy", "ab", "bc", "ae", "ab")))
        )
    assert found == [
        [],
        ["a0", "a1", "a2"],
        [],
        ["a0", "a1", "a2", "c0", "c1", "c2"],
        ["a0", "a1", "a2"],
    ]
    assert len(sent) == 3


async def test_each_tenant_of_a_batch_stands_behind_its_own_wall(db: PostgresDatabase) -> None:
    tenants = ("ten_a", "ten_b", "ten_a", "ten_b")
    async with trips(db) as sent:
        await all_of(db, *(note(tenant, n) for n, tenant in enumerate(tenants)))
        found = await all_of(db, *(careless(tenant, n) for n, tenant in enumerate(tenants)))
    own = {"ten_a": [("ten_a", "0"), ("ten_a", "2")], "ten_b": [("ten_b", "1"), ("ten_b", "3")]}
    assert found == [own[tenant] for tenant in tenants]
    assert len(sent) == 2 * 5  # a wall and a statement for each tenant, and the commit
    conn = await asyncpg.connect(db.url)  # the control: whoever has no wall sees all
    try:
        sql = "select count(*) from memo where person = 'p'"
        assert await conn.fetchval(sql) == 4
    finally:
        await conn.close()


async def test_a_row_of_another_tenant_cannot_be_added_in_a_batch(db: PostgresDatabase) -> None:
    @restartable_by(lambda: "ten_a 9")
    def smuggle() -> Script[None]:
        yield Ask(_SMUGGLE, {"tenant": "ten_a", "id": "x", "person": "p", "text": "x"})

    found = await all_of(db, note("ten_a", 1), smuggle(), note("ten_a", 2))
    assert [found[0], found[2]] == [None, None]
    assert isinstance(found[1], asyncpg.InsufficientPrivilegeError)
    assert len(await db.read(careless("ten_a", 0))) == 2
    assert await db.read(careless("ten_b", 0)) == []


_SMUGGLE = Statement(
    insert(memo).values(
        {name: bindparam(name) for name in ("id", "person", "text")}
        | {"at": 1, "tenant": bindparam("tenant") + "-not"}
    )
)


async def test_what_has_no_key_is_committed_between_what_was_before_and_what_comes_after() -> None:
    async with our_database() as url:
        db = PostgresDatabase(url)
        await db.open()
        counted: list[asyncio.Future[int]] = []
        for n in range(20):
            db.post(put(f"{n}", "-"))
            await asyncio.sleep(0)
            counted.append(asyncio.ensure_future(db.write(everything())))
            await asyncio.sleep(0)
        db.post(put("50", "-"))
        assert await asyncio.gather(*counted) == list(range(1, 21))
        await db.close()  # what was posted is written all the same
        found = await asyncpg.connect(url)
        assert await found.fetchval("select count(*) from meta") == 21
        await found.close()


async def test_one_connection_that_is_lost_is_made_anew_and_the_other_goes_on() -> None:
    async with our_database() as url:
        db = PostgresDatabase(url)
        await db.open()
        names = ("a", "b", "c", "d")
        await all_of(db, *(put(name, "-") for name in names))
        conn = db._writers[1]._conn
        assert conn is not None
        await admin(f"SELECT pg_terminate_backend({conn.get_server_pid()})", url)
        for name in names:  # one commit after the other, so that both connections make some
            found = await all_of(db, append(name, "1"))
            assert found[0] == "-1" or isinstance(found[0], StoreError)
        again = await all_of(db, *(append(name, "2") for name in names))
        assert set(again) <= {"-2", "-12"}
        assert "-12" in again
        assert db.broken == ""
        await db.close()


_WAITS = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and wait_event_type = 'Lock'"
)


async def test_who_waits_for_another_process_s_row_holds_up_those_behind_it_of_its_key_alone() -> (
    None
):
    async with our_database() as url, asyncio.timeout(60):
        db = PostgresDatabase(url)
        await db.open()
        others = [f"n{n}" for n in range(12)]
        await all_of(db, *(put(name, "-") for name in ("a", *others)))
        holder, watching = await asyncpg.connect(url), await asyncpg.connect(url)
        async with holder.transaction():
            await holder.execute("select 1 from meta where name = 'a' for update")
            first = asyncio.ensure_future(db.write(append("a", "1")))
            while not await watching.fetchval(_WAITS):
                await asyncio.sleep(0.01)
            behind = asyncio.ensure_future(db.write(append("a", "2")))
            found = await all_of(db, *(append(name, "1") for name in others))
            assert found == ["-1"] * len(others)
            assert not first.done()
            assert not behind.done()
        assert [await first, await behind] == ["-1", "-12"]
        for conn in (holder, watching):
            await conn.close()
        await db.close()
