"""The extension pgvector where the tests' server lacks it: the little of it that is used here.

A type `vector`, its places and its `<#>` (the negative inner product), in a schema of their own. It
stores what it is given and compares exactly; what only the real one does (its limits, its storage)
is shown by a server that has it: `BOT_TEST_POSTGRES` names one.
"""

import asyncpg

STAND_IN = """
CREATE SCHEMA extensions;
CREATE DOMAIN extensions.vector AS real[] CHECK (array_length(VALUE, 1) BETWEEN 1 AND 16000);
CREATE FUNCTION extensions.vector_dims(real[]) RETURNS integer
  LANGUAGE sql IMMUTABLE AS 'SELECT array_length($1, 1)';
CREATE FUNCTION extensions.against(one real[], other real[]) RETURNS float8
  LANGUAGE sql IMMUTABLE AS $$
    SELECT -sum(a::float8 * b::float8) FROM unnest(one, other) AS pair (a, b)
  $$;
CREATE OPERATOR extensions.<#> (LEFTARG = real[], RIGHTARG = real[], FUNCTION = extensions.against)
"""


async def install(url: str) -> bool:
    """Put the extension, or what stands in for it, into a database; True: the real one."""
    conn = await asyncpg.connect(url)
    try:
        real = await conn.fetchval("SELECT true FROM pg_available_extensions WHERE name = 'vector'")
        await conn.execute(
            "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions"
            if real
            else STAND_IN
        )
        return bool(real)
    finally:
        await conn.close()
