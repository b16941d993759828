"""How a PostgreSQL is, and what is wrong with it, seen from outside, with what mends it.

For `bot doctor`, and for a start that must know whether words come through. Nothing is changed;
no password is ever told.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import asyncpg

from bot.core.errors import StoreError
from bot.extras import upgrade
from bot.store.notices import Notices
from bot.store.postgres_meaning import CLASH, MEND, clashes, compares, offered
from bot.store.postgres_schema import check, release_of, tables, too_old
from bot.store.postgres_session import APP, ENGINE, quote
from bot.store.schema import VERSION

HEAR_S = 2.0
"""How long a word may take; on a direct way it takes a millisecond."""
CONNECT_S = 5.0
Finding = tuple[str, str]
"""What is wrong, and the command that mends it."""


async def examine(
    url: str, direct: str, *, is_told_otherwise: bool = False
) -> tuple[list[Finding], list[str]]:
    """Everything that is wrong with a database, at its two addresses; and how it is, in words.

    `is_told_otherwise`: words between processes need no way through it.
    """
    for address in dict.fromkeys((url, direct)):
        if found := await _reach(address):
            return [found], []
    problems = await _schema(direct) or await _rights(direct)
    pooled = {each: not await hears(each) for each in dict.fromkeys((url, direct))}
    if not problems and pooled[direct] and not is_told_otherwise:
        server = _plain(urlsplit(direct)._replace(netloc=f"{_user(direct)}@SERVER:5432"))
        problems = [(Notices.deaf, f"export BOT_DIRECT_URL={server}")]
    facts = [await _version(direct), await _wall(direct), await _meaning(direct)]
    return problems, [*facts, _between(pooled, url, direct)]


async def _version(url: str) -> str:
    version, _ = await release_of(url)
    if version == 0:
        return f"no tables yet; the first start makes those of schema {VERSION}"
    return f"schema {version}" + (f", this program needs {VERSION}" * (version != VERSION))


async def _wall(url: str) -> str:
    """Whether the role of everything that names a tenant is held by row-level security."""
    async with _Looking(url) as conn:
        try:
            async with conn.transaction():
                await conn.execute(f"SET LOCAL ROLE {APP}")
                held = await conn.fetchval("SELECT row_security_active('conv')")
        except asyncpg.PostgresError:
            return f"{APP}: not known, the tables or the role are not there or not to be used"
    how = "sees one tenant at a time" if held else "is NOT held: it sees every tenant's rows"
    return f"row-level security: {APP} {how}"


async def _meaning(url: str) -> str:
    """Who compares what is looked for by its meaning."""
    async with _Looking(url) as conn:
        if await compares(conn):
            return "meanings are compared by pgvector"
        there = await offered(conn)
    how = "and not by the pgvector that is there: bot db upgrade" if there else "without pgvector"
    return f"meanings are compared in the process, {how}"


def _between(pooled: Mapping[str, bool], url: str, direct: str) -> str:
    if not pooled[url]:
        return "no pooler in transaction mode is seen: words between processes come through"
    where = f"a pooler is seen at {_where(url)}"
    if pooled[direct]:
        return f"{where}, and nothing goes past it"
    return f"{where}; words between processes go past it, to {_where(direct)}"


async def hears(url: str) -> bool:
    """Whether what one connection says reaches another one that does nothing but listen."""
    channel, heard = f"switchboard_{secrets.token_hex(8)}", asyncio.Event()
    ear = await asyncpg.connect(url, timeout=CONNECT_S, statement_cache_size=0)
    try:
        mouth = await asyncpg.connect(url, timeout=CONNECT_S, statement_cache_size=0)
        try:
            await ear.add_listener(channel, lambda *_: heard.set())
            await mouth.execute(f"SELECT pg_notify({quote(channel)}, '')")
            async with asyncio.timeout(HEAR_S):
                await heard.wait()
        finally:
            mouth.terminate()
    except TimeoutError:
        return False
    finally:
        ear.terminate()
    return True


async def _reach(url: str) -> Finding | None:
    parts, where = urlsplit(url), _where(url)
    name, user = _name(parts), _user(url)
    look = f"psql {_plain(parts)} -c 'SELECT 1'"
    try:
        conn = await asyncpg.connect(url, timeout=CONNECT_S, statement_cache_size=0)
    except asyncpg.InvalidCatalogNameError:
        made = f"createdb -h {parts.hostname} -p {parts.port or 5432} -U {user} {name}"
        return f"There is no database {name} at {where}.", made
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        return f"The database at {where} does not let {user} in: {error}.", look
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        why = str(error).rstrip(".") or "no answer in time"
        reach = f"pg_isready -h {parts.hostname or 'localhost'} -p {parts.port or 5432}"
        return f"The database at {where} cannot be reached: {why}.", reach
    conn.terminate()
    return None


async def _schema(url: str) -> list[Finding]:
    """A schema that this program cannot use, or would have to make and may not."""
    version, least = await release_of(url)
    if least > VERSION:
        return [(too_old(least), upgrade())]
    if version >= VERSION:
        return []
    async with _Looking(url) as conn:
        if await clashes(conn):
            return [(CLASH, f"psql {_plain(urlsplit(url), 'SUPERUSER')} -c '{MEND}'")]
    if await _owns(url):
        return await _roles(url)
    state = f"has schema {version}" if version else "is empty"
    what = f"The database {state}, and {_user(url)} may not make the tables of schema {VERSION}."
    return [(what, _as_owner(url))]


async def _roles(url: str) -> list[Finding]:
    """Roles that are missing or not lent, where this user can neither make nor lend them."""
    async with _Looking(url) as conn:
        may = await conn.fetchval(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        there = {
            row[0]
            for row in await conn.fetch(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", [ENGINE, APP]
            )
        }
    missing = [role for role in (ENGINE, APP) if role not in there]
    if missing and not may:
        user, server = _user(url), _plain(urlsplit(url), "SUPERUSER")
        made = "; ".join(f"CREATE ROLE {role} NOLOGIN" for role in missing)
        what = f"There is no role {missing[0]}, and {user} may not make it."
        return [(what, f"psql {server} -c '{made}; GRANT {ENGINE}, {APP} TO \"{user}\"'")]
    return [] if missing else await _lent(url)


async def _lent(url: str) -> list[Finding]:
    """Whether this user may act as both roles."""
    for role in (ENGINE, APP):
        if not await _becomes(url, role):
            grant = f'GRANT {ENGINE}, {APP} TO "{_user(url)}"'
            what = f"The user {_user(url)} may not act as {role}."
            return [(what, f"psql {_plain(urlsplit(url), 'SUPERUSER')} -c '{grant}'")]
    return []


async def _owns(url: str) -> bool:
    """Whether this user may make or change the tables."""
    async with _Looking(url) as conn:
        return bool(
            await conn.fetchval(
                "SELECT CASE WHEN to_regclass('conv') IS NULL "
                "THEN has_schema_privilege('public', 'CREATE') "
                "ELSE (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class "
                "WHERE oid = to_regclass('conv')) END"
            )
        )


async def _rights(url: str) -> list[Finding]:
    """A user that may not act as the two roles, and roles that lack a right or have too many."""
    version, _ = await release_of(url)
    if version == 0:
        return []
    if found := await _lent(url):
        return found
    async with _Looking(url) as conn:
        names = [table.name for table in tables() if "tenant" in table.c]
        lacking = await conn.fetch(
            "SELECT name FROM unnest($1::text[]) name "
            "WHERE NOT coalesce(has_table_privilege($2, to_regclass(name), 'SELECT'), false)",
            names,
            APP,
        )
    if version < VERSION:
        return []  # the next start upgrades it
    if lacking:
        what = f"The role {APP} may not read {', '.join(row['name'] for row in lacking[:3])}."
        return [(what, _as_owner(url))]
    try:
        await check(url)
    except StoreError as error:
        return [(error.message, _as_owner(url))]
    return []


async def _becomes(url: str, role: str) -> bool:
    async with _Looking(url) as conn:
        try:
            async with conn.transaction():
                await conn.execute(f"SET LOCAL ROLE {role}")
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError):
            return False
    return True


class _Looking:
    """A connection for one look."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> "asyncpg.Connection[Any]":
        self._conn = await asyncpg.connect(self._url, timeout=CONNECT_S, statement_cache_size=0)
        return self._conn

    async def __aexit__(self, *_: object) -> None:
        self._conn.terminate()


def _as_owner(url: str) -> str:
    return f"BOT_DIRECT_URL={_plain(urlsplit(url), 'OWNER')} bot db upgrade"


def _user(url: str) -> str:
    return unquote(urlsplit(url).username or "") or "the user"


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}"


def _name(parts: SplitResult) -> str:
    return unquote(parts.path[1:])


def _plain(parts: SplitResult, user: str = "") -> str:
    """An address without its password and its options."""
    where = parts.netloc.rpartition("@")[2]
    name = user or unquote(parts.username or "")
    return f"postgresql://{name}{'@' * bool(name)}{where}{parts.path}"
