"""The schema of an SQLite file: made at once when new, upgraded after a backup when older.

A file that a newer version wrote is refused before anything is touched. Alembic is imported only
when there is something to upgrade.
"""

import io
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.schema import CreateIndex, CreateTable

from bot import extras
from bot.core.errors import StoreError
from bot.store import (
    fresh,
    tables,
    tables_calendars,
    tables_connections,
    tables_house,
    tables_mail,
    tables_memory,
    tables_people,
    tables_platforms,
    tables_sms,
)
from bot.store.columns import metadata
from bot.store.spoilt import MEND, check, command_of, mend_of
from bot.store.sqlite import DIALECT

TABLES = (
    tables,
    tables_calendars,
    tables_connections,
    tables_house,
    tables_mail,
    tables_memory,
    tables_people,
    tables_platforms,
    tables_sms,
)
"""The modules whose tables are made; importing them puts those on the list."""
VERSION = 18
"""Raised with every migration; the file keeps it in `user_version`."""
LEAST = 8
"""The oldest program that may run on this schema beside newer ones. A migration that only adds
leaves it; one that takes away, renames, or needs what that program does not write raises it."""
MIGRATIONS = Path(__file__).parent / "migrations"
SEALED = ("audit", "audit_seal")
"""Tables whose rows nobody changes or deletes."""


def prepare(path: Path) -> str:
    """Bring a file to this version and say what was done: `new`, `same` or `upgraded`.

    Raises StoreError when the file is newer, is no database, or cannot be written.
    """
    try:
        if fresh.may_be_made(path):
            fresh.make(path, _create)
            return "new"
        conn = sqlite3.connect(path, isolation_level=None)
        try:
            path.chmod(0o600)
            return _prepare(conn, path)
        finally:
            conn.close()
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> StoreError:
    return StoreError(f"Cannot use the database {path}: {error}.{mend_of(error)}")


def _prepare(conn: sqlite3.Connection, path: Path) -> str:
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return "same"
    if version > VERSION:
        raise StoreError(_newer(path, version))
    if version == 0:
        conn.execute("PRAGMA journal_mode=WAL")
        _create(conn)
        return "new"
    backup(path)
    upgrade(path, version, MIGRATIONS)
    conn.execute(f"PRAGMA user_version={VERSION}")
    return "upgraded"


def version_of(path: Path) -> int:
    """The schema of a file; 0 when it is not there. Raises StoreError."""
    try:
        return _read_version(path)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def _read_version(path: Path) -> int:
    if not path.exists():
        return 0
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        version: int = conn.execute("PRAGMA user_version").fetchone()[0]
        return version
    finally:
        conn.close()


def problems_of(path: Path) -> list[tuple[str, str]]:
    """What keeps a file from being opened or read, each with the command that mends it."""
    try:
        version = _read_version(path)
        check(path)
    except sqlite3.Error as error:
        return [(f"Cannot use the database {path}: {error}.", command_of(error, path))]
    return [(_newer(path, version), extras.upgrade())] if version > VERSION else []


def _newer(path: Path, version: int) -> str:
    return (
        f"{path} was written by a newer Switchboard (schema {version}, this one knows {VERSION}). "
        "Install that version, or restore a backup made before the upgrade."
    )


def statements() -> list[str]:
    """Every statement that makes an empty database ours."""
    made = [str(CreateTable(table).compile(dialect=DIALECT)) for table in metadata.sorted_tables]
    for table in metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            made.append(str(CreateIndex(index).compile(dialect=DIALECT)))
    return made + sealing()


def sealing() -> list[str]:
    """Triggers that refuse to change or delete a row of the book."""
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        for table in SEALED
        for verb in ("UPDATE", "DELETE")
    ]


def _create(conn: sqlite3.Connection) -> None:
    conn.execute("BEGIN IMMEDIATE")
    for statement in statements():
        conn.execute(statement)
    conn.execute(f"PRAGMA user_version={VERSION}")
    conn.execute("COMMIT")


def backup(path: Path, target: Path | None = None) -> Path:
    """Copy a database, also a running one, and return the copy's path (0600).

    Raises StoreError, and leaves nothing, where the copy would not be whole.
    """
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    copy = target or path.with_name(f"{path.stem}-{stamp}.backup")
    if copy.exists():
        raise StoreError(f"{copy} is there already.")
    source, sink = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        copy.chmod(0o600)
        source.backup(sink, pages=1000)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be copied to {copy.parent}: {error}.") from error
    finally:
        sink.close()
        source.close()
    found, _ = _examined(copy)
    if found != "ok":
        copy.unlink()
        raise StoreError(
            f"{path} is damaged ({found}), and so would be every copy: nothing was saved. "
            f"Bring an earlier backup back with `{MEND}`; it sets aside what is there."
        )
    return copy


def _examined(copy: Path) -> tuple[str, int]:
    """What is wrong with a file, `ok` for nothing, and its schema."""
    conn = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    try:
        found = conn.execute("PRAGMA integrity_check(1)").fetchone()[0]
        version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        return str(error), 0
    finally:
        conn.close()
    if version < 1 and found == "ok":
        return "it has no schema", 0
    return "ok" if found == "ok" else " ".join(str(found).rpartition("*** ")[2].split()), version


def restore(copy: Path, path: Path) -> None:
    """Put a backup in the place of the database; the server must not be running."""
    found, version = _examined(copy)
    if not version:
        raise StoreError(f"{copy} is no backup of ours: {found}.")
    if found != "ok" or version > VERSION:
        raise StoreError(f"{copy} is damaged or from another version; nothing was changed.")
    temporary = path.with_name(path.name + ".restoring")
    shutil.copyfile(copy, temporary)
    temporary.chmod(0o600)
    for rest in ("-wal", "-shm"):  # of the old file: it would be played into the new one
        path.with_name(path.name + rest).unlink(missing_ok=True)
    temporary.replace(path)


def upgrade(path: Path, version: int, migrations: Path) -> None:
    """Run the migrations behind `version`, in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    command.stamp(config, f"{version:04d}")
    command.upgrade(config, "head")


def migrations_between(version: int) -> str:
    """The SQL for PostgreSQL that leads from `version` to the newest."""
    from alembic import command
    from alembic.config import Config

    said = io.StringIO()
    config = Config(output_buffer=said)
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", "postgresql+asyncpg://")
    command.upgrade(config, f"{version:04d}:head", sql=True)
    # Where we keep the version is our own table; Alembic's is not there.
    ours = (part for part in said.getvalue().split(";\n") if "alembic_version" not in part)
    return ";\n".join(ours)
