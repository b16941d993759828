"""The schema on PostgreSQL: the same tables, two roles, and a wall around each tenant's rows.

A start only looks: it refuses a database that is behind, newer, or without its walls. `bot db
upgrade` makes and changes tables, under an advisory lock, as the user of the address (who owns them
and may make roles). `release` holds the schema's version and the oldest program that may still run
beside it.
"""

import logging
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.core.errors import StoreError
from bot.store.columns import metadata
from bot.store.postgres import APP, DIALECT, ENGINE, TENANT
from bot.store.schema import SEALED, VERSION, migrations_between
from bot.store.settled import AUDIT_LOCK
from bot.store.tables_shared import shared

log = logging.getLogger(__name__)

UPGRADE_LOCK = 5_172_001
"""The advisory lock of an upgrade."""
ENGINE_TABLES = frozenset(
    {"approval", "audit", "audit_seal", "conv", "dek", "effect", "file", "fire", "inbox", "login"}
    | {"meta", "own_agent", "pairing", "schedule", "session", "tenant", "token", "person"}
    | {"upkeep"}
    | {"trouble", "trouble_fact"}
)
"""What statements that name no tenant may touch: sweeps, the clock, the doors."""


def tables() -> list[Table]:
    """All of them, those that processes share as well."""
    return [*metadata.sorted_tables, *shared.sorted_tables]


def walled() -> list[Table]:
    """Those whose rows belong to a tenant."""
    return [table for table in tables() if "tenant" in table.c]


def statements() -> list[str]:
    """Every statement that makes an empty database ours."""
    made = []
    for table in tables():
        text = str(CreateTable(table).compile(dialect=DIALECT))
        made.append(text.replace(" TEXT", ' TEXT COLLATE "C"'))
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            where = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = where
            made.append(str(CreateIndex(index).compile(dialect=DIALECT)))
    made.append("CREATE TABLE release (version integer NOT NULL, min_version integer NOT NULL)")
    made.append(f"INSERT INTO release VALUES ({VERSION}, {VERSION})")
    return made + _sealing()


def _sealing() -> list[str]:
    """The audit is append-only, and whoever writes it holds a lock that the sealer waits for."""
    made = [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
        "CREATE FUNCTION hold_audit() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_advisory_xact_lock_shared({AUDIT_LOCK}); RETURN NULL; END $$",
        "CREATE TRIGGER audit_held BEFORE INSERT ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION hold_audit()",
    ]
    made += [
        f"CREATE TRIGGER {table}_sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
        for table in SEALED
    ]
    return made


def walls() -> list[str]:
    """Roles, rights and row-level security; may be run again."""
    made = [
        f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        for role in (ENGINE, APP)
    ]
    made += [
        f"DO $$ BEGIN IF NOT pg_has_role('{role}', 'MEMBER') THEN "
        f"GRANT {role} TO CURRENT_USER; END IF; END $$"
        for role in (ENGINE, APP)
    ]
    made.append(f"GRANT SELECT ON release TO {ENGINE}")
    made += [f"GRANT USAGE ON SCHEMA public TO {role}" for role in (ENGINE, APP)]
    for table in tables():
        rights = "SELECT, INSERT" if table.name in SEALED else "SELECT, INSERT, UPDATE, DELETE"
        if table.name in ENGINE_TABLES or table.metadata is shared:
            made.append(f"GRANT {rights} ON {table.name} TO {ENGINE}")
        if "tenant" in table.c:
            made += _wall(table.name, rights)
    made += [f"GRANT USAGE ON SEQUENCE audit_seq_seq TO {role}" for role in (ENGINE, APP)]
    return made


def _wall(name: str, rights: str) -> list[str]:
    mine = f"tenant = current_setting('{TENANT}', true)"
    made = [
        f"GRANT {rights} ON {name} TO {APP}",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS own ON {name}",
        f"CREATE POLICY own ON {name} TO {APP} USING ({mine}) WITH CHECK ({mine})",
    ]
    if name in ENGINE_TABLES:
        made.append(f"DROP POLICY IF EXISTS every ON {name}")
        made.append(f"CREATE POLICY every ON {name} TO {ENGINE} USING (true) WITH CHECK (true)")
    return made


async def version_of(url: str) -> int:
    """The schema of a database; 0 when it has none. Raises StoreError."""
    conn = await _connect(url)
    try:
        return (await _release(conn))[0]
    finally:
        await conn.close()


async def check(url: str) -> None:
    """Refuse a database that this program may not use. Raises StoreError."""
    conn = await _connect(url)
    try:
        version, least = await _release(conn)
        if version < VERSION:
            raise StoreError(
                f"The database has schema {version} and this program needs {VERSION}. "
                "Run `bot db upgrade` once, then start again."
            )
        if least > VERSION:
            raise StoreError(
                f"The database needs a program of schema {least} or newer; this one knows "
                f"{VERSION}. Install a newer Switchboard."
            )
        await _check_roles(conn)
    finally:
        await conn.close()


async def upgrade(url: str) -> str:
    """Bring a database to this version and say what was done: `new`, `same` or `upgraded`."""
    conn = await _connect(url)
    try:
        async with conn.transaction():
            await conn.execute(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
            version, _ = await _release(conn)
            if version > VERSION:
                raise StoreError(f"The database has schema {version}, newer than {VERSION}.")
            if version == 0:
                for statement in statements():
                    await conn.execute(statement)
            elif version < VERSION:
                await _migrate(conn, version)
            for statement in walls():
                await conn.execute(statement)
        return "new" if version == 0 else "same" if version == VERSION else "upgraded"
    except asyncpg.PostgresError as error:
        raise StoreError(f"The database cannot be upgraded: {error}.") from error
    finally:
        await conn.close()


async def _migrate(conn: "asyncpg.Connection[Any]", version: int) -> None:
    """Run the migrations behind `version`: Alembic writes the SQL, this connection runs it."""
    await conn.execute(migrations_between(version))
    await conn.execute("UPDATE release SET version = $1", VERSION)


async def _release(conn: "asyncpg.Connection[Any]") -> tuple[int, int]:
    if await conn.fetchval("SELECT to_regclass('release')") is None:
        return 0, 0
    row = await conn.fetchrow("SELECT version, min_version FROM release")
    return (row["version"], row["min_version"]) if row else (0, 0)


async def _check_roles(conn: "asyncpg.Connection[Any]") -> None:
    """Whoever could see through the walls is no one to run as. Raises StoreError."""
    async with conn.transaction():
        for role in (ENGINE, APP):
            await conn.execute(f"SET LOCAL ROLE {role}")
            row = await conn.fetchrow(
                "SELECT rolsuper OR rolbypassrls AS through FROM pg_roles "
                "WHERE rolname = current_user"
            )
            if row is None or row["through"]:
                raise StoreError(
                    f"The role {role} sees through the walls between tenants. "
                    f"Run: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
                )
    rows = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND relrowsecurity AND relforcerowsecurity"
    )
    bare = {table.name for table in walled()} - {row["relname"] for row in rows}
    if bare:
        raise StoreError(f"No wall around: {', '.join(sorted(bare))}. Run `bot db upgrade`.")


async def _connect(url: str) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(url, timeout=5, statement_cache_size=0)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        raise StoreError(f"Cannot reach the database: {error}.") from error
