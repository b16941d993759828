"""The real transactions and the real group commit, on SQLite in memory, without a thread.

`Disk` outlives the process that writes to it; an `InlineDatabase` is one process's connection and
holds what is queued, which dies with it. `Weather` may make a commit slow, fail, or fail to tell
that it succeeded. Savepoints and batches are those of `bot/store/sqlite.py`.
"""

import asyncio
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bot.core.errors import StoreError
from bot.store import fresh, schema
from bot.store.script import Script, run
from bot.store.sqlite import SqliteDatabase, executor

T = TypeVar("T")


@cache
def blank() -> bytes:
    """An empty database of ours, as bytes."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.statements():
        conn.execute(statement)
    return conn.serialize()


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "house.db"
        assert schema.prepare(path) == "new"
        return path.read_bytes()


def lay(path: Path) -> None:
    """What `schema.prepare` does. The file that it makes is made once, and copied for every test."""
    if not fresh.may_be_made(path):
        schema.prepare(path)
        return
    path.write_bytes(_file())
    path.chmod(0o600)


class Weather(Protocol):
    """What the disk does."""

    def delay_s(self) -> float:
        """How long the next commit or read takes."""
        ...

    def commit(self) -> str:
        """`ok`; `refused`: nothing is written; `silent`: all is written and nobody is told."""
        ...


class Calm:
    """A disk that never fails."""

    def delay_s(self) -> float:
        return 0.0

    def commit(self) -> str:
        return "ok"


class Disk:
    """What stays."""

    def __init__(self, image: bytes | None = None) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.conn.deserialize(image or blank())
        self.execute = executor(self.conn)

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows, as an outsider sees them."""
        return self.conn.execute(sql, values).fetchall()

    def now(self, script: Script[T]) -> T:
        """Run a script at once, as a transaction of nobody's."""
        self.conn.execute("BEGIN")
        try:
            result = run(script, self.execute)
        except BaseException:
            self.conn.execute("ROLLBACK")
            raise
        self.conn.execute("COMMIT")
        return result


class InlineDatabase(SqliteDatabase):
    """One process's connection to a disk."""

    def __init__(self, disk: Disk | None = None, weather: Weather | None = None) -> None:
        super().__init__(Path(":memory:"))
        self.disk = disk or Disk()
        self._weather = weather or Calm()
        self._items: list[tuple[Script[Any], asyncio.Future[Any] | None]] = []
        self._due = False

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """It needs none."""

    async def write(self, script: Script[T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(script, future)
        return await future

    def post(self, script: Script[Any]) -> None:
        self._put(script, None)

    async def read(self, script: Script[T]) -> T:
        await asyncio.sleep(self._weather.delay_s())
        self.disk.conn.execute("PRAGMA query_only=ON")
        try:
            return run(script, self.disk.execute)
        except sqlite3.Error as error:
            raise StoreError(f"The database cannot be read: {error}.") from error
        finally:
            self.disk.conn.execute("PRAGMA query_only=OFF")

    def _put(self, script: Script[Any], future: "asyncio.Future[Any] | None") -> None:
        self._items.append((script, future))
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(self._weather.delay_s(), self._flush)

    def _flush(self) -> None:
        batch, self._items, self._due = self._items, [], False
        weather = self._weather.commit()
        answered = [future for _, future in batch if future is not None]
        if weather == "refused":
            done = [(future, None, StoreError("The disk is full.")) for future in answered]
        else:
            done = self._commit(self.disk.conn, self.disk.execute, batch)
        if weather == "silent":
            done = [(future, None, StoreError("The answer was lost.")) for future in answered]
        asyncio.get_running_loop().call_later(self._weather.delay_s(), _tell, done)


def _tell(done: "list[tuple[asyncio.Future[Any], Any, BaseException | None]]") -> None:
    for future, result, error in done:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
