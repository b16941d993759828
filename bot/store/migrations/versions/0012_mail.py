"""E-mail: what became of what was sent, and addresses that are written to no more."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the tables."""
    _make("mail_news", ("tenant", "id"), ("address", "state", "key", "detail"))
    _make("mail_block", ("tenant", "address"), ("state", "detail"))


def _make(table: str, keys: tuple[str, ...], texts: tuple[str, ...]) -> None:
    op.create_table(
        table,
        *(sa.Column(key, sa.Text, primary_key=True, nullable=False) for key in keys),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in texts),
        sa.Column("at", sa.BigInteger, nullable=False, server_default="0"),
    )
