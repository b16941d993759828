"""A line of a failed turn says why in one word; a tenant keeps agents of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, empty for older lines, and the table."""
    op.add_column("message", sa.Column("cause", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "own_agent",
        sa.Column("tenant", sa.Text, primary_key=True, nullable=False),
        sa.Column("name", sa.Text, primary_key=True, nullable=False),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("saved_by", sa.Text, nullable=False, server_default=""),
        sa.Column("at", sa.BigInteger, nullable=False, server_default="0"),
    )
