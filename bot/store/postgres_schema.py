"""The schema on PostgreSQL: the same tables, two roles, and a wall around each tenant's rows.

A start makes an empty database ours and brings one that is behind up to date, when its user may; it
refuses one that is too new, or without its walls. `bot db upgrade` does the same and puts up the
walls anew. Either is done under an advisory lock, as the user of the address, who owns the tables.
`release` holds the schema's version and the oldest program that may still run beside it. Where
older programs must leave first, it says so before anything is changed, and the change waits.
"""

import asyncio
import logging
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.core.errors import StoreError
from bot.store.columns import metadata
from bot.store.postgres_meaning import adopt, refuse_clash
from bot.store.postgres_session import APP, ENGINE, TENANT
from bot.store.schema import LEAST, SEALED, VERSION, migrations_between
from bot.store.settled import AUDIT_LOCK
from bot.store.shape import DIALECT
from bot.store.tables_shared import shared

log = logging.getLogger(__name__)

UPGRADE_LOCK = 5_172_001
"""The advisory lock of an upgrade."""
LOCK_MS = 2_000
"""How long an upgrade waits for a table, and lets others wait behind it, before it begins again."""
TRIES = 10
LEAVE_S = 60.0
"""How long older programs are waited for that may not run beside the new schema."""
LOOK_S = 0.2
_FORCED = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND relrowsecurity AND relforcerowsecurity"
)
_OTHERS = (
    "SELECT place FROM worker "
    "WHERE beat_at > extract(epoch FROM clock_timestamp()) * 1000000 - 20000000 ORDER BY place"
)
ENGINE_TABLES = frozenset(
    {
        "approval",
        "audit",
        "audit_seal",
        "calendar_copy",
        "card_copy",
        "connection",
        "conv",
        "dek",
        "effect",
        "file",
        "fire",
        "inbox",
        "install",
        "login",
    }
    | {"meta", "own_agent", "pairing", "schedule", "session", "tenant", "token", "person"}
    | {"oauth_deletion", "upkeep"}
    | {"trouble", "trouble_fact", "sms_message"}
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
    made.append(f"INSERT INTO release VALUES ({VERSION}, {LEAST})")
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
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
        f"CREATE ROLE {role} NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        for role in (ENGINE, APP)
    ]
    # Trying is the only question that every version answers alike: since 16 a member may lack SET.
    made += [
        f"DO $$ BEGIN SET LOCAL ROLE {role}; RESET ROLE; "
        f"EXCEPTION WHEN insufficient_privilege THEN GRANT {role} TO CURRENT_USER; END $$"
        for role in (ENGINE, APP)
    ]
    made.append("GRANT SELECT ON release TO PUBLIC")
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


async def release_of(url: str) -> tuple[int, int]:
    """The schema of a database (0: none) and the oldest program for it. Raises StoreError."""
    conn = await _connect(url)
    try:
        return await _release(conn)
    finally:
        await conn.close()


async def version_of(url: str) -> int:
    """The schema of a database; 0 when it has none. Raises StoreError."""
    return (await release_of(url))[0]


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
            raise StoreError(too_old(least))
        await _check_roles(conn)
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreError(
            f"The user of the database lacks a right: {error}. `bot doctor` names the mend."
        ) from error
    finally:
        await conn.close()


def too_old(least: int) -> str:
    """What is said where this program is older than the database allows."""
    return (
        f"The database needs a program of schema {least} or newer; this one knows {VERSION}. "
        "Install a newer Switchboard."
    )


async def prepare(url: str) -> None:
    """Make or upgrade what a start needs, and check it. Raises StoreError."""
    if (await version_of(url)) < VERSION:
        await upgrade(url)
    await check(url)


async def upgrade(url: str) -> str:
    """Bring a database to this version and say what was done: `new`, `same` or `upgraded`."""
    conn = await _connect(url)
    try:
        await _announce(conn)
        for n in range(TRIES):
            try:
                async with conn.transaction():
                    return await _upgrade(conn)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if n == TRIES - 1:
                    raise
                log.info("Others use the tables that change; the upgrade begins again.")
                await asyncio.sleep(LOOK_S)
        raise StoreError("The database cannot be upgraded: its tables are in use.")
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreError(
            f"The user of the database may not make or change its tables: {error}. Run "
            "`bot db upgrade` once with the address of the user who owns them, then start again; "
            "where that one lacks a right, `bot doctor` names the mend."
        ) from error
    except asyncpg.PostgresError as error:
        raise StoreError(f"The database cannot be upgraded: {error}.") from error
    finally:
        await conn.close()


async def _announce(conn: "asyncpg.Connection[Any]") -> None:
    """Tell programs that may not run on the new schema, and wait until they have left."""
    version, least = await _release(conn)
    if not 0 < version < LEAST:
        return
    if least < LEAST:
        await conn.execute("UPDATE release SET min_version = greatest(min_version, $1)", LEAST)
    others: list[str] = []
    for _ in range(int(LEAVE_S / LOOK_S)):
        others = [row["place"] for row in await conn.fetch(_OTHERS)]
        if not others:
            return
        await asyncio.sleep(LOOK_S)
    raise StoreError(
        f"The new schema is not for the programs that still run: {', '.join(others)}. "
        "Stop them, then run `bot db upgrade` again."
    )


async def _upgrade(conn: "asyncpg.Connection[Any]") -> str:
    await conn.execute(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
    await conn.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
    version, _ = await _release(conn)
    if version > VERSION:
        raise StoreError(f"The database has schema {version}, newer than {VERSION}.")
    if version < VERSION:
        await refuse_clash(conn)
    if version == 0:
        for statement in statements():
            await conn.execute(statement)
    elif version < VERSION:
        await _migrate(conn, version)
    for statement in walls():
        await conn.execute(statement)
    await adopt(conn)
    return "new" if version == 0 else "same" if version == VERSION else "upgraded"


async def _migrate(conn: "asyncpg.Connection[Any]", version: int) -> None:
    """Run the migrations behind `version`: Alembic writes the SQL, this connection runs it.

    Forced walls hide rows from the owner as well, whose changes would pass them by without a word;
    `walls` puts them up again in the same transaction.
    """
    for row in await conn.fetch(_FORCED):
        await conn.execute(f"ALTER TABLE {row['relname']} NO FORCE ROW LEVEL SECURITY")
    await conn.execute(migrations_between(version))
    least = "greatest(min_version, $2)"
    await conn.execute(f"UPDATE release SET version = $1, min_version = {least}", VERSION, LEAST)


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
    rows = await conn.fetch(_FORCED)
    bare = {table.name for table in walled()} - {row["relname"] for row in rows}
    if bare:
        raise StoreError(f"No wall around: {', '.join(sorted(bare))}. Run `bot db upgrade`.")


async def _connect(url: str) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(url, timeout=5, statement_cache_size=0)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        raise StoreError(f"Cannot reach the database: {error}.") from error
