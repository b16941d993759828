"""PostgreSQL: the same scripts, with many processes beside this one.

A few connections write, each one batch of transactions at a time (`postgres_writer.py`), and a few
read. Isolation is READ COMMITTED; what makes each transaction right under it, and the roles, stand
in docs/decisions/0005.
Rules: the next connection that is free takes all that waits; a script whose key another connection
has in hand is left to wait for it, so that scripts of one key keep the order of the calls; a script
without a key is committed after all that was called for before it, and before all that is called
for after it.
Nothing is set for longer than a transaction, so a pooler may stand between.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from bot.core.errors import StoreError
from bot.store.postgres_meaning import compares
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
        self._writers = [Writer(self._how, self._health) for _ in range(WRITERS)]
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._taking = asyncio.Lock()
        """One writer at a time looks what to commit next."""
        self._in_hand: set[str] = set()
        """The keys of what is being committed; the empty one keeps everything else waiting."""
        self._readers: asyncpg.Pool[Any] | None = None
        self._open = self._closing = self._compares = False

    @property
    def compares(self) -> bool:
        """Whether it has pgvector, as it was found when this was opened."""
        return self._compares

    @property
    def broken(self) -> str:
        """Why the last commit failed; empty when the database is well."""
        return self._health.broken

    def on_lost(self, call: Callable[[], None]) -> None:
        """Call this whenever a connection that writes was lost."""
        self._health.lost = call

    async def open(self) -> None:
        """Connect and start the writers. Raises StoreError."""
        try:
            for writer in self._writers:
                await writer.open()
            self._readers = await asyncpg.create_pool(
                **self._how, min_size=1, max_size=READERS, connection_class=_Clean
            )
            async with self._readers.acquire(timeout=STATEMENT_S) as conn:
                self._compares = await compares(conn)
        except (*GONE, asyncpg.PostgresError) as error:
            for writer in self._writers:
                await writer.close()
            raise StoreError(f"Cannot reach the database: {said(error)}.") from error
        self._open = True
        self._tasks = [asyncio.create_task(self._work(w), name="store") for w in self._writers]

    async def close(self) -> None:
        """Finish what waits and let go of every connection."""
        self._closing = True
        self._wake.set()
        for task in self._tasks:
            await task
        self._open = False
        if self._readers:
            await self._readers.close()
        for writer in self._writers:
            await writer.close()

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
                    found = await session.run(script)
                except GONE:
                    with suppress(asyncpg.InterfaceError):  # the pool has let it go already
                        conn.terminate()  # whatever state it is in, nobody gets it again
                    raise
                except BaseException:
                    await session.end("ROLLBACK")
                    raise
                await session.end("ROLLBACK")
                return found
        except (*GONE, asyncpg.PostgresError) as error:
            raise StoreError(f"The database cannot be read: {said(error)}.") from error

    def _put(self, item: Item) -> None:
        self._waiting.append(item)
        self._wake.set()

    async def _work(self, writer: Writer) -> None:
        """One writer: take what may go, commit once, tell everyone."""
        while True:
            async with self._taking:
                batch = await self._next()
            if not batch:
                return
            await writer.commit(batch)
            self._in_hand.difference_update(map(_key, batch))
            self._wake.set()

    async def _next(self) -> list[Item]:
        """What shares the next commit; nothing when the last one is made."""
        while True:
            self._wake.clear()
            if self._waiting:
                await self._ride()
                await self._gather()
                if batch := self._take():
                    return batch
            elif self._closing:
                return []
            await self._wake.wait()

    def _take(self) -> list[Item]:
        """All that need not wait for what is being committed, in its order."""
        batch: list[Item] = []
        others = frozenset(self._in_hand)
        left: deque[Item] = deque()
        while self._waiting and len(batch) < MAX_BATCH and "" not in others:
            item = self._waiting[0]
            key = _key(item)
            if others and not key:
                break
            self._waiting.popleft()
            (left if key in others else batch).append(item)
        self._waiting.extendleft(reversed(left))
        self._in_hand.update(map(_key, batch))
        return batch

    async def _ride(self) -> None:
        """What nobody awaits waits a moment for a commit that somebody does."""
        try:
            async with asyncio.timeout(RIDE_S):
                while not self._closing and not any(
                    future is not None for _, future in self._waiting
                ):
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            pass

    async def _gather(self) -> None:
        """Wait a moment while the process is busy: what it works on may share the commit."""
        loop = asyncio.get_running_loop()
        lull, now = 0, loop.time()
        until = now + GATHER_S
        while lull < LULL and now < until and len(self._waiting) < MAX_BATCH:
            many, began = len(self._waiting), now
            await asyncio.sleep(0)
            now = loop.time()
            lull = lull + 1 if len(self._waiting) == many and now - began < LULL_S else 0


def _key(item: Item) -> str:
    """Whose rows it touches; empty when nobody has said so."""
    return item[0].key if isinstance(item[0], Restartable) else ""
