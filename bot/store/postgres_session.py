"""One PostgreSQL connection inside one transaction: roles, walls, and scripts that run in it.

A statement that names a tenant runs as `switchboard_app` behind that tenant's wall, any other as
`switchboard_engine`; nothing is set for longer than the transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import asyncpg

from bot.store.lockstep import Params, Round, Rounds, Rows
from bot.store.rows import dumps
from bot.store.script import Ask, Row, Script, Value
from bot.store.shape import DIALECT, adding, shape

T = TypeVar("T")

ENGINE, APP = "switchboard_engine", "switchboard_app"
TENANT = "switchboard.tenant"
GONE = (
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

    async def together(self, rounds: Rounds) -> list[Any]:
        """Drive scripts that run side by side."""
        try:
            this = next(rounds)
            while True:
                this = rounds.send(await self._round(this))
        except StopIteration as stop:
            results: list[Any] = stop.value
            return results

    async def _round(self, this: Round) -> Rows:
        """Run a statement for each of its argument sets, in one round trip."""
        what = shape(this.statement)
        if this.also or (what.adds and len(this.params) > 1):
            await self._add(this)
            return [[] for _ in this.params]
        if len(this.params) == 1 or what.many is None:
            asks = [Ask(this.statement, params) for params in this.params]
            return [await self._rows(ask, careful=False) for ask in asks]
        await self._stand(this.tenant)
        sets = [_fit(params[name] for name in what.names) for params in this.params]
        found: Rows = [[] for _ in sets]
        if not what.many.answers:
            await self._conn.executemany(what.many.sql, sets)
            return found
        for n, values in enumerate(sets):
            values.append(n)
        for row in await self._conn.fetchmany(what.many.sql, sets):
            found[row[0]].append(row[1:])
        return found

    async def _add(self, this: Round) -> None:
        """Add rows to several tables, in one round trip where each statement only adds."""
        parts = sorted(((this.statement, this.params), *this.also), key=lambda p: shape(p[0]).sql)
        simple = [part for part in parts if shape(part[0]).adds]
        for statement, params in parts:
            if not shape(statement).adds:
                await self._round(Round(this.tenant, statement, params))
        if not simple:
            return
        await self._stand(this.tenant)
        sql = adding(tuple(statement for statement, _ in simple))
        await self._conn.fetch(sql, *(_written(sets) for _, sets in simple))

    async def _rows(self, ask: Ask, careful: bool) -> list[Row]:
        sql, names = ask.statement.numbered(DIALECT)
        params = ask.params
        await self._stand(str(params.get("tenant", "")))
        values = _fit(params[name] for name in names)
        if not careful:
            found: list[Row] = await self._conn.fetch(sql, *values)
            return found
        await self._conn.execute("SAVEPOINT one")
        try:
            rows: list[Row] = await self._conn.fetch(sql, *values)
        except GONE:
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


def said(error: BaseException) -> str:
    """What went wrong, to stand within a sentence."""
    if isinstance(error, asyncpg.InternalClientError):  # a driver's words about its own states
        return "a connection was lost in the middle of a statement"
    return (str(error) or type(error).__name__).rstrip(".")


def quote(text: str) -> str:
    """A string of SQL (`standard_conforming_strings` is on since PostgreSQL 9.1)."""
    return "'" + text.replace("'", "''") + "'"


def _written(sets: Sequence[Params]) -> str:
    """Rows to be added, as JSON; the server takes of each what it has columns for."""
    text = dumps(sets)
    if "\\u0000" not in text:
        return text
    return dumps([dict(zip(params, _fit(params.values()), strict=True)) for params in sets])


def _fit(values: Iterable[Value]) -> list[Value]:
    """PostgreSQL has no zero byte in its texts."""
    return [
        value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value
        for value in values
    ]
