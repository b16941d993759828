"""On PostgreSQL the wall around a tenant stands in the database, and not only in our statements."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import BigInteger, LargeBinary, Table

from bot.core.errors import StoreError
from bot.store import postgres_schema
from bot.store.postgres_schema import tables, walled
from bot.store.postgres_session import APP, ENGINE, TENANT
from bot.store.shape import DIALECT
from tests.contract.test_statements import ALLOWED
from tests.postgres import admin, our_database, own_database

asyncpg = pytest.importorskip("asyncpg")

WALLED = sorted(table.name for table in walled())
APPEND_ONLY = ("audit", "audit_seal")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """One whose tables may be changed."""
    async with own_database() as made:
        assert await postgres_schema.upgrade(made) == "new"
        yield made


@pytest.fixture
async def conn() -> AsyncIterator[Any]:
    async with our_database() as url:
        conn = await asyncpg.connect(url)
        yield conn
        await conn.close()


async def become(conn: Any, tenant: str) -> None:
    await conn.execute(f"SET ROLE {APP}; SET {TENANT} = '{tenant}'")


def row_of(table: Table, tenant: str) -> dict[str, object]:
    """Any row that the table takes."""
    return {
        column.name: tenant
        if column.name == "tenant"
        else 1
        if isinstance(column.type, BigInteger)
        else b"bytes"
        if isinstance(column.type, LargeBinary)
        else f"{tenant}-{column.name}"
        for column in table.columns
        if not column.nullable
    }


async def test_the_catalogue_knows_no_table_of_a_tenant_without_a_wall(conn: Any) -> None:
    bare = await conn.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'r' AND a.attname = 'tenant' "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    assert [row[0] for row in bare] == []
    with_tenant = await conn.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'r' AND a.attname = 'tenant' AND c.relnamespace = 'public'::regnamespace"
    )
    assert sorted(row[0] for row in with_tenant) == WALLED


@pytest.mark.parametrize("name", WALLED)
async def test_nothing_of_another_tenant_can_be_read_or_changed(conn: Any, name: str) -> None:
    table = next(table for table in tables() if table.name == name)
    for tenant in ("ten_a", "ten_b"):
        await become(conn, tenant)
        row = row_of(table, tenant)
        if name == "audit":
            del row["seq"]
        places = ", ".join(f"${n + 1}" for n in range(len(row)))
        names = ", ".join(f'"{column}"' for column in row)
        await conn.execute(f"INSERT INTO {name} ({names}) VALUES ({places})", *row.values())
    await become(conn, "ten_a")
    assert await conn.fetchval(f"SELECT count(*) FROM {name}") == 1
    assert await conn.fetchval(f"SELECT count(*) FROM {name} WHERE tenant = 'ten_b'") == 0
    if name not in APPEND_ONLY:
        assert await conn.execute(f"DELETE FROM {name} WHERE tenant = 'ten_b'") == "DELETE 0"
        changed = await conn.execute(f"UPDATE {name} SET tenant = tenant WHERE tenant = 'ten_b'")
        assert changed == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(f"UPDATE {name} SET tenant = 'ten_b'")
    row = row_of(table, "ten_b")
    names = ", ".join(f'"{column}"' for column in row)
    places = ", ".join(f"${n + 1}" for n in range(len(row)))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute(f"INSERT INTO {name} ({names}) VALUES ({places})", *row.values())
    await become(conn, "")
    assert await conn.fetchval(f"SELECT count(*) FROM {name}") == 0


@pytest.mark.parametrize("name", sorted(set(ALLOWED)))
async def test_the_engine_may_do_what_names_no_tenant(conn: Any, name: str) -> None:
    module, _, statement = name.partition(".")
    found = getattr(import_module(f"bot.store.{module}"), statement)
    await conn.execute(f"SET ROLE {ENGINE}")
    sql, _ = found.numbered(DIALECT)
    prepared = await conn.prepare(sql)
    kinds = [parameter.name for parameter in prepared.get_parameters()]
    values = ["x" if kind in ("text", "varchar") else 1 for kind in kinds]
    async with conn.transaction():
        await prepared.fetch(*values)


@pytest.mark.parametrize("role", [ENGINE, APP])
async def test_the_audit_can_only_grow(conn: Any, role: str) -> None:
    await conn.execute(f"SET ROLE {role}")
    for name in APPEND_ONLY:
        for sql in (f"DELETE FROM {name}", f"UPDATE {name} SET tenant = tenant"):
            with pytest.raises(asyncpg.PostgresError, match=r"permission|append-only"):
                await conn.execute(sql)


async def test_a_wall_that_was_taken_down_stops_the_start(url: str) -> None:
    await postgres_schema.check(url)
    await admin("ALTER TABLE message NO FORCE ROW LEVEL SECURITY", url)
    with pytest.raises(StoreError, match="No wall around: message"):
        await postgres_schema.check(url)
    assert await postgres_schema.upgrade(url) == "same"
    await postgres_schema.check(url)


async def test_a_database_that_is_behind_or_ahead_stops_the_start(url: str) -> None:
    await admin("UPDATE release SET version = 1, min_version = 1", url)
    with pytest.raises(StoreError, match="bot db upgrade"):
        await postgres_schema.check(url)
    await admin("UPDATE release SET version = 99, min_version = 99", url)
    with pytest.raises(StoreError, match="newer Switchboard"):
        await postgres_schema.check(url)
    await admin("UPDATE release SET version = 99, min_version = 1", url)
    await postgres_schema.check(url)


async def test_a_database_that_is_behind_is_upgraded_once_by_whoever_comes_first(url: str) -> None:
    await admin("UPDATE release SET version = 2, min_version = 2", url)
    await admin("ALTER TABLE effect DROP COLUMN owner", url)
    await admin("ALTER TABLE memo DROP COLUMN conv, DROP COLUMN event, DROP COLUMN indexed", url)
    await admin("DROP TABLE vector, summary, archive, upkeep", url)
    await admin("DROP TABLE trouble, trouble_fact", url)
    await admin("DROP INDEX feedback_recent, effect_reply, effect_failed, effect_in_doubt", url)
    for name in ("conv", "agent", "model"):
        await admin(f"ALTER TABLE feedback DROP COLUMN {name}", url)
    tables = "mcp_tool, place_rule, install, install_state, score, score_change, saved_chat, "
    tables += "sms_number, sms_thread, sms_opt_out, sms_message, code_miss, code_drawn, "
    tables += "mail_news, mail_block, connection, oauth_deletion, platform_user, calendar_copy, calendar_event, "
    tables += "bookmark, bulletin"
    await admin(f"DROP TABLE {tables}", url)
    for column in ("path", "shared", "state", "moved_at"):
        await admin(f"ALTER TABLE file DROP COLUMN {column} CASCADE", url)
    await admin("DROP INDEX file_recent", url)
    old = "INSERT INTO file VALUES ('ten_1', 'fil_1', 'a', 'text/plain', 4, 'abcd', NULL, 7)"
    await admin(old, url)
    done = await asyncio.gather(*(postgres_schema.upgrade(url) for _ in range(3)))
    assert sorted(done) == ["same", "same", "upgraded"]
    await postgres_schema.check(url)
    await admin("SELECT owner FROM effect", url)
    kept = "SELECT 1 / count(*) FROM file WHERE path = 'ten_1/abcd' AND state = 'kept'"
    await admin(kept, url)


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
async def test_a_role_that_sees_through_walls_stops_the_start(
    url: str, power: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"sb_test_{secrets.token_hex(6)}"
    await admin(f"CREATE ROLE {role} NOLOGIN {power}")
    monkeypatch.setattr(postgres_schema, "APP", role)
    try:
        with pytest.raises(StoreError, match="NOBYPASSRLS"):
            await postgres_schema.check(url)
    finally:
        await admin(f"DROP ROLE {role}")
