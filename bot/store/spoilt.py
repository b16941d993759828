"""An SQLite file that is no longer whole: how it is known, and what a person does about it."""

import sqlite3
import time
from pathlib import Path

BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
"""How errors of a file begin that another program holds (https://www.sqlite.org/rescode.html)."""
DISK = ("SQLITE_FULL", "SQLITE_IOERR")
"""And those of a disk: memory that is shared in a file on a full one is an IOERR."""
MEND = "bot restore FILE --replace"
CHECK_S = 3.0
"""How long a file is looked through at most when somebody asks what is wrong."""


def is_spoilt(error: BaseException) -> bool:
    """Whether what stands in the file is no database, or no longer a whole one."""
    return getattr(error, "sqlite_errorname", "") in ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def mend_of(error: BaseException) -> str:
    """What a person can do about an error, as a sentence to follow it; empty when nobody knows."""
    if is_spoilt(error):
        return f" Bring a backup back with `{MEND}`"
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(BUSY):
        return " Another program holds it: close that one, then try again"
    return " Make room on the disk or mend it, then try again" if name.startswith(DISK) else ""


def command_of(error: BaseException, path: Path) -> str:
    """The command to begin with; one that replaces a file stands only where that is lost."""
    if not isinstance(error, sqlite3.OperationalError):
        return MEND
    is_busy = getattr(error, "sqlite_errorname", "").startswith(BUSY)
    return f"fuser -v {path}" if is_busy else f"df -h {path.parent}"


def check(path: Path) -> None:
    """Look through a file for as long as a person waits; raises the first thing wrong with it."""
    if not path.exists():
        return
    until = time.monotonic() + CHECK_S
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    conn.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        (found,) = conn.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        found = "ok"
    finally:
        conn.close()
    if found != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")
