"""PostgreSQL: the same scripts, with many processes beside this one.

One connection writes, and all transactions that wait at the moment share one commit. When one of
them fails, or meets another process's row, all are taken back and begun again one by one: that is
why scripts are `@restartable`. A few connections read. Isolation is READ COMMITTED; what makes each
transaction right under it, and the roles, stand in docs/decisions/0005.
Rules: a statement that names a tenant runs as `switchboard_app` behind that tenant's wall, any
other as `switchboard_engine`; nothing is set for longer than a transaction, so a pooler may stand
between; order of `post` and `write` calls is order of commit, as far as this process goes.
"""

import asyncio
import logging
import random
from collections import deque
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as spoken

from bot.core.errors import BotError, StoreError
from bot.store.script import Ask, Restartable, Row, Script

T = TypeVar("T")
log = logging.getLogger(__name__)

DIALECT = spoken.dialect()  # type: ignore[no-untyped-call]
ENGINE, APP = "switchboard_engine", "switchboard_app"
TENANT = "switchboard.tenant"
MAX_BATCH = 128
READERS = 8
RIDE_S = 0.02
"""How long a step that is only posted waits for a commit to ride along with."""
TRIES = 6
"""How often one transaction is begun again when others come in between."""
CONNECT_S = 5.0
STATEMENT_S = 30.0
SHARED_WAIT_MS, LONE_WAIT_MS = 100, 10_000
"""How long a row of another process is waited for: in a shared commit, and alone."""
IDLE_MS = 8_000
"""After it the server takes back a transaction whose process has stopped in the middle: others wait
longer than that for its rows."""
_Item = tuple[Script[Any], "asyncio.Future[Any] | None"]
_RESTART = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
)
_GONE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""The database, not the script: whoever asked is told, and may ask again."""


class Session:
    """One connection inside one transaction, and behind whose wall it stands."""

    def __init__(self, conn: "asyncpg.Connection[Any]", begin: str) -> None:
        self._conn = conn
        self._begin = begin
        self._tenant: str | None = None
        """Behind whose wall; None before the first statement, empty for the engine."""

    async def run(self, script: Script[T], careful: bool = False) -> T:
        """Drive a script; `careful` lets it go on after a statement that failed."""
        steps = iter(script)
        try:
            ask = next(steps)
            while True:
                try:
                    rows = await self._rows(ask, careful)
                except asyncpg.PostgresError as error:
                    if not careful:
                        raise
                    ask = steps.throw(error)
                else:
                    ask = steps.send(rows)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _rows(self, ask: Ask, careful: bool) -> list[Row]:
        sql, names = ask.statement.numbered(DIALECT)
        params = ask.params
        await self._stand(str(params.get("tenant", "")))
        values = [_fit(params[name]) for name in names]
        if not careful:
            found: list[Row] = await self._conn.fetch(sql, *values)
            return found
        await self._conn.execute("SAVEPOINT one")
        try:
            rows: list[Row] = await self._conn.fetch(sql, *values)
        except _GONE:
            raise
        except asyncpg.PostgresError:
            await self._conn.execute("ROLLBACK TO one")
            raise
        await self._conn.execute("RELEASE one")
        return rows

    async def _stand(self, tenant: str) -> None:
        """Go behind the wall of the statement's tenant."""
        if tenant == self._tenant:
            return
        role = APP if tenant else ENGINE
        begin, self._begin = self._begin, ""
        wall = f"SET LOCAL ROLE {role}; SET LOCAL {TENANT} = {quote(tenant)}"
        await self._conn.execute(begin + wall)
        self._tenant = tenant

    async def end(self, how: str) -> None:
        """COMMIT or ROLLBACK, if anything was begun."""
        if not self._begin:
            await self._conn.execute(how)


class _Clean(asyncpg.Connection):  # type: ignore[misc]
    """A reader: nothing that it sets outlives its transaction, so nothing is to be reset."""

    def get_reset_query(self) -> str:
        return ""


class PostgresDatabase:
    """One process's way to the common database."""

    def __init__(self, url: str, *, pooled: bool = False) -> None:
        """`pooled`: a pooler in transaction mode stands between; nothing may outlive a commit."""
        self.url = url
        self._how: dict[str, Any] = {
            "dsn": url,
            "timeout": CONNECT_S,
            "command_timeout": STATEMENT_S,
            "statement_cache_size": 0 if pooled else 1000,
        }
        self._items: deque[_Item] = deque()
        self._wake = asyncio.Event()
        self._awaited = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncpg.Connection[Any] | None = None
        self._readers: asyncpg.Pool[Any] | None = None
        self._closing = False
        self.broken: str = ""
        """Why the last commit failed; empty when the database is well."""

    async def open(self) -> None:
        """Connect and start the writer. Raises StoreError."""
        try:
            self._writer = await asyncpg.connect(**self._how)
            self._readers = await asyncpg.create_pool(
                **self._how, min_size=1, max_size=READERS, connection_class=_Clean
            )
        except (*_GONE, asyncpg.PostgresError) as error:
            raise StoreError(f"Cannot reach the database: {_said(error)}.") from error
        self._task = asyncio.create_task(self._work(), name="store")

    async def close(self) -> None:
        """Finish what waits and let go of every connection."""
        self._closing = True
        self._wake.set()
        self._awaited.set()
        if self._task:
            await self._task
            self._task = None
        if self._readers:
            await self._readers.close()
        if self._writer:
            await self._writer.close()

    async def write(self, script: Script[T]) -> T:
        if self._task is None:
            raise StoreError("The database is not open.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._items.append((script, future))
        self._wake.set()
        self._awaited.set()
        return await future

    def post(self, script: Script[Any]) -> None:
        self._items.append((script, None))
        self._wake.set()

    async def read(self, script: Script[T]) -> T:
        if self._readers is None:
            raise StoreError("The database is not open.")
        try:
            async with self._readers.acquire(timeout=STATEMENT_S) as conn:
                session = Session(conn, "BEGIN READ ONLY; ")
                try:
                    return await session.run(script)
                except _GONE:
                    conn.terminate()  # whatever state it is in, nobody gets it again
                    raise
                finally:
                    if not conn.is_closed():
                        await session.end("ROLLBACK")
        except (*_GONE, asyncpg.PostgresError) as error:
            raise StoreError(f"The database cannot be read: {_said(error)}.") from error

    async def _work(self) -> None:
        """The writer: take all that waits, commit once, tell everyone."""
        while self._items or not self._closing:
            if not self._items:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._ride()
            batch = [self._items.popleft() for _ in range(min(len(self._items), MAX_BATCH))]
            try:
                await self._commit(batch)
            except Exception as error:
                log.exception("The writer stumbled.")
                _tell(batch, error)

    async def _ride(self) -> None:
        """What nobody awaits waits a moment for a commit that somebody does."""
        self._awaited.clear()
        if self._closing or any(future is not None for _, future in self._items):
            return
        try:
            async with asyncio.timeout(RIDE_S):
                await self._awaited.wait()
        except TimeoutError:
            pass

    async def _commit(self, batch: list[_Item]) -> None:
        """Commit together what can be, else one by one."""
        if len(batch) > 1 and all(isinstance(script, Restartable) for script, _ in batch):
            try:
                results = await self._together(batch)
            except StoreError as error:
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

    async def _together(self, batch: list[_Item]) -> list[Any]:
        conn = await self._connection()
        session = Session(conn, _begin(SHARED_WAIT_MS))
        try:
            results = [await session.run(script) for script, _ in batch]
            await session.end("COMMIT")
        except _GONE as error:
            raise await self._lost(error) from error
        except BaseException:
            await self._back(session)
            raise
        self.broken = ""
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
            except _GONE as error:
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
                self.broken = ""
                return result
        raise StoreError("Others were quicker again and again.")

    async def _connection(self) -> "asyncpg.Connection[Any]":
        if self._writer is None or self._writer.is_closed():
            try:
                self._writer = await asyncpg.connect(**self._how)
            except (*_GONE, asyncpg.PostgresError) as error:
                raise await self._lost(error) from error
        return self._writer

    async def _back(self, session: Session) -> None:
        try:
            await session.end("ROLLBACK")
        except (*_GONE, asyncpg.PostgresError) as error:
            await self._lost(error)

    async def _lost(self, error: BaseException) -> StoreError:
        """Let the connection go: whether its last commit was made is not known."""
        if self._writer is not None:
            self._writer.terminate()
            self._writer = None
        self.broken = f"The database cannot be written: {_said(error)}."
        log.error(self.broken)
        return StoreError(self.broken + " Mend it or wait; what was answered is kept.")


def _begin(wait_ms: int) -> str:
    idle = f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}"
    return f"BEGIN; SET LOCAL lock_timeout = {wait_ms}; {idle}; "


def quote(text: str) -> str:
    """A string of SQL (`standard_conforming_strings` is on since PostgreSQL 9.1)."""
    return "'" + text.replace("'", "''") + "'"


def _fit(value: object) -> object:
    """PostgreSQL has no zero byte in its texts."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")


def _settle(future: "asyncio.Future[Any] | None", result: object) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _tell(batch: list[_Item], error: Exception) -> None:
    for _, future in batch:
        if future is None:
            log.error("A posted transaction failed.", exc_info=error)
        elif not future.done():
            future.set_exception(error)
    if not isinstance(error, BotError):
        log.error("A transaction failed.", exc_info=error)
