"""A database of a test's own on the PostgreSQL server that the tests may use.

`BOT_TEST_POSTGRES` is the address of one where databases may be made; by default the one of this
machine. Without a server these tests are skipped.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

asyncpg = pytest.importorskip("asyncpg")

SERVER = os.environ.get("BOT_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def address(name: str) -> str:
    """The address of a database on that server."""
    return urlsplit(SERVER)._replace(path=f"/{name}").geturl()


async def admin(sql: str, url: str = SERVER) -> None:
    """Run one statement as the server's owner."""
    conn = await asyncpg.connect(url, timeout=5)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


async def _there() -> bool:
    try:
        await admin("SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def there() -> bool:
    """Whether there is a server."""
    return asyncio.run(_there())


@asynccontextmanager
async def own_database() -> AsyncIterator[str]:
    """The address of an empty database, which is dropped afterwards."""
    if not await _there():
        pytest.skip(f"There is no PostgreSQL at {SERVER}.")
    name = f"sb_test_{secrets.token_hex(6)}"
    await admin(f"CREATE DATABASE {name}")
    try:
        yield address(name)
    finally:
        await admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
