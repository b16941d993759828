"""The embedded database: durable when it says so, one commit for many, readers that stay readers."""

import asyncio
import logging
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import bot.store.sqlite
from bot.core.errors import Conflict, StoreError
from bot.store import schema
from bot.store.script import Script, restartable
from bot.store.sqlite import MAX_BATCH, READERS, SqliteDatabase, checkpoint, connect
from tests.contract.database import append, everything, get, put


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    path = tmp_path / "house.db"
    schema.prepare(path)
    made = SqliteDatabase(path)
    await made.open()
    yield made
    await made.close()


def test_the_writer_syncs_every_commit_and_checkpoints_by_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    schema.prepare(path)
    conn = connect(str(path))
    asked = {
        name: conn.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys")
    }
    assert asked == {
        "journal_mode": "wal",
        "synchronous": 2,
        "wal_autocheckpoint": 0,
        "foreign_keys": 1,
    }
    conn.close()


async def test_transactions_that_wait_at_the_same_time_share_a_commit(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    really = SqliteDatabase._commit

    def commit(self, conn, execute, batch):
        batches.append(len(batch))
        return really(self, conn, execute, batch)

    monkeypatch.setattr(SqliteDatabase, "_commit", commit)
    await asyncio.gather(*(db.write(put(f"n{n}", "1")) for n in range(500)))
    assert sum(batches) == 500
    assert len(batches) < 250


def watched(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the writer runs from now on."""
    said: list[str] = []
    really = SqliteDatabase._commit

    def commit(self, conn, execute, batch):
        conn.set_trace_callback(said.append)
        return really(self, conn, execute, batch)

    monkeypatch.setattr(SqliteDatabase, "_commit", commit)
    return said


async def test_where_all_goes_well_nothing_is_run_but_the_statements_themselves(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = watched(db, monkeypatch)
    for n in range(3):
        db.post(put(f"n{n}", "1"))
    await db.write(put("last", "1"))
    assert [text.split()[0] for text in said] == ["BEGIN", *["INSERT"] * 4, "COMMIT"]


async def test_where_one_fails_the_others_are_done_once_and_it_leaves_nothing(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(put("book", ""))
    said = watched(db, monkeypatch)

    @restartable
    def half(name: str) -> Script[None]:
        yield from put(name, "1")
        raise Conflict("somebody was quicker")

    first, bad, last = await asyncio.gather(
        db.write(append("book", "a")),
        db.write(half("n1")),
        db.write(append("book", "b")),
        return_exceptions=True,
    )
    assert isinstance(bad, Conflict)
    assert (first, last) == ("a", "ab")
    assert await db.read(get("n1")) is None
    assert await db.read(get("book")) == "ab", "once, and in order"
    assert "SAVEPOINT one" in said
    assert said.count("COMMIT") == 1


async def test_what_was_answered_is_there_for_another_connection_at_once(
    db: SqliteDatabase,
) -> None:
    other = sqlite3.connect(db.path)
    for n in range(20):
        await db.write(put(f"n{n}", "1"))
        assert other.execute("select count(*) from meta").fetchone() == (n + 1,)
    other.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.store.sqlite import SqliteDatabase
from tests.contract.database import put

async def main():
    db = SqliteDatabase(Path(sys.argv[1]))
    await db.open()
    for n in range(1000):
        await db.write(put(f"n{n}", "1"))
        print(n, flush=True)
        if n == 300:
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    schema.prepare(path)
    ran = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True)
    assert ran.returncode == -9
    answered = len(ran.stdout.split())
    conn = sqlite3.connect(path)
    assert conn.execute("select count(*) from meta").fetchone()[0] >= answered == 301
    assert conn.execute("pragma integrity_check").fetchone() == ("ok",)
    conn.close()


async def test_no_more_readers_are_opened_than_there_should_be(db: SqliteDatabase) -> None:
    await asyncio.gather(*(db.read(everything()) for _ in range(100)))
    assert 0 < len(db._opened) <= READERS


async def test_a_long_read_does_not_hold_up_a_write(db: SqliteDatabase) -> None:
    await db.write(put("a", "1"))
    reading = sqlite3.connect(db.path, isolation_level=None)
    reading.execute("begin")
    assert reading.execute("select count(*) from meta").fetchone() == (1,)
    async with asyncio.timeout(5):
        await db.write(put("b", "1"))
    assert reading.execute("select count(*) from meta").fetchone() == (1,)
    reading.execute("commit")
    assert reading.execute("select count(*) from meta").fetchone() == (2,)
    reading.close()


async def test_a_failed_checkpoint_is_logged_and_the_writer_goes_on(
    db: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def execute(self, sql: str) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    with caplog.at_level(logging.WARNING):
        checkpoint(Broken(), "PASSIVE")  # type: ignore[arg-type]
    assert "could not be moved" in caplog.text
    assert await db.write(put("a", "1")) == "1"


async def test_the_log_is_moved_into_the_file_now_and_then(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    really = checkpoint
    monkeypatch.setattr(
        bot.store.sqlite, "checkpoint", lambda conn, how: (moved.append(how), really(conn, how))
    )
    monkeypatch.setattr(bot.store.sqlite, "MANY", 50)
    for n in range(160):
        await db.write(put(f"n{n}", "1"))
    assert len(moved) >= 3
    assert set(moved) == {"PASSIVE"}


async def test_what_is_posted_rides_in_the_commit_of_the_next_write(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.store.sqlite, "RIDE_S", 3600.0)
    batches: list[list[bool]] = []
    really = db._commit
    monkeypatch.setattr(
        db,
        "_commit",
        lambda conn, execute, batch: (
            batches.append([future is not None for _, future in batch]),
            really(conn, execute, batch),
        )[1],
    )
    db.post(put("a", "1"))
    db.post(put("b", "2"))
    await asyncio.sleep(0.05)  # a writer that was woken would be done with them by then
    assert batches == []
    assert await db.write(put("c", "3")) == "3"
    assert batches == [[False, False, True]]
    assert [await db.read(get(name)) for name in "abc"] == ["1", "2", "3"]


async def test_what_is_posted_goes_by_itself_when_nobody_writes(db: SqliteDatabase) -> None:
    for name in ("a", "b"):
        db.post(put(name, "1"))
        async with asyncio.timeout(30):
            while await db.read(get(name)) != "1":
                await asyncio.sleep(0.005)


async def test_what_is_posted_in_a_crowd_is_handed_over_at_once(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.store.sqlite, "RIDE_S", 3600.0)
    for n in range(MAX_BATCH):
        db.post(put(f"n{n}", "1"))
    async with asyncio.timeout(30):
        while await db.read(get("n0")) != "1":
            await asyncio.sleep(0.005)


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    schema.prepare(path)
    made = SqliteDatabase(path)
    await made.open()
    for n in range(50):
        made.post(put(f"n{n}", "1"))
    await made.close()
    again = sqlite3.connect(path)
    assert again.execute("select count(*) from meta").fetchone() == (50,)
    again.close()
    assert not path.with_name("house.db-wal").exists()


async def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    schema.prepare(path)
    made = SqliteDatabase(path)
    await made.open()
    await made.close()
    with pytest.raises(StoreError, match="not open"):
        await made.write(put("a", "1"))


async def test_the_file_is_its_owner_s_alone(db: SqliteDatabase) -> None:
    await db.write(put("a", "1"))
    for name in ("house.db", "house.db-wal"):
        mode = stat.S_IMODE(db.path.with_name(name).stat().st_mode)
        assert mode & 0o077 == 0, name


async def test_a_file_that_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    path.write_text("This is a letter, not a database. " * 100)
    with pytest.raises(StoreError, match=r"house\.db"):
        await SqliteDatabase(path).open()


async def test_a_database_that_vanished_is_a_failure_and_not_a_loss(db: SqliteDatabase) -> None:
    await db.write(put("a", "1"))
    aside = db.path.with_suffix(".aside")
    db.path.rename(aside)
    with pytest.raises(StoreError):
        await db.write(put("b", "1"))
    assert db.broken
    aside.rename(db.path)
    await db.write(put("c", "1"))
    assert not db.broken
    assert await db.read(get("b")) is None
