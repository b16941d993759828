"""Transactions as scripts: generators that yield statements and are sent rows.

A script does no I/O, so the same one runs on the SQLite writer thread, on a reader, on PostgreSQL
and in the simulation. It either runs to its end and is committed whole, or raises and leaves
nothing. Rows are plain tuples in the order of the statement's columns.

    def title(conv: str) -> Script[str | None]:
        rows = yield Ask(_TITLE, {"conv": conv})
        return rows[0][0] if rows else None
"""

from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import BindParameter, ColumnElement, or_
from sqlalchemy.engine.interfaces import Compiled, Dialect
from sqlalchemy.sql.expression import Executable

T = TypeVar("T")
Value = str | int | bytes | None
Params = dict[str, Value]
Row = tuple[Any, ...]
"""`Any`: what a column holds is known by the statement, a line above each use."""


class Statement:
    """One SQL statement, compiled on first use and then kept as text.

    Values that stand in the statement are written into its text: `state = 'new'` finds the index
    of new rows, while a bound value makes the planner read every row of the tenant.
    """

    __slots__ = ("_element", "_text")

    def __init__(self, element: Executable) -> None:
        self._element = element
        self._text = ""

    def text(self, dialect: Dialect) -> str:
        """The SQL. A process speaks one dialect, so it is compiled once."""
        if not self._text:
            usual: Any = dialect.statement_compiler  # its class is hashable, its stubs say not
            compiler: Any = _writing_values_out(usual)
            self._text = str(compiler(dialect, self._element))
            if "POSTCOMPILE" in self._text:
                raise ValueError(f"Use `one_of` instead of `in_`: {self._text}")
        return self._text


@cache
def _writing_values_out(usual: type[Compiled]) -> type[Compiled]:
    """The dialect's compiler, which binds only what has no value yet."""

    def visit_bindparam(self: Any, param: BindParameter[Any], **how: Any) -> str:
        if param.value is None:
            text: str = usual.visit_bindparam(self, param, **how)  # type: ignore[attr-defined]
            return text
        return str(self.render_literal_value(param.value, param.type))

    return type("WritingValuesOut", (usual,), {"visit_bindparam": visit_bindparam})


def one_of(column: ColumnElement[str], *values: str) -> ColumnElement[bool]:
    """`column IN (…)` with values that are written into the statement."""
    return or_(*(column == value for value in values))


class Ask(NamedTuple):
    """One statement with its values."""

    statement: Statement
    params: Mapping[str, Value]


Script = Generator[Ask, list[Row], T]


class Database(Protocol):
    """Where scripts run."""

    async def write(self, script: Script[T]) -> T:
        """Run one transaction and return after its commit is on the disk."""
        ...

    def post(self, script: Script[Any]) -> None:
        """Run one transaction after those before it; do not wait. A failure is logged."""
        ...

    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads."""
        ...


def run(script: Script[T], execute: Callable[[Ask], list[Row]]) -> T:
    """Drive a script to its end with a function from statement to rows."""
    try:
        ask = next(script)
        while True:
            try:
                rows = execute(ask)
            except Exception as error:  # noqa: BLE001 (the script may have a word about it)
                ask = script.throw(error)
            else:
                ask = script.send(rows)
    except StopIteration as stop:
        result: T = stop.value
        return result
