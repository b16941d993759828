"""Where PostgreSQL has the extension pgvector, it compares vectors itself: what it needs for that.

A column `near` beside the bytes of `vector`, made of them by the database: whoever writes the bytes
need not know of it, programs of the release before neither. Two functions are all that statements
name, so they need not know in which schema the extension stands. That is any but `public`: a table
of ours is called as its type. The comparison is exact and there is no index of pgvector: an owner's
rows are few, and those of the next tenant are not even looked at.

https://github.com/pgvector/pgvector, read on 2026-11-22; run with 0.6.2.
"""

from contextlib import suppress
from typing import Any

import asyncpg

from bot.core.errors import StoreError
from bot.store.postgres_session import APP

MEND = "CREATE SCHEMA extensions; ALTER EXTENSION vector SET SCHEMA extensions"
CLASH = (
    "The extension vector (pgvector) stands in the schema public, where its type has the name of a "
    "table of Switchboard. It can stand in any other."
)
_SCHEMA = (
    "SELECT quote_ident(nspname) FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace "
    "WHERE typname = 'vector' AND typrelid = 0 ORDER BY nspname LIMIT 1"
)
_MAY = (
    "SELECT bool_and(has_schema_privilege(who, n.oid, 'USAGE')) "
    "FROM pg_namespace n, unnest($2::name[]) who WHERE quote_ident(nspname) = $1"
)
_COLUMN = (
    "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.vector') "
    "AND attname = 'near' AND NOT attisdropped)"
)
MOST = 16_000
"""Places of a vector of pgvector (its README, "Vector Type"); longer ones stay without."""
_FLOATS = """
CREATE OR REPLACE FUNCTION floats(value bytea) RETURNS {schema}.vector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  whole bytea := value || ''::bytea;  -- unpacked once, and not for each of its bytes
  made real[] := '{{}}';
  bits integer;
  power_of integer;
BEGIN
  IF length(whole) < 4 OR length(whole) > 4 * {most} THEN
    RETURN NULL;
  END IF;
  FOR n IN 0 .. length(whole) / 4 - 1 LOOP
    bits := (get_byte(whole, 4 * n + 3) << 24) | (get_byte(whole, 4 * n + 2) << 16)
      | (get_byte(whole, 4 * n + 1) << 8) | get_byte(whole, 4 * n);
    power_of := (bits >> 23) & 255;
    IF power_of = 255 THEN  -- no number
      RETURN NULL;
    END IF;
    made[n + 1] := (bits & 8388607 | CASE WHEN power_of = 0 THEN 0 ELSE 8388608 END)
      * power(2::float8, greatest(power_of, 1) - 150) * CASE WHEN bits < 0 THEN -1 ELSE 1 END;
  END LOOP;
  RETURN made::{schema}.vector;
END $$
"""
_NEARNESS = """
CREATE OR REPLACE FUNCTION nearness(one {schema}.vector, other {schema}.vector)
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN {schema}.vector_dims(one) = {schema}.vector_dims(other)
    THEN -(one OPERATOR({schema}.<#>) other) END
$$
"""


async def clashes(conn: "asyncpg.Connection[Any]") -> bool:
    """Whether our tables cannot be made beside the extension."""
    return bool(await conn.fetchval(_SCHEMA) == "public")


async def offered(conn: "asyncpg.Connection[Any]") -> bool:
    """Whether the extension is there, used or not."""
    return await conn.fetchval(_SCHEMA) is not None


async def refuse_clash(conn: "asyncpg.Connection[Any]") -> None:
    """Say so before the server does in words of its own. Raises StoreError."""
    if await clashes(conn):
        raise StoreError(f"{CLASH} Run as who owns it: {MEND}")


async def compares(conn: "asyncpg.Connection[Any]") -> bool:
    """Whether this database compares vectors itself."""
    return bool(await conn.fetchval(_COLUMN))


async def adopt(conn: "asyncpg.Connection[Any]") -> bool:
    """Let it, where the extension is there and may be used; else False. May be done again."""
    schema = await conn.fetchval(_SCHEMA)
    if schema is None:
        return False
    users = [await conn.fetchval("SELECT current_user"), APP]
    if not await conn.fetchval(_MAY, schema, users):
        with suppress(asyncpg.InsufficientPrivilegeError):
            async with conn.transaction():
                await conn.execute(f"GRANT USAGE ON SCHEMA {schema} TO {APP}")
        if not await conn.fetchval(_MAY, schema, users):
            return False
    # They name the schema in their words: where the extension was moved, they are mended by this.
    await conn.execute(_FLOATS.format(schema=schema, most=MOST))
    await conn.execute(_NEARNESS.format(schema=schema))
    if not await compares(conn):
        await conn.execute(
            f"ALTER TABLE vector ADD COLUMN near {schema}.vector "
            "GENERATED ALWAYS AS (floats(value)) STORED"
        )
    given = f"floats(bytea), nearness({schema}.vector, {schema}.vector)"
    await conn.execute(f"GRANT EXECUTE ON FUNCTION {given} TO {APP}")
    return True
