"""SQLite: one writer thread with group commit, and a few readers.

Every transaction that waits at the moment shares one commit. Where one of them fails, all begin
again, each inside a savepoint of its own, so that the others stay whole. WAL with
`synchronous=FULL`: when `write` returns, the disk has it. The writer is the only connection that
writes or checkpoints, which also keeps clear of the WAL-reset fault of SQLite before 3.51.3.
Readers are `query_only`.
Rules: nothing waits inside a transaction; a script that raises leaves nothing; order of `post` and
`write` calls is order of commit. Why and how fast: docs/decisions/0002.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from bot.core.errors import BotError, StoreError
from bot.store.script import Ask, Restartable, Row, Script, run
from bot.store.spoilt import is_spoilt, mend_of

T = TypeVar("T")
log = logging.getLogger(__name__)

DIALECT = sqlite_dialect(paramstyle="named")
MAX_BATCH = 256
READERS = 4
RIDE_S = 0.02
"""How long a step that is only posted waits for a commit to ride along with."""
PAUSE_S = 0.1
FEW, MANY = 100, 2000
"""Transactions after which the log is moved into the file: in a pause, and at the latest."""
_GONE = "its file was removed or replaced; put it back, or stop the house"
_Item = tuple[Script[Any], "asyncio.Future[Any] | None"]
_Ended = tuple[Any, BaseException | None]
_Done = tuple["asyncio.Future[Any]", Any, BaseException | None]


def connect(path: str) -> sqlite3.Connection:
    """Open the writing connection."""
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "wal_autocheckpoint=0",
        "temp_store=MEMORY",
        "cache_size=-8000",
    ):
        conn.execute(f"PRAGMA {pragma}")
    return conn


def executor(conn: sqlite3.Connection) -> Callable[[Ask], list[Row]]:
    """Return the function that runs one statement on `conn`."""
    cursor = conn.cursor()

    def execute(ask: Ask) -> list[Row]:
        statement = ask.statement
        if statement.before is not None:
            cursor.execute(statement.before.text(DIALECT), ask.params)
        cursor.execute(statement.text(DIALECT), ask.params)
        return cursor.fetchall() if cursor.description else []

    return execute


class SqliteDatabase:
    """The embedded database of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[list[_Item] | None] = queue.SimpleQueue()
        self._riding: list[_Item] = []
        """What is posted, until something that is awaited goes, or `RIDE_S` is over."""
        self._leaves: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._file: tuple[int, int] | None = None
        self.broken: str = ""
        """Why the last commit failed; empty when the database is well."""
        self._spoilt: sqlite3.Error | None = None
        """What a reader found wrong with the file: nothing more is taken into such a one."""

    async def open(self) -> None:
        """Open the file and start the writer."""
        self._loop = asyncio.get_running_loop()
        try:
            conn = connect(str(self.path))
        except sqlite3.Error as error:
            raise StoreError(f"Cannot open {self.path}: {error}.{mend_of(error)}") from error
        self.path.chmod(0o600)
        self._file = _identity(self.path)
        self._thread = threading.Thread(target=self._work, args=(conn,), name="store", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Finish what waits, checkpoint, close. Readers go first."""
        await asyncio.to_thread(self._readers.shutdown)
        for reader in self._opened:
            reader.close()
        if self._thread:
            self._send()
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
            self._loop = None

    async def write(self, script: Script[T]) -> T:
        if self._loop is None:
            raise StoreError("The database is not open.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._riding.append((script, future))
        self._send()
        return await future

    @property
    def compares(self) -> bool:
        return False

    def post(self, script: Script[Any]) -> None:
        self._riding.append((script, None))
        if len(self._riding) >= MAX_BATCH:
            self._send()
        elif self._leaves is None and self._loop is not None:
            self._leaves = self._loop.call_later(RIDE_S, self._send)

    def _send(self) -> None:
        """Hand all that waits to the writer at once: waking it costs more than most statements."""
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        if self._riding:
            self._queue.put(self._riding)
            self._riding = []

    async def read(self, script: Script[T]) -> T:
        if self._loop is None:
            raise StoreError("The database is not open.")
        return await self._loop.run_in_executor(self._readers, self._read, script)

    def _read(self, script: Script[T]) -> T:
        """Run a script on this thread's own reader, in one transaction."""
        try:
            reader = self._reader()
            reader.execute("BEGIN")
            try:
                return run(script, executor(reader))
            finally:
                reader.execute("COMMIT")
        except sqlite3.Error as error:
            words = f"The database cannot be read: {error}.{mend_of(error)}"
            if is_spoilt(error):
                self._spoilt, self.broken = error, words
            raise StoreError(words) from error

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in ("query_only=ON", "wal_autocheckpoint=0", "busy_timeout=5000"):
                reader.execute(f"PRAGMA {pragma}")
            self._local.reader = reader
            self._opened.append(reader)
        return reader

    def _work(self, conn: sqlite3.Connection) -> None:
        """The writer: take all that waits, commit once, tell everyone."""
        execute = executor(conn)
        logged = 0
        closing = False
        while not closing:
            try:
                first = self._queue.get(timeout=PAUSE_S if logged >= FEW else None)
            except queue.Empty:
                checkpoint(conn, "PASSIVE")
                logged = 0
                continue
            if first is None:
                break
            batch, closing = self._gather(first)
            self._deliver(self._commit(conn, execute, batch))
            logged += len(batch)
            if logged >= MANY:
                checkpoint(conn, "PASSIVE")
                logged = 0
        checkpoint(conn, "TRUNCATE")
        conn.close()

    def _gather(self, batch: list[_Item]) -> tuple[list[_Item], bool]:
        """All that shares the next commit, and whether it is the last one."""
        while len(batch) < MAX_BATCH:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch += more
        return batch, False

    def _commit(
        self, conn: sqlite3.Connection, execute: Callable[[Ask], list[Row]], batch: list[_Item]
    ) -> list[_Done]:
        done: list[_Done] = []
        try:
            if _identity(self.path) != self._file:
                raise sqlite3.OperationalError(_GONE)
            if self._spoilt:
                raise self._spoilt.with_traceback(None)
            conn.execute("BEGIN IMMEDIATE")
            for (_, future), (result, error) in zip(
                batch, _all_well(conn, execute, batch) or _each(conn, execute, batch), strict=True
            ):
                if future is not None:
                    done.append((future, result, error))
                elif error is not None:
                    log.error("A posted transaction failed.", exc_info=error)
            conn.execute("COMMIT")
            self.broken = ""
        except sqlite3.Error as error:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            self.broken = f"The database cannot be written: {error}."
            mend = mend_of(error) or " Mend the disk"
            failure = StoreError(f"{self.broken}{mend}; nothing was accepted.")
            log.error(self.broken)
            return [(future, None, failure) for _, future in batch if future is not None]
        return done

    def _deliver(self, done: list[_Done]) -> None:
        if done and self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, done)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is; what is written to one without a name would be lost."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def checkpoint(conn: sqlite3.Connection, how: str) -> None:
    """Move the log into the file; readers are not disturbed. A full disk keeps the longer log."""
    try:
        conn.execute(f"PRAGMA wal_checkpoint({how})")
    except sqlite3.Error as error:
        log.warning("The log could not be moved into the database: %s", error)


def _all_well(
    conn: sqlite3.Connection, execute: Callable[[Ask], list[Row]], batch: list[_Item]
) -> list[_Ended] | None:
    """All of them without savepoints, which are two statements for each; None, and nothing of them
    is left, where one fails: then each begins again behind one."""
    if not all(isinstance(script, Restartable) for script, _ in batch):
        return None
    try:
        return [(run(script, execute), None) for script, _ in batch]
    except sqlite3.OperationalError:
        raise
    except Exception:  # noqa: BLE001  told by whoever fails again
        conn.execute("ROLLBACK")
        conn.execute("BEGIN IMMEDIATE")
        return None


def _each(
    conn: sqlite3.Connection, execute: Callable[[Ask], list[Row]], batch: list[_Item]
) -> list[_Ended]:
    return [_one(conn, execute, script) for script, _ in batch]


def _one(
    conn: sqlite3.Connection, execute: Callable[[Ask], list[Row]], script: Script[Any]
) -> _Ended:
    conn.execute("SAVEPOINT one")
    try:
        result = run(script, execute)
    except sqlite3.OperationalError:
        raise  # the disk, not the script: the whole batch fails and is told so
    except Exception as error:
        conn.execute("ROLLBACK TO one")
        conn.execute("RELEASE one")
        if not isinstance(error, BotError):
            log.error("A transaction failed.", exc_info=error)
        return None, error
    conn.execute("RELEASE one")
    return result, None


def _settle(done: list[_Done]) -> None:
    for future, result, error in done:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
