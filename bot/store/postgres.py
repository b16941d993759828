"""PostgreSQL: the same scripts, with many processes beside this one.

A few connections write, each one batch of transactions at a time (`postgres_writer.py`), and a few
read. Isolation is READ COMMITTED; what makes each transaction right under it, and the roles, stand
in docs/decisions/0005.
Rules: scripts of one key go to one connection, in the order of the calls; a script without a key
is committed after all that was called for before it, and before all that is called for after it.
Nothing is set for longer than a transaction, so a pooler may stand between.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar
from zlib import crc32

import asyncpg

from bot.core.errors import StoreError
from bot.store.postgres_session import GONE, Session, said
from bot.store.postgres_writer import Health, Item, Writer
from bot.store.script import Restartable, Script

T = TypeVar("T")

MAX_BATCH = 128
READERS = 8
WRITERS = 2
"""So that one half of the turns can think while the other half is written."""
RIDE_S = 0.02
"""How long a step that is only posted waits for a commit to ride along with."""
_EVICT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = session_user AND application_name = ANY($1)"
)
GATHER_S = 0.002
"""How long a commit waits at most for others to share it, while the process is busy."""
LULL, LULL_S = 3, 0.00008
"""So many rounds of the loop in which nothing came and, as short as they are, nothing was done."""
CONNECT_S = 5.0
STATEMENT_S = 30.0


class _Line:
    """A writer, and what waits for it."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.items: deque[Item] = deque()
        self.wake = asyncio.Event()
        self.is_busy = False
        self.task: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        return not self.items and not self.is_busy


class _Clean(asyncpg.Connection):  # type: ignore[misc]
    """A reader: nothing that it sets outlives its transaction, so nothing is to be reset."""

    def get_reset_query(self) -> str:
        return ""


class PostgresDatabase:
    """One process's way to the common database."""

    def __init__(self, url: str, *, pooled: bool = False, name: str = "") -> None:
        """`pooled`: a pooler in transaction mode stands between; nothing may outlive a commit.

        `name`: what the server calls its connections; others can close them by it.
        """
        self.url = url
        self._how: dict[str, Any] = {
            "dsn": url,
            "timeout": CONNECT_S,
            "command_timeout": STATEMENT_S,
            "statement_cache_size": 0 if pooled else 1000,
            "server_settings": {"application_name": name or "switchboard"},
        }
        self._health = Health()
        self._lines = [_Line(Writer(self._how, self._health)) for _ in range(WRITERS)]
        self._behind: deque[Item] = deque()
        """What comes after all that the lines have, in its order."""
        self._in_order = False
        """The first line commits what stood there: nothing may overtake it."""
        self._readers: asyncpg.Pool[Any] | None = None
        self._open = self._closing = False

    @property
    def broken(self) -> str:
        """Why the last commit failed; empty when the database is well."""
        return self._health.broken

    async def open(self) -> None:
        """Connect and start the writers. Raises StoreError."""
        try:
            for line in self._lines:
                await line.writer.open()
            self._readers = await asyncpg.create_pool(
                **self._how, min_size=1, max_size=READERS, connection_class=_Clean
            )
        except (*GONE, asyncpg.PostgresError) as error:
            for line in self._lines:
                await line.writer.close()
            raise StoreError(f"Cannot reach the database: {said(error)}.") from error
        self._open = True
        for line in self._lines:
            line.task = asyncio.create_task(self._work(line), name="store")

    async def close(self) -> None:
        """Finish what waits and let go of every connection."""
        self._closing = True
        self._wake()
        for line in reversed(self._lines):
            if line.task:
                await line.task
        self._open = False
        if self._readers:
            await self._readers.close()
        for line in self._lines:
            await line.writer.close()

    async def evict(self, names: Sequence[str]) -> int:
        """Close the connections of these processes, so that their rows are free; returns how many.

        The server itself lets a silent one keep its locks: its limit on idle transactions does not
        count while it waits for the second half of a statement. Raises StoreError.
        """
        if self._readers is None:
            raise StoreError("The database is not open.")
        try:
            async with self._readers.acquire(timeout=STATEMENT_S) as conn:
                return len(await conn.fetch(_EVICT, list(names)))
        except (*GONE, asyncpg.PostgresError) as error:
            raise StoreError(f"Nobody's connections can be closed: {said(error)}.") from error

    async def write(self, script: Script[T]) -> T:
        if not self._open:
            raise StoreError("The database is not open.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put((script, future))
        return await future

    def post(self, script: Script[Any]) -> None:
        self._put((script, None))

    async def read(self, script: Script[T]) -> T:
        if self._readers is None:
            raise StoreError("The database is not open.")
        try:
            async with self._readers.acquire(timeout=STATEMENT_S) as conn:
                session = Session(conn, "BEGIN READ ONLY; ")
                try:
                    return await session.run(script)
                except GONE:
                    conn.terminate()  # whatever state it is in, nobody gets it again
                    raise
                finally:
                    if not conn.is_closed():
                        await session.end("ROLLBACK")
        except (*GONE, asyncpg.PostgresError) as error:
            raise StoreError(f"The database cannot be read: {said(error)}.") from error

    def _put(self, item: Item) -> None:
        key = item[0].key if isinstance(item[0], Restartable) else ""
        if not key or self._behind or self._in_order or self._closing:
            self._behind.append(item)
            self._wake()
            return
        line = self._lines[crc32(key.encode()) % len(self._lines)]
        line.items.append(item)
        line.wake.set()

    def _wake(self) -> None:
        for line in self._lines:
            line.wake.set()

    async def _work(self, line: _Line) -> None:
        """One writer: take all that waits, commit once, tell everyone."""
        while True:
            line.wake.clear()
            if line.items:
                await self._commit(line, line.items)
                self._lines[0].wake.set()
            elif line is self._lines[0] and all(other.is_idle for other in self._lines):
                if self._behind:
                    self._in_order = True
                    await self._commit(line, self._behind)
                    self._in_order = False
                elif self._closing:
                    return
                else:
                    await line.wake.wait()
            elif self._closing and line is not self._lines[0]:
                return
            else:
                await line.wake.wait()

    async def _commit(self, line: _Line, items: deque[Item]) -> None:
        line.is_busy = True
        await self._ride(line, items)
        await self._gather(items)
        batch = [items.popleft() for _ in range(min(len(items), MAX_BATCH))]
        await line.writer.commit(batch)
        line.is_busy = False

    async def _ride(self, line: _Line, items: deque[Item]) -> None:
        """What nobody awaits waits a moment for a commit that somebody does."""
        try:
            async with asyncio.timeout(RIDE_S):
                while not self._closing and not _awaited(items) and not _awaited(self._behind):
                    line.wake.clear()
                    await line.wake.wait()
        except TimeoutError:
            pass

    async def _gather(self, items: deque[Item]) -> None:
        """Wait a moment while the process is busy: what it works on may share the commit."""
        loop = asyncio.get_running_loop()
        lull, now = 0, loop.time()
        until = now + GATHER_S
        while lull < LULL and now < until and len(items) < MAX_BATCH:
            many, began = len(items), now
            await asyncio.sleep(0)
            now = loop.time()
            lull = lull + 1 if len(items) == many and now - began < LULL_S else 0


def _awaited(items: deque[Item]) -> bool:
    return any(future is not None for _, future in items)
