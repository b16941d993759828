"""Inserts that meet a row of the same key: both databases understand the same clause.

SQLAlchemy has a clause of its own for each database; the one of SQLite lacks a single attribute
that PostgreSQL's compiler asks for, and importing PostgreSQL's costs a start 70 ms.
"""

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.dml import Insert


def insert_once(table: Table, *names: str) -> Insert:
    """Insert the named columns; do nothing when a row has one of its unique keys already."""
    made = insert(table).values({name: bindparam(name) for name in names})
    return portable(made.on_conflict_do_nothing())


def insert_over(table: Table, *names: str) -> Insert:
    """Insert the named columns; over the row that has the same primary key already."""
    made = insert(table).values({name: bindparam(name) for name in names})
    keys = [column.name for column in table.primary_key]
    new = {name: made.excluded[name] for name in names if name not in keys}
    return portable(made.on_conflict_do_update(index_elements=keys, set_=new))


def portable(element: Insert) -> Insert:
    """Let both databases compile the clause of an insert that meets a row of the same key."""
    clause = element._post_values_clause
    clause.constraint_target = None  # type: ignore[union-attr]
    return element
