"""An opinion says whose answer it was and which model; a reply is found by its reference."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
REPLY = sa.text("kind = 'reply'")


def upgrade() -> None:
    """Add the columns, empty for older opinions, and both indexes."""
    for name in ("conv", "agent", "model"):
        op.add_column("feedback", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index("feedback_recent", "feedback", ["tenant", "at"])
    op.create_index(
        "effect_reply",
        "effect",
        ["tenant", "vendor_ref"],
        sqlite_where=REPLY,
        postgresql_where=REPLY,
    )
