"""The file: made at once, refused when newer, copied and put back whole."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from bot.core.errors import StoreError
from bot.store import schema
from bot.store.sqlite import SqliteDatabase
from tests.contract.database import put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "house.db"
    assert schema.prepare(made) == "new"
    return made


def value(path: Path) -> object:
    conn = sqlite3.connect(path)
    try:
        return conn.execute("select value from meta where name = 'a'").fetchone()
    finally:
        conn.close()


def write(path: Path, text: str) -> None:
    conn = sqlite3.connect(path)
    conn.execute("insert or replace into meta values ('a', ?)", (text,))
    conn.commit()
    conn.close()


def test_a_prepared_file_is_left_alone(path: Path) -> None:
    write(path, "kept")
    assert schema.prepare(path) == "same"
    assert value(path) == ("kept",)
    assert schema.version_of(path) == schema.VERSION


def test_a_file_is_its_owner_s_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(schema.backup(path).stat().st_mode) == 0o600


def test_a_file_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert schema.version_of(tmp_path / "nothing.db") == 0


def test_a_newer_file_is_refused_with_the_mend_and_nothing_is_touched(path: Path) -> None:
    conn = sqlite3.connect(path)
    conn.execute(f"pragma user_version={schema.VERSION + 1}")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Switchboard.*restore a backup"):
        schema.prepare(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear reader, " * 1000)
    with pytest.raises(StoreError, match=r"letter\.db"):
        schema.prepare(path)
    assert path.read_text().startswith("Dear reader")


def test_a_start_that_fails_while_it_makes_the_tables_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "house.db"
    statements = schema.statements()
    monkeypatch.setattr(schema, "statements", lambda: [*statements[:5], "this is no sql"])
    with pytest.raises(StoreError):
        schema.prepare(path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert schema.prepare(path) == "new"


def test_a_backup_of_a_running_house_is_whole_and_goes_back(path: Path, tmp_path: Path) -> None:
    async def run() -> Path:
        db = SqliteDatabase(path)
        await db.open()
        await db.write(put("a", "before"))
        copy = schema.backup(path, tmp_path / "copy.db")
        await db.write(put("b", "after"))
        await db.close()
        return copy

    copy = asyncio.run(run())
    write(path, "changed")
    schema.restore(copy, path)
    assert value(path) == ("before",)
    conn = sqlite3.connect(path)
    assert conn.execute("select count(*) from meta").fetchone() == (1,)
    conn.close()


def test_a_log_of_the_old_file_is_not_played_into_the_one_put_back(path: Path) -> None:
    write(path, "old")
    copy = schema.backup(path)
    conn = sqlite3.connect(path)
    conn.execute("pragma journal_mode=wal")
    conn.execute("pragma wal_autocheckpoint=0")
    conn.execute("update meta set value = 'in the log'")
    conn.commit()
    log = path.with_name(path.name + "-wal").read_bytes()
    conn.close()
    path.with_name(path.name + "-wal").write_bytes(log)
    schema.restore(copy, path)
    assert value(path) == ("old",)


def test_a_backup_never_overwrites_another(path: Path, tmp_path: Path) -> None:
    schema.backup(path, tmp_path / "copy.db")
    with pytest.raises(StoreError, match="there already"):
        schema.backup(path, tmp_path / "copy.db")


@pytest.mark.parametrize("wrong", ["text", "half", "newer", "empty"])
def test_a_wrong_backup_is_refused_and_nothing_is_changed(
    path: Path, tmp_path: Path, wrong: str
) -> None:
    write(path, "mine")
    copy = tmp_path / "copy.db"
    if wrong == "text":
        copy.write_text("no database at all " * 500)
    elif wrong == "half":
        whole = schema.backup(path, tmp_path / "whole.db").read_bytes()
        copy.write_bytes(whole[: len(whole) // 2])
    elif wrong == "newer":
        schema.backup(path, copy)
        conn = sqlite3.connect(copy)
        conn.execute(f"pragma user_version={schema.VERSION + 1}")
        conn.close()
    else:
        sqlite3.connect(copy).close()
        copy.touch()
    with pytest.raises(StoreError):
        schema.restore(copy, path)
    assert value(path) == ("mine",)


@pytest.mark.parametrize("table", ["audit", "audit_seal"])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_book_refuses_to_be_changed(path: Path, table: str, verb: str) -> None:
    conn = sqlite3.connect(path)
    if table == "audit":
        conn.execute(
            "insert into audit (tenant, at, actor, action, target, details, event) "
            "values ('t', 1, 'a', 'b', 'c', '', '')"
        )
    else:
        conn.execute("insert into audit_seal values ('t', 1, 1, 'mac')")
    sql = f"update {table} set tenant = 'x'" if verb == "update" else f"delete from {table}"
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        conn.execute(sql)
    conn.close()


def test_every_table_of_a_tenant_is_text_numbers_and_bytes_alone(path: Path) -> None:
    conn = sqlite3.connect(path)
    tables = [row[0] for row in conn.execute("select name from sqlite_master where type = 'table'")]
    kinds = {
        column[2]
        for table in tables
        if not table.startswith("sqlite_")
        for column in conn.execute(f"pragma table_info({table})")
    }
    conn.close()
    assert kinds <= {"TEXT", "INTEGER", "BIGINT", "BLOB"}


def shapes(conn: sqlite3.Connection) -> dict[str, object]:
    """Tables with their columns, and indexes with theirs."""
    names = [row[0] for row in conn.execute("select name from sqlite_master where type = 'table'")]
    tables = {
        name: sorted(row[1:3] + row[5:] for row in conn.execute(f"pragma table_info({name})"))
        for name in names
        if name != "alembic_version"
    }
    found = conn.execute("select name from sqlite_master where type = 'index' and sql not null")
    return {**tables, "": sorted(row[0] for row in found)}


def test_a_file_of_the_first_schema_gets_the_cause_and_keeps_what_it_holds(path: Path) -> None:
    write(path, "kept")
    conn = sqlite3.connect(path)
    conn.execute("alter table message drop column cause")
    conn.execute("alter table effect drop column owner")
    for table in (
        "own_agent",
        "mcp_tool",
        "place_rule",
        *("install", "install_state"),
        "vector",
        "summary",
        "archive",
        "upkeep",
        "trouble",
        "trouble_fact",
        "score",
        "score_change",
        "saved_chat",
        "sms_number",
        "sms_thread",
        "sms_opt_out",
        "sms_message",
        *("code_miss", "code_drawn"),
        "mail_news",
        "mail_block",
        *("connection", "oauth_deletion", "platform_user", "calendar_copy", "calendar_event"),
        "bookmark",
        "bulletin",
    ):
        conn.execute(f"drop table {table}")
    for index in (
        "memo_bare", "feedback_recent", "effect_reply", "effect_failed", "effect_in_doubt"
    ):  # fmt: skip
        conn.execute(f"drop index {index}")
    for column in ("conv", "event", "indexed"):
        conn.execute(f"alter table memo drop column {column}")
    for column in ("conv", "agent", "model"):
        conn.execute(f"alter table feedback drop column {column}")
    conn.execute("drop index file_recent")
    conn.execute("drop index file_open")
    for column in ("path", "shared", "state", "moved_at"):
        conn.execute(f"alter table file drop column {column}")
    old = ("ten_1", "fil_1", "a.txt", "text/plain", 4, "ab" * 32, "per_1", 7)
    conn.execute("insert into file values (?, ?, ?, ?, ?, ?, ?, ?)", old)
    conn.execute("pragma user_version=1")
    conn.commit()
    conn.close()
    assert schema.prepare(path) == "upgraded"
    conn = sqlite3.connect(path)
    assert "cause" in [row[1] for row in conn.execute("pragma table_info(message)")]
    assert conn.execute("select count(*) from own_agent").fetchone() == (0,)
    (made,) = (path.with_name("fresh.db"),)
    schema.prepare(made)
    assert shapes(conn) == shapes(sqlite3.connect(made)), "upgraded and new are the same"
    assert conn.execute("select count(*) from mcp_tool").fetchone() == (0,)
    kept = conn.execute("select path, shared, state from file").fetchone()
    assert kept == (f"ten_1/{'ab' * 32}", 0, "kept")
    conn.close()
    assert (value(path), schema.version_of(path)) == (("kept",), schema.VERSION)
