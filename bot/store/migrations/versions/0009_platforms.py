"""What is answered in a place of a platform outside, and where an app is installed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "place_rule",
        *_keys("tenant", "channel", "workspace", "place"),
        _text("name"),
        _number("mentions", 1),
        _number("everything"),
        _text("changed_by"),
        _number("changed_at"),
    )
    op.create_table(
        "install",
        *_keys("tenant", "channel", "account"),
        *(_text(name) for name in ("app", "team", "team_name", "bot_user", "url")),
        _text("status", "pending"),
        _text("error"),
        _number("enabled", 1),
        _number("manifest"),
        _text("installed_by"),
        _number("installed_at"),
        _number("checked_at"),
        sa.UniqueConstraint("channel", "account"),
    )
    op.create_table(
        "install_state",
        *_keys("tenant", "state_hash"),
        *(_text(name) for name in ("channel", "person", "door")),
        _number("expires_at"),
    )


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in names]


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _number(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=str(default))
