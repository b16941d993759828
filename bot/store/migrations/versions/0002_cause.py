"""A line of a failed turn says why in one word."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; older lines have no cause."""
    op.add_column("message", sa.Column("cause", sa.Text, nullable=False, server_default=""))
