"""A file that is no longer whole: said with its mend, and nothing more is accepted into it."""

import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.core.errors import StoreError
from bot.store import schema
from bot.store.script import Ask, Row, Script, Statement
from bot.store.spoilt import command_of, mend_of
from bot.store.sqlite import SqliteDatabase
from bot.store.tables import meta
from tests.contract.database import put

PAGE = 4096
EVERYTHING = Statement(select(meta.c.value))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return prepared(tmp_path / "house.db")


def prepared(made: Path) -> Path:
    """A database of many pages."""
    schema.prepare(made)
    conn = sqlite3.connect(made)
    rows = [(f"n{at}", "x" * 500) for at in range(500)]
    conn.executemany("insert into meta (name, value) values (?, ?)", rows)
    conn.commit()
    conn.execute("pragma wal_checkpoint(truncate)")
    conn.close()
    return made


def spoil(path: Path) -> None:
    """Write over the beginning of every page but the first few, as a failing disk does."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for at in range(size - 40 * PAGE, size, PAGE):
            file.seek(at)
            file.write(b"\xff" * 100)


def everything() -> Script[list[Row]]:
    rows = yield Ask(EVERYTHING, {})
    return rows


def test_it_is_named_with_its_mend_when_somebody_asks(path: Path) -> None:
    spoil(path)
    ((what, command),) = schema.problems_of(path)
    assert "malformed" in what
    assert command == "bot restore FILE --replace"


def test_a_whole_file_has_nothing_to_mend(path: Path) -> None:
    assert schema.problems_of(path) == []


async def test_nothing_is_accepted_once_a_reader_saw_it(path: Path) -> None:
    db = SqliteDatabase(path)
    await db.open()
    await db.write(put("a", "1"))
    spoil(path)
    with pytest.raises(StoreError, match=r"malformed.*bot restore FILE --replace"):
        await db.read(everything())
    assert "malformed" in db.broken
    for _ in range(2):
        with pytest.raises(StoreError, match=r"bot restore FILE --replace.*nothing was accepted"):
            await db.write(put("b", "2"))
    await db.close()


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"])
def test_a_full_disk_is_said_with_its_mend_and_nobody_is_told_to_bring_back_a_backup(
    name: str, path: Path
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    assert mend_of(error) == " Make room on the disk or mend it, then try again"
    assert command_of(error, path) == f"df -h {path.parent}"
    assert mend_of(sqlite3.OperationalError("no such table")) == ""


def test_another_program_that_holds_the_file_is_named_as_such(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    mine = sqlite3.connect(path, isolation_level=None, timeout=0)
    with pytest.raises(sqlite3.OperationalError) as refused:
        mine.execute("begin immediate")
    assert mend_of(refused.value) == " Another program holds it: close that one, then try again"
    assert command_of(refused.value, path) == f"fuser -v {path}"
    other.close()
    mine.close()
