"""A process is killed in the middle of keeping or deleting; what is left is whole, or swept."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.times import to_us
from bot.files.files import Files
from bot.files.links import Links
from bot.files.local import LocalStore
from bot.files.spool import Spool
from bot.store import files as rows
from bot.store.sqlite import SqliteDatabase
from tests.bot.files.test_files import OLGA, keep_one
from tests.fakes.database import lay
from tests.fakes.people_house import StillClock

CODE = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.bot.files import test_killed
asyncio.run(test_killed.live(Path(sys.argv[1]), sys.argv[2]))
"""
MOMENTS = ("before put", "after put", "before delete", "after delete", "never")


class Deadly(LocalStore):
    """A folder whose process dies at a moment."""

    def __init__(self, folder: Path, moment: str) -> None:
        super().__init__(folder)
        self._moment = moment

    async def put(self, path: str, source: Path) -> None:
        self._die("before put")
        await super().put(path, source)
        self._die("after put")

    async def delete(self, path: str) -> None:
        self._die("before delete")
        await super().delete(path)
        self._die("after delete")

    def _die(self, moment: str) -> None:
        if moment == self._moment:
            import os

            os.kill(os.getpid(), signal.SIGKILL)


def files_on(db: SqliteDatabase, clock: StillClock, folder: Path, moment: str = "") -> Files:
    links = Links(clock, lambda purpose, text: "")
    return Files(db, clock, Deadly(folder, moment), Spool(folder / "spool", clock), links)


async def live(home: Path, moment: str) -> None:
    """Keep a file, keep another and delete that one."""
    db, clock = SqliteDatabase(home / "house.db"), StillClock()
    await db.open()
    quiet = files_on(db, clock, home / "files")
    await keep_one(quiet, b"first", "fil_first")
    deadly = files_on(db, clock, home / "files", moment)
    await keep_one(deadly, b"second", "fil_second")
    await deadly.delete(OLGA, "fil_second")
    await db.close()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_loses_nothing_and_leaves_nothing(tmp_path: Path, moment: str) -> None:
    lay(tmp_path / "house.db")
    end = subprocess.run([sys.executable, "-c", CODE, str(tmp_path), moment], timeout=60)
    assert end.returncode == (0 if moment == "never" else -signal.SIGKILL)
    found = asyncio.run(after(tmp_path))
    assert found["seen at once"] == ["fil_first"], "what is half done is seen by nobody"
    assert found["swept"] == (0 if moment == "never" else 1)
    assert found["bytes"] == ["tenants/ten_home/fil_first"]
    assert found["rows left"] == []
    assert found["first"] == "first"


async def after(home: Path) -> dict[str, object]:
    """What the next life finds and what its sweep leaves."""
    clock = StillClock()
    clock.advance(hours=3)
    db, folder = SqliteDatabase(home / "house.db"), home / "files"
    await db.open()
    files = files_on(db, clock, folder)
    seen = [item.id for item in await files.page(OLGA)]
    swept = await files.sweep()
    for part in (folder / "spool").glob("*.part"):
        part.unlink()  # a day old before it is swept; the time of files is the machine's own
    clock.advance(hours=3)
    left = await db.read(rows.stuck(to_us(clock.now()), 10))
    first = await files.whole(await files.get(OLGA, "fil_first"))
    kept = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    await db.close()
    return {
        "seen at once": seen,
        "swept": swept,
        "bytes": kept,
        "rows left": [item.id for item in left],
        "first": first.decode(),
    }
