"""Calendars are followed: how far each was read, by which channel it tells, and its events."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "calendar_copy",
        *_keys("tenant", "id"),
        *_texts("cursor"),
        *_numbers("begins_at", "ends_at"),
        *_texts("channel", "resource"),
        *_numbers("watched_until", "renew_at"),
        *_texts("old_channel", "old_resource"),
        *_numbers("due_at", "synced_at", "tries", "version"),
        *_texts("error"),
    )
    op.create_index("calendar_copy_channel", "calendar_copy", ["channel"])
    op.create_table(
        "calendar_event",
        *_keys("tenant", "copy", "id"),
        *_texts("etag"),
        *_numbers("starts_at", "ends_at"),
        *_texts("body"),
        *_numbers("synced_at"),
    )


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [
        sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")) for name in names
    ]


def _numbers(*names: str) -> list[sa.Column[int]]:
    zero = sa.text("0")
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default=zero) for name in names]
