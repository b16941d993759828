"""What a statement does, as far as running it for many argument sets at once asks for it.

PostgreSQL takes the argument sets of one statement in one go and runs them one after the other;
each sees what those before it did. What comes back is one long list; so the form for many takes
one more value, the number of its argument set, and says it first in every row.

Rows that are added and answer nothing go further: those of several tables are one statement, each
table's rows one text of JSON. Nothing is looked for, so there is no plan that could be a bad one;
and the driver writes a text sooner than an array, of which it looks at every value in Python.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

from sqlalchemy import TableClause
from sqlalchemy.dialects.postgresql import asyncpg as spoken
from sqlalchemy.sql import visitors

from bot.store.script import Statement

DIALECT = spoken.dialect()  # type: ignore[no-untyped-call]
_RETURNING = " RETURNING "
_ONCE = " ON CONFLICT DO NOTHING"
_VALUES = re.compile(rf"(INSERT INTO \w+ \([\w, ]+\)) VALUES \((.*?)\)({_ONCE})?", re.DOTALL)
_PLAIN = frozenset({"VARCHAR", "BIGINT", "INTEGER"})
"""Types of which JSON loses nothing."""
_PLACE = re.compile(r"\$(\d+)(?:::(\w+))?")


@dataclass(frozen=True, slots=True)
class Many:
    """The form for many."""

    sql: str
    answers: bool
    """Whether rows come back. Then the number of the argument set is the last value to give, and
    the first that comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adds:
    """A statement that adds a row, in its parts."""

    into: str
    """With table and columns."""
    values: str
    """What goes in."""
    types: tuple[str, ...]
    """Of its values, in their order."""
    tail: str
    """What is done where the row is there already."""


class Shape:
    """What a statement does."""

    def __init__(self, statement: Statement) -> None:
        self._element: Any = statement.element  # every one can be walked, its type says not
        self._before = statement.before
        self.sql, self.names = statement.numbered(DIALECT)

    @cached_property
    def tables(self) -> frozenset[str]:
        """Every table that it reads or writes."""
        found = visitors.iterate(self._element)
        own = frozenset(part.name for part in found if isinstance(part, TableClause))
        return own | shape(self._before).tables if self._before else own

    @cached_property
    def is_silent(self) -> bool:
        """It adds rows and answers nothing: nobody can tell when, until someone asks the table."""
        return self.sql.startswith("INSERT ") and _RETURNING not in self.sql

    @cached_property
    def is_read(self) -> bool:
        """It reads rows and does nothing to them."""
        return self.sql.startswith("SELECT ") and bool(self.tables) and " FOR " not in self.sql

    @cached_property
    def many(self) -> Many | None:
        """Its form for many argument sets; None when it has none."""
        number = f"${len(self.names) + 1}::BIGINT"
        if self.sql.startswith("SELECT ") and " UNION " not in self.sql:
            return Many(self.sql.replace("SELECT ", f"SELECT {number}, ", 1), answers=True)
        if not self.sql.startswith(("INSERT ", "UPDATE ", "DELETE ", "WITH before AS ")):
            return None
        if _RETURNING not in self.sql:
            return Many(self.sql, answers=False)
        before, after = self.sql.rsplit(_RETURNING, 1)
        return Many(f"{before}{_RETURNING}{number}, {after}", answers=True)

    @cached_property
    def adds(self) -> "Adds | None":
        """What it adds; None where it does more than that: it changes a row that is there."""
        found = _VALUES.fullmatch(self.sql)
        if found is None or "), (" in found[2]:
            return None
        types = dict(_PLACE.findall(found[2]))
        given = tuple(types.get(str(n + 1), "") for n in range(len(self.names)))
        if not given or not _PLAIN.issuperset(given):
            return None
        return Adds(into=found[1], values=found[2], types=given, tail=found[3] or "")


@cache
def shape(statement: Statement) -> Shape:
    """What a statement does; looked at once."""
    return Shape(statement)


@cache
def adding(statements: Sequence[Statement]) -> str:
    """The one statement that adds many rows of each of these; all of them have `adds`.

    It takes a text for each: a JSON list of objects that have its values by their names.
    """
    parts: list[str] = []
    for number, statement in enumerate(statements, 1):
        adds, names = shape(statement).adds, shape(statement).names
        if adds is None:
            raise ValueError(f"It does not only add: {shape(statement).sql}")
        typed = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, adds.types, strict=True))
        values = _PLACE.sub(partial(_named, names), adds.values)
        rows = f"SELECT {values} FROM json_to_recordset(${number}::json) AS v ({typed})"
        parts.append(f"{adds.into} {rows}{adds.tail}")
    *before, last = parts
    together = ", ".join(f"a{n} AS ({part})" for n, part in enumerate(before))
    return f"WITH {together} {last}" if before else last


def _named(names: Sequence[str], place: re.Match[str]) -> str:
    return f'v."{names[int(place[1]) - 1]}"'
