"""What a statement does, as far as running it for many argument sets at once asks for it.

PostgreSQL takes the argument sets of one statement in one go and runs them one after the other;
each sees what those before it did. What comes back is one long list; so the form for many takes
one more value, the number of its argument set, and says it first in every row.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from sqlalchemy import TableClause
from sqlalchemy.dialects.postgresql import asyncpg as spoken
from sqlalchemy.sql import visitors

from bot.store.script import Statement

DIALECT = spoken.dialect()  # type: ignore[no-untyped-call]
_RETURNING = " RETURNING "


@dataclass(frozen=True, slots=True)
class Many:
    """The form for many."""

    sql: str
    answers: bool
    """Whether rows come back. Then the number of the argument set is the last value to give, and
    the first that comes back."""


class Shape:
    """What a statement does."""

    def __init__(self, statement: Statement) -> None:
        self._element: Any = statement.element  # every one can be walked, its type says not
        self.sql, self.names = statement.numbered(DIALECT)

    @cached_property
    def tables(self) -> frozenset[str]:
        """Every table that it reads or writes."""
        found = visitors.iterate(self._element)
        return frozenset(part.name for part in found if isinstance(part, TableClause))

    @cached_property
    def is_silent(self) -> bool:
        """It adds rows and answers nothing: nobody can tell when, until someone asks the table."""
        return self.sql.startswith("INSERT ") and _RETURNING not in self.sql

    @cached_property
    def many(self) -> Many | None:
        """Its form for many argument sets; None when it has none."""
        number = f"${len(self.names) + 1}::BIGINT"
        if self.sql.startswith("SELECT ") and " UNION " not in self.sql:
            return Many(self.sql.replace("SELECT ", f"SELECT {number}, ", 1), answers=True)
        if not self.sql.startswith(("INSERT ", "UPDATE ", "DELETE ")):
            return None
        if _RETURNING not in self.sql:
            return Many(self.sql, answers=False)
        before, after = self.sql.rsplit(_RETURNING, 1)
        return Many(f"{before}{_RETURNING}{number}, {after}", answers=True)


@cache
def shape(statement: Statement) -> Shape:
    """What a statement does; looked at once."""
    return Shape(statement)
