"""Transactions as scripts: generators that yield statements and are sent rows.

A script does no I/O, so the same one runs on the SQLite writer thread, on a reader, on PostgreSQL
and in the simulation. It either runs to its end and is committed whole, or raises and leaves
nothing. Rows are plain tuples in the order of the statement's columns.

    def title(conv: str) -> Script[str | None]:
        rows = yield Ask(_TITLE, {"conv": conv})
        return rows[0][0] if rows else None

A script that writes is `@restartable`: a database with several writers may have to begin it again.
"""

from collections.abc import Callable, Generator, Mapping
from functools import cache, partial, wraps
from types import TracebackType
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

from sqlalchemy import BindParameter, ColumnElement, or_
from sqlalchemy.engine.interfaces import Compiled, Dialect
from sqlalchemy.sql.expression import Executable

P = ParamSpec("P")
T = TypeVar("T")
Value = str | int | bytes | None
Params = dict[str, Value]
Row = tuple[Any, ...]
"""`Any`: what a column holds is known by the statement, a line above each use."""


class Statement:
    """One SQL statement, made and compiled on first use and then kept as text.

    It is given as a function that makes it (`lambda: select(…)`): there are hundreds, of which a
    start runs a few dozen. Those that every start runs may stand there.

    Values that stand in the statement are written into its text: `state = 'new'` finds the index
    of new rows, while a bound value makes the planner read every row of the tenant.
    """

    __slots__ = ("_given", "_numbered", "_text", "before")

    def __init__(
        self, element: Executable | Callable[[], Executable], before: "Statement | None" = None
    ) -> None:
        """`before` is changed first, by values of the same names, and answers nothing. PostgreSQL
        does both in one, so this one may not look at what that one changes."""
        self._given = element
        self.before = before
        self._text = ""
        self._numbered: tuple[str, tuple[str, ...]] | None = None

    @property
    def element(self) -> Executable:
        """The statement itself."""
        if not isinstance(self._given, Executable):
            self._given = self._given()
        return self._given

    def text(self, dialect: Dialect) -> str:
        """The SQL with named values (`:name`), compiled once."""
        if not self._text:
            self._text = str(self._compile(dialect))
        return self._text

    def numbered(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        """The SQL with numbered values (`$1`) and the name of each, compiled once."""
        if self._numbered is None:
            compiled = self._compile(dialect, with_before=True)
            self._numbered = str(compiled), tuple(compiled.positiontup or ())
        return self._numbered

    def _compile(self, dialect: Dialect, with_before: bool = False) -> Any:
        usual: Any = dialect.statement_compiler  # its class is hashable, its stubs say not
        compiler: Any = _writing_values_out(usual)
        element: Any = self.element
        if with_before and self.before is not None:
            before: Any = self.before.element
            element = element.add_cte(before.cte("before"))
        compiled = compiler(dialect, element)
        if "POSTCOMPILE" in str(compiled):
            raise ValueError(f"Use `one_of` instead of `in_`: {compiled}")
        return compiled


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
Proof = tuple[Ask, list[Row]]
"""A question, and the rows that it has where the script comes to its end."""


class Restartable(Generator[Ask, list[Row], T]):
    """A script that can be run from its start as often as needed: `iter` makes a fresh run."""

    __slots__ = ("_make", "_run", "key", "proves")

    def __init__(
        self, make: Callable[[], Script[T]], key: str = "", proves: "Proof | None" = None
    ) -> None:
        self._make = make
        self.key = key
        """Whose rows it touches; empty when nobody has said so."""
        self.proves = proves
        """What it fails without, so that whoever shares its commit before it need not ask."""
        self._run: Script[T] | None = None

    def __iter__(self) -> Script[T]:
        return self._make()

    def send(self, rows: Any) -> Ask:
        """Go on with a run of its own."""
        self._run = self._run or self._make()
        return self._run.send(rows)

    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None) -> Ask:
        """Raise inside that run."""
        self._run = self._run or self._make()
        return self._run.throw(kind if value is None else value)


def restartable(make: Callable[P, Script[T]]) -> Callable[P, Script[T]]:
    """Let a database begin this script again when another writer came in between."""

    @wraps(make)
    def prepare(*args: P.args, **kwargs: P.kwargs) -> Script[T]:
        return Restartable(partial(make, *args, **kwargs))

    return prepare


def restartable_by(
    key: Callable[..., str], proves: Callable[..., Proof | None] = lambda *_: None
) -> Callable[[Callable[P, Script[T]]], Callable[P, Script[T]]]:
    """The same for a script that may run beside others; `key` says of its arguments whose it is.

    Scripts of one key keep their order. Those of two keys may take turns, statement by statement:
    such a script reads and changes rows of its key alone, and new rows, which anybody may add.
    `proves` says what it fails without.
    """

    def mark(make: Callable[P, Script[T]]) -> Callable[P, Script[T]]:
        @wraps(make)
        def prepare(*args: P.args, **kwargs: P.kwargs) -> Script[T]:
            made = partial(make, *args, **kwargs)
            return Restartable(made, key(*args, **kwargs), proves(*args, **kwargs))

        return prepare

    return mark


class Database(Protocol):
    """Where scripts run."""

    async def write(self, script: Script[T]) -> T:
        """Run one transaction and return after its commit is on the disk.

        Scripts of one key, and those without a key and all others, commit in the order of calls.
        """
        ...

    def post(self, script: Script[Any]) -> None:
        """Run one transaction after those before it; do not wait. A failure is logged."""
        ...

    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads."""
        ...

    @property
    def compares(self) -> bool:
        """Whether it compares vectors itself (`vectors.nearest`)."""
        ...


def run(script: Script[T], execute: Callable[[Ask], list[Row]]) -> T:
    """Drive a script to its end with a function from statement to rows."""
    script = iter(script)
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
