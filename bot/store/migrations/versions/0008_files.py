"""Rows of files say where the bytes lie, who may read them, and whether they are all there."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text, text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; what was kept before lies under its tenant and its digest."""
    op.add_column("file", Column("path", Text, nullable=False, server_default=""))
    op.add_column("file", Column("shared", BigInteger, nullable=False, server_default="0"))
    op.add_column("file", Column("state", Text, nullable=False, server_default="kept"))
    op.add_column("file", Column("moved_at", BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE file SET path = tenant || '/' || sha256")
    op.create_index("file_recent", "file", ["tenant", "at", "id"])
    where = text("state != 'kept'")
    op.create_index("file_open", "file", ["moved_at"], sqlite_where=where, postgresql_where=where)
