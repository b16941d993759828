"""Texts that did not arrive and pictures to clear away are found, and news of mail by its key."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add a column and indexes."""
    zero = sa.Column("cleared", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("sms_message", zero)
    fallen = sa.text("state IN ('undelivered', 'failed')")
    _index("sms_fallen", "sms_message", ["changed_at"], fallen)
    _index("sms_uncleared", "sms_message", ["tenant", "at"], sa.text("media > 0 AND cleared = 0"))
    op.create_index("mail_of_key", "mail_news", ["tenant", "key"])
    op.create_index("mail_recent", "mail_news", ["tenant", "at"])


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
