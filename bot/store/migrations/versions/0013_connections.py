"""Accounts at services; what a browser that was sent to one comes back with."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the tables, and three columns."""
    op.create_table(
        "connection",
        *_keys("tenant id"),
        *_texts("provider agent account name"),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        *_texts("error asked granted client config"),
        *_numbers("renewed expires_at refresh_until token_at due_at retry_at tries renewing_at"),
        *_numbers("version told"),
        *_texts("connected_by"),
        *_numbers("connected_at checked_at"),
        sa.UniqueConstraint("tenant", "provider", "agent"),
    )
    op.create_table(
        "oauth_deletion",
        *_keys("code"),
        *_texts("provider state"),
        *_numbers("removed asked_at done_at"),
    )
    for column in _texts("agent back scopes"):
        op.add_column("install_state", column)


def _keys(names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in names.split()]


def _texts(names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names.split()]


def _numbers(names: str) -> list[sa.Column[int]]:
    return [
        sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in names.split()
    ]
