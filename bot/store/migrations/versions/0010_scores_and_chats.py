"""A tenant's score with its history, and the chats in which people want to be told things."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the tables."""
    op.create_table("score", *_keys("tenant"), *_numbers("value", "at"))
    op.create_table(
        "score_change",
        *_keys("tenant", "id"),
        *_texts("reason", "person", "agent"),
        *_numbers("value", "at"),
    )
    op.create_index("score_change_recent", "score_change", ["tenant", "at"])
    op.create_table(
        "saved_chat",
        *_keys("tenant", "person", "channel"),
        *_texts("account", "place", "thread", "name"),
        *_numbers("at"),
    )


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, server_default="") for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in names]
