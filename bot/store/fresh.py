"""A database's file that is not there yet: made whole beside its place, then put there.

SQLite syncs nine times while a new file gets its tables where it stands. Nobody looks at a file
beside it, so that one is written without and synced once, before it gets its name: a process that
dies on the way leaves no database, and the next start makes it anew.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

BESIDE = ("-wal", "-shm", "-journal")
"""Files that SQLite would play into a database of that name, whichever it is."""


def may_be_made(path: Path) -> bool:
    """Whether nothing of a database is there, not even what another one left behind."""
    return not any(os.path.lexists(f"{path}{end}") for end in ("", *BESIDE))


def make(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make it, on the disk when this returns. Whoever calls holds the folder for itself.

    Raises OSError, and whatever `fill` raises; nothing is there then.
    """
    half = path.with_name(f"{path.name}.new")
    for end in ("", *BESIDE):  # of a start that died here
        half.with_name(half.name + end).unlink(missing_ok=True)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        conn = sqlite3.connect(half, isolation_level=None)
        try:
            conn.execute("PRAGMA journal_mode=MEMORY")
            conn.execute("PRAGMA synchronous=OFF")
            fill(conn)
            conn.execute("PRAGMA journal_mode=WAL")
        finally:
            conn.close()
        sync(half)
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
