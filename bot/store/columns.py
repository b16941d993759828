"""How a column and a table look here, and the one list of tables.

Text, whole numbers and bytes only; times are microseconds since 1970, UTC. Each table that belongs
to a tenant has `tenant` in every key, so that nothing crosses and not even the existence of another
tenant's row can be felt.
"""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Text, text

metadata = MetaData()


def txt(name: str, *, key: bool = False, null: bool = False, default: str = "") -> Column[str]:
    """A text column; empty rather than missing unless `null`."""
    server = None if null or key else text(f"'{default}'")
    return Column(name, Text, primary_key=key, nullable=null, server_default=server)


def num(name: str, *, key: bool = False, null: bool = False, default: int = 0) -> Column[int]:
    """A whole number; 0 rather than missing unless `null`."""
    server = None if null or key else text(str(default))
    return Column(
        name, BigInteger, primary_key=key, nullable=null, server_default=server, autoincrement=False
    )


def blob(name: str) -> Column[bytes]:
    """A column of bytes, which are always there."""
    return Column(name, LargeBinary, nullable=False)
