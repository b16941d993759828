"""Text messages: our numbers, threads, who opted out, what was sent; and wrong codes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables."""
    _make("sms_number", "tenant number", "account sid label purpose state", "is_default at")
    _make("sms_thread", "tenant number contact", "last", "heard said heard_at last_at")
    op.create_index("sms_recent", "sms_thread", ["tenant", "last_at"])
    _make("sms_opt_out", "tenant contact number", "state how ref", "at")
    texts = "sid way number contact kind answers state error"
    _make("sms_message", "tenant id", texts, "rank segments media at changed_at")
    op.create_index("sms_sid", "sms_message", ["tenant", "sid"])
    op.create_index("sms_of_thread", "sms_message", ["tenant", "number", "contact", "at"])
    _make("code_miss", "tenant channel account sender event", "", "at")


def _make(table: str, keys: str, texts: str, numbers: str) -> None:
    op.create_table(
        table,
        *(sa.Column(name, sa.Text, primary_key=True, nullable=False) for name in keys.split()),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in texts.split()),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
            for name in numbers.split()
        ),
    )
