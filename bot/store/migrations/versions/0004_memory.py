"""Memos say where they came from; vectors, summaries, archives, and how far upkeep has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _txt(name: str, key: bool = False) -> "sa.Column[str]":
    return sa.Column(
        name, sa.Text, primary_key=key, nullable=False, server_default=None if key else ""
    )


def _num(name: str, key: bool = False) -> "sa.Column[int]":
    return sa.Column(
        name,
        sa.BigInteger,
        primary_key=key,
        nullable=False,
        autoincrement=False,
        server_default=None if key else "0",
    )


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    """Add the columns, with nothing indexed yet, and the tables."""
    op.add_column("memo", _txt("conv"))
    op.add_column("memo", _txt("event"))
    op.add_column("memo", _num("indexed"))
    _index("memo_bare", "memo", "tenant", "at", where="indexed = 0")
    keys = (_txt("tenant", key=True), _txt("kind", key=True), _txt("id", key=True))
    texts = [_txt(name) for name in ("agent", "person", "conv", "model")]
    value = sa.Column("value", sa.LargeBinary, nullable=False)
    op.create_table("vector", *keys, *texts, value, _num("at"))
    _index("vector_owner", "vector", "tenant", "person", "agent", "kind", "at")
    _index("vector_conv", "vector", "tenant", "conv")
    op.create_table(
        "summary",
        *(_txt("tenant", key=True), _txt("conv", key=True), _num("last", key=True)),
        *(_num("first"), _txt("text"), _txt("model"), _num("tainted"), _num("at")),
    )
    op.create_table(
        "archive",
        *(_txt("tenant", key=True), _txt("id", key=True)),
        *(_txt(name) for name in ("conv", "person", "agent", "title", "text")),
        *(_num("first"), _num("last"), _num("lines"), _txt("file"), _num("at")),
        sa.Column("restored_at", sa.BigInteger),
    )
    _index("archive_owner", "archive", "tenant", "person", "at")
    _index("archive_conv", "archive", "tenant", "conv")
    op.create_table(
        "upkeep",
        *(_txt("tenant", key=True), _txt("conv", key=True)),
        *(_num("n"), _num("tries"), _num("due_at")),
    )
    _index("upkeep_due", "upkeep", "due_at", where="due_at > 0")
