"""A connection that writes to PostgreSQL: a batch of transactions in one commit, or one by one.

When one of a batch fails, or meets another process's row, all are taken back and begun again one by
one: that is why scripts are `@restartable`. A connection that is lost is made anew by whoever
writes next; whether its last commit was made is not known, and whoever asked is told so.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg

from bot.core.errors import BotError, StoreError
from bot.store.lockstep import side_by_side
from bot.store.postgres_session import GONE, Session, said
from bot.store.script import Restartable, Script

T = TypeVar("T")
Item = tuple[Script[Any], "asyncio.Future[Any] | None"]
"""A transaction, and who waits for it."""
log = logging.getLogger(__name__)

TRIES = 6
"""How often one transaction is begun again when others come in between."""
SHARED_WAIT_MS, LONE_WAIT_MS = 100, 10_000
"""How long a row of another process is waited for: in a shared commit, and alone."""
IDLE_MS = 8_000
"""After it the server takes back a transaction whose process has stopped in the middle: others wait
longer than that for its rows."""
_ARRAYS = "SELECT $1::VARCHAR[], $2::BIGINT[]"
_RESTART = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)


class Health:
    """How the database is, as far as its writers know."""

    def __init__(self) -> None:
        self.broken = ""
        """Why the last commit failed; empty when it did not."""
        self.lost: Callable[[], None] = lambda: None
        """Called when a connection was lost: the next one may be to a copy that lacks commits."""


class Lost(StoreError):
    """The connection to the database is lost. Mend it or wait; what was answered is kept."""


class Writer:
    """One connection."""

    def __init__(self, how: Mapping[str, Any], health: Health) -> None:
        """`how` a connection is made: the arguments of `asyncpg.connect`."""
        self._how = how
        self._health = health
        self._conn: asyncpg.Connection[Any] | None = None

    async def open(self) -> None:
        """Connect. Raises what asyncpg raises."""
        self._conn = await self._connect()

    async def close(self) -> None:
        """Let the connection go."""
        conn, self._conn = self._conn, None
        if conn:
            await conn.close()

    async def commit(self, batch: Sequence[Item]) -> None:
        """Commit together what can be, else one by one, and tell everyone."""
        try:
            await self._commit(batch)
        except Exception as error:
            log.exception("The writer stumbled.")
            _tell(batch, error)

    async def _commit(self, batch: Sequence[Item]) -> None:
        if len(batch) > 1 and all(isinstance(script, Restartable) for script, _ in batch):
            try:
                results = await self._together(batch)
            except Lost as error:
                _tell(batch, error)
                return
            except Exception:  # noqa: BLE001 (told to the one whose it is, below)
                log.debug("A shared commit is taken apart.")
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    _settle(future, result)
                return
        for script, future in batch:
            try:
                _settle(future, await self._alone(script))
            except Exception as error:  # noqa: BLE001 (it belongs to whoever asked)
                _tell([(script, future)], error)

    async def _together(self, batch: Sequence[Item]) -> list[Any]:
        conn = await self._connection()
        session = Session(conn, _begin(SHARED_WAIT_MS))
        try:
            results = await session.together(side_by_side([script for script, _ in batch]))
            await session.end("COMMIT")
        except GONE as error:
            raise await self._lost(error) from error
        except BaseException:
            await self._back(session)
            raise
        self._health.broken = ""
        return results

    async def _alone(self, script: Script[T]) -> T:
        """One transaction of its own, begun again while others come in between."""
        again = isinstance(script, Restartable)
        for n in range(TRIES):
            conn = await self._connection()
            session = Session(conn, _begin(LONE_WAIT_MS))
            try:
                result = await session.run(script, careful=n > 0 or not again)
                await session.end("COMMIT")
            except GONE as error:
                raise await self._lost(error) from error
            except asyncpg.PostgresError as error:
                await self._back(session)
                if isinstance(error, asyncpg.LockNotAvailableError) and n:
                    raise StoreError("Another process holds this for too long.") from error
                if not again or (n and not isinstance(error, _RESTART)) or n == TRIES - 1:
                    raise
                await asyncio.sleep(random.random() * 0.005 * n)
            except BaseException:
                await self._back(session)
                raise
            else:
                self._health.broken = ""
                return result
        raise StoreError("Others were quicker again and again.")

    async def _connection(self) -> "asyncpg.Connection[Any]":
        if self._conn is None or self._conn.is_closed():
            try:
                self._conn = await self._connect()
            except (*GONE, asyncpg.PostgresError) as error:
                raise await self._lost(error) from error
        return self._conn

    async def _connect(self) -> "asyncpg.Connection[Any]":
        """Connect, and let the driver learn its arrays now, outside of every transaction."""
        conn = await asyncpg.connect(**self._how)
        await conn.fetch(_ARRAYS, [], [])
        conn.add_termination_listener(self._gone)
        return conn

    def _gone(self, conn: object) -> None:
        """A connection has ended, and nobody here ended it."""
        if conn is self._conn:
            self._health.lost()

    async def _back(self, session: Session) -> None:
        try:
            await session.end("ROLLBACK")
        except (*GONE, asyncpg.PostgresError) as error:
            await self._lost(error)

    async def _lost(self, error: BaseException) -> Lost:
        """Let the connection go: whether its last commit was made is not known."""
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None
            self._health.lost()
        broken = self._health.broken = f"The database cannot be written: {said(error)}."
        log.error(broken)
        return Lost(broken + " Mend it or wait; what was answered is kept.")


def _begin(wait_ms: int) -> str:
    idle = f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}"
    return f"BEGIN; SET LOCAL lock_timeout = {wait_ms}; {idle}; "


def _settle(future: "asyncio.Future[Any] | None", result: object) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _tell(batch: Sequence[Item], error: Exception) -> None:
    for _, future in batch:
        if future is None:
            bug = None if isinstance(error, Lost) else error
            log.error("A posted transaction failed: %s", said(error), exc_info=bug)
        elif not future.done():
            future.set_exception(error)
    if not isinstance(error, BotError):
        log.error("A transaction failed.", exc_info=error)
