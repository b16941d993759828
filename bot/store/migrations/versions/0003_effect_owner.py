"""Effects name the process that performs them, so that only those of a dead one are taken over."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; whatever was being performed has no owner, and is taken over."""
    op.add_column("effect", Column("owner", Text, nullable=False, server_default=""))
