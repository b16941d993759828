"""What an owner must know of, and the deeds and events that it was seen in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make both tables, and the indexes that failed and doubtful deeds are found by."""
    op.create_table(
        "trouble",
        _text("tenant", key=True),
        _text("id", key=True),
        *(_text(name) for name in ("cause", "kind", "subject", "title", "step", "command", "href")),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        *(_number(name) for name in ("count", "told", "first_at", "last_at")),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_table(
        "trouble_fact",
        _text("tenant", key=True),
        _text("ref", key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        _text("trouble"),
        _number("noted_at"),
    )
    op.create_index("trouble_facts", "trouble_fact", ["tenant", "trouble"])
    _partial("trouble_open", "trouble", ["tenant", "cause"], "open", unique=True)
    _partial("effect_failed", "effect", ["ended_at"], "failed")
    _partial("effect_in_doubt", "effect", ["started_at"], "in_doubt")


def _text(name: str, *, key: bool = False) -> "sa.Column[str]":
    default = None if key else ""
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, server_default=default)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _partial(name: str, table: str, columns: list[str], state: str, unique: bool = False) -> None:
    where = sa.text(f"state = '{state}'")
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
