"""Causes of failed turns, agents of a tenant's own, and who performs an effect.

An effect names its process, so that only those of a dead one are taken over by another.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and a table; older lines have no cause, and what is being performed no owner."""
    op.add_column("message", Column("cause", Text, nullable=False, server_default=""))
    op.add_column("effect", Column("owner", Text, nullable=False, server_default=""))
    op.create_table(
        "own_agent",
        Column("tenant", Text, primary_key=True, nullable=False),
        Column("name", Text, primary_key=True, nullable=False),
        Column("text", Text, nullable=False, server_default=""),
        Column("saved_by", Text, nullable=False, server_default=""),
        Column("at", BigInteger, nullable=False, server_default="0"),
    )
