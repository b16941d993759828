"""Apps that are one agent's own, and the users of a platform with the time of asking."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add a column and a table."""
    op.add_column("install", _text("agent"))
    op.create_table(
        "platform_user",
        *(_text(name, key=True) for name in ("tenant", "channel", "workspace", "ext_id")),
        *(_text(name) for name in ("username", "name", "email")),
        sa.Column("synced_at", sa.BigInteger, nullable=False, server_default="0"),
    )


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    if key:
        return sa.Column(name, sa.Text, primary_key=True, nullable=False)
    return sa.Column(name, sa.Text, nullable=False, server_default="")
