"""A new file is there whole or not at all, and takes nothing from one that was there before it."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store import fresh, schema

ROOT = Path(__file__).parents[3]
DYING = """
import os, sys
from pathlib import Path
from bot.store import fresh, schema

def die(*_):
    os.kill(os.getpid(), 9)

where = sys.argv[2]
if where == "tables":
    statements = schema.statements()
    schema.statements = lambda: (each if n < 9 else die() for n, each in enumerate(statements))
elif where == "sync":
    fresh.sync = die
else:
    Path.rename = die
schema.prepare(Path(sys.argv[1]))
"""


def tables(path: Path) -> set[str]:
    conn = sqlite3.connect(path)
    try:
        assert conn.execute("pragma integrity_check").fetchone() == ("ok",)
        return {name for (name,) in conn.execute("select name from sqlite_master")}
    finally:
        conn.close()


def test_a_new_file_is_whole_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    assert schema.prepare(path) == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["house.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    conn = sqlite3.connect(path)
    assert conn.execute("pragma journal_mode").fetchone() == ("wal",)
    assert conn.execute("pragma user_version").fetchone() == (schema.VERSION,)
    conn.close()
    assert schema.prepare(path) == "same"


@pytest.mark.parametrize("where", ["tables", "sync", "rename"])
def test_a_process_that_dies_on_the_way_leaves_no_database(tmp_path: Path, where: str) -> None:
    path = tmp_path / "house.db"
    done = subprocess.run([sys.executable, "-c", DYING, str(path), where], cwd=ROOT, timeout=60)
    assert done.returncode == -9
    assert not path.exists()
    assert (tmp_path / "house.db.new").exists()
    assert schema.prepare(path) == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["house.db"]
    assert {"inbox", "effect", "audit_no_delete"} <= tables(path)


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: no test can cut the power."""
    path = tmp_path / "house.db"
    synced: list[tuple[str, bool]] = []

    def note(number: int) -> None:
        found = os.fstat(number)
        near = (tmp_path, *tmp_path.iterdir())
        name = next(each.name for each in near if os.path.samestat(each.stat(), found))
        synced.append((name, path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    schema.prepare(path)
    assert synced == [("house.db.new", False), (tmp_path.name, True)]


def test_what_another_file_left_behind_is_not_played_into_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("pragma journal_mode=wal")
    old.execute("pragma wal_autocheckpoint=0")
    old.execute("create table old (id)")
    log = path.with_name("house.db-wal").read_bytes()
    old.close()
    path.unlink()
    path.with_name("house.db-wal").write_bytes(log)
    assert not fresh.may_be_made(path)
    assert schema.prepare(path) == "new"
    assert "old" not in tables(path)
    assert "inbox" in tables(path)


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    conn = sqlite3.connect(path)
    conn.execute("create table mine (id)")
    conn.close()
    assert schema.prepare(path) == "new"
    assert {"mine", "inbox"} <= tables(path)


def test_a_name_that_leads_elsewhere_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "house.db"
    (tmp_path / "elsewhere").mkdir()
    path.symlink_to(tmp_path / "elsewhere" / "real.db")
    assert schema.prepare(path) == "new"
    assert path.is_symlink()
    assert "inbox" in tables(tmp_path / "elsewhere" / "real.db")
