"""A tenant's word on the tools of MCP servers: what was seen, and what an owner approved."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    texts = ("tool", "seen", "seen_hash", "problem", "pinned", "pinned_hash", "pinned_by")
    op.create_table(
        "mcp_tool",
        *(sa.Column(key, sa.Text, primary_key=True, nullable=False) for key in _KEYS),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in texts),
        sa.Column("at", sa.BigInteger, nullable=False, server_default="0"),
    )


_KEYS = ("tenant", "server", "name")
