"""Codes that were drawn for questions which are not open yet."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "code_drawn",
        sa.Column("tenant", sa.Text, primary_key=True, nullable=False),
        sa.Column("code", sa.Text, primary_key=True, nullable=False),
        sa.Column("holder", sa.Text, nullable=False, server_default=""),
        sa.Column("at", sa.BigInteger, nullable=False, server_default="0"),
    )
