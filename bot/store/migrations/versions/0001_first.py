"""The schema of the first release, which a new database is made with at once."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: `bot/store/schema.py` has made it."""
