"""`bot doctor` before a real PostgreSQL: what is wrong, and the command that mends it."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bot.extras import upgrade
from bot.store import postgres_schema
from bot.store.schema import VERSION
from tests.bot.cli.conftest import Bot, Done
from tests.postgres import Pooler, admin, own_database

WORD = "canary-of-a-password"
NOT_RUNNING = {
    "what": "Switchboard is not running: nobody is answered.",
    "command": "bot run",
}


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of an empty database, with a password in it."""
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        yield user_of(url, urlsplit(url).username or "postgres")
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
def ours(empty: str) -> str:
    """One with our tables."""
    asyncio.run(postgres_schema.upgrade(empty))
    return empty


@pytest.fixture
def guest() -> Iterator[str]:
    """A user who may do nothing yet."""
    name = f"sb_test_{secrets.token_hex(6)}"
    asyncio.run(admin(f"CREATE ROLE {name} LOGIN"))
    yield name
    asyncio.run(admin(f"DROP ROLE {name}"))


def user_of(url: str, user: str) -> str:
    """The same address for another user, with a password."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{WORD}@{where}").geturl()


def examined(bot: Bot, url: str, direct: str = "") -> list[dict[str, str]]:
    """What the doctor finds wrong with it."""
    more = {"BOT_DIRECT_URL": direct} if direct else {}
    said = bot("doctor", "--json", BOT_DATABASE_URL=url, **more)
    assert WORD not in said.out + said.err
    found: list[dict[str, str]] = said.json["problems"]
    assert found.pop() == NOT_RUNNING
    return found


def told(bot: Bot, url: str, direct: str = "") -> list[str]:
    """What the doctor says, line by line."""
    more = {"BOT_DIRECT_URL": direct} if direct else {}
    said = bot("doctor", BOT_DATABASE_URL=url, **more)
    assert WORD not in said.out + said.err
    return said.out.splitlines()


def plain(url: str, user: str = "") -> str:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return f"postgresql://{user or parts.username}@{where}{parts.path}"


def test_a_database_without_a_fault_is_only_named(bot: Bot, ours: str) -> None:
    assert examined(bot, ours) == []
    said: Done = bot("doctor", BOT_DATABASE_URL=ours)
    lines = [line for line in said.out.splitlines() if line.startswith("  database: ")]
    assert lines == [
        f"  database: PostgreSQL {plain(ours).rpartition('@')[2]}",
        f"  database: schema {VERSION}",
        "  database: row-level security: switchboard_app sees one tenant at a time",
        "  database: meanings are compared in the process, without pgvector",
        "  database: no pooler in transaction mode is seen: words between processes come through",
    ]
    told = bot("db", "status", BOT_DATABASE_URL=ours)
    assert told.code == 0 and f"/{urlsplit(ours).path[1:]} has schema {VERSION}" in told.out


def test_an_empty_one_is_no_fault_where_its_user_may_fill_it(bot: Bot, empty: str) -> None:
    assert examined(bot, empty) == []
    first = f"  database: no tables yet; the first start makes those of schema {VERSION}"
    assert first in told(bot, empty)


def test_a_server_that_does_not_answer(bot: Bot) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (found,) = examined(bot, f"postgresql://me:{WORD}@127.0.0.1:{port}/house")
    assert found["what"].startswith(f"The database at 127.0.0.1:{port} cannot be reached: ")
    assert found["command"] == f"pg_isready -h 127.0.0.1 -p {port}"


def test_a_database_that_does_not_exist(bot: Bot, empty: str) -> None:
    parts = urlsplit(empty)
    (found,) = examined(bot, parts._replace(path="/nowhere").geturl())
    where = f"{parts.hostname}:{parts.port}"
    assert found == {
        "what": f"There is no database nowhere at {where}.",
        "command": f"createdb -h {parts.hostname} -p {parts.port} -U {parts.username} nowhere",
    }


def test_a_user_who_does_not_exist(bot: Bot, empty: str) -> None:
    (found,) = examined(bot, user_of(empty, "nobody_here"))
    assert "does not let nobody_here in" in found["what"]
    assert found["command"] == f"psql {plain(empty, 'nobody_here')} -c 'SELECT 1'"


def test_a_user_who_may_not_make_tables(bot: Bot, empty: str, guest: str) -> None:
    (found,) = examined(bot, user_of(empty, guest))
    assert found == {
        "what": f"The database is empty, and {guest} may not make the tables of schema {VERSION}.",
        "command": f"BOT_DIRECT_URL={plain(empty, 'OWNER')} bot db upgrade",
    }
    refused = bot("run", BOT_DATABASE_URL=user_of(empty, guest))
    assert refused.code == 1 and "Run `bot db upgrade` once with the address" in refused.err


def test_a_user_who_may_not_act_as_ours_and_the_command_that_lets_them(
    bot: Bot, ours: str, guest: str
) -> None:
    (found,) = examined(bot, user_of(ours, guest))
    grant = f'GRANT switchboard_engine, switchboard_app TO "{guest}"'
    assert found == {
        "what": f"The user {guest} may not act as switchboard_engine.",
        "command": f"psql {plain(ours, 'SUPERUSER')} -c '{grant}'",
    }
    refused = bot("run", BOT_DATABASE_URL=user_of(ours, guest))
    assert refused.code == 1 and "`bot doctor` names the mend" in refused.err
    asyncio.run(admin(grant, ours))
    assert examined(bot, user_of(ours, guest)) == []


def test_a_schema_that_is_behind_or_ahead(bot: Bot, ours: str, guest: str) -> None:
    asyncio.run(admin("UPDATE release SET version = 1", ours))
    assert examined(bot, ours) == [], "the next start upgrades it"
    (found,) = examined(bot, user_of(ours, guest))
    assert found["what"].startswith(f"The database has schema 1, and {guest} may not make")
    asyncio.run(admin("UPDATE release SET version = 99, min_version = 99", ours))
    (found,) = examined(bot, ours)
    assert f"needs a program of schema 99 or newer; this one knows {VERSION}" in found["what"]
    assert found["command"] == upgrade()


def test_tables_without_their_rights_or_their_wall(bot: Bot, ours: str) -> None:
    mend = f"BOT_DIRECT_URL={plain(ours, 'OWNER')} bot db upgrade"
    asyncio.run(admin("REVOKE ALL ON memo FROM switchboard_app", ours))
    what = "The role switchboard_app may not read memo."
    assert examined(bot, ours) == [{"what": what, "command": mend}]
    assert bot("db", "upgrade", BOT_DATABASE_URL=ours).code == 0
    asyncio.run(admin("ALTER TABLE memo NO FORCE ROW LEVEL SECURITY", ours))
    assert examined(bot, ours)[0]["what"].startswith("No wall around: memo.")


def test_a_table_that_hides_nothing_is_told(bot: Bot, ours: str) -> None:
    asyncio.run(admin("ALTER TABLE conv DISABLE ROW LEVEL SECURITY", ours))
    told_ = told(bot, ours)
    bare = "row-level security: switchboard_app is NOT held: it sees every tenant's rows"
    assert f"  database: {bare}" in told_
    assert any("No wall around: conv" in line for line in told_)
    asyncio.run(admin("UPDATE release SET version = version - 1", ours))
    older = f"  database: schema {VERSION - 1}, this program needs {VERSION}"
    assert older in told(bot, ours)


def test_a_pooler_that_drops_words_is_found_by_trying(bot: Bot, ours: str) -> None:
    pooler = Pooler()
    try:
        asyncio.run(pooler.ready())
        through = pooler.address(plain(ours))
        (found,) = examined(bot, through)
        assert "as behind a pooler in transaction mode" in found["what"]
        user, name = urlsplit(ours).username, urlsplit(ours).path
        assert found["command"] == f"export BOT_DIRECT_URL=postgresql://{user}@SERVER:5432{name}"
        seen = f"  database: a pooler is seen at 127.0.0.1:{urlsplit(through).port}"
        assert f"{seen}, and nothing goes past it" in told(bot, through)
        assert examined(bot, through, ours) == []
        past = f"{urlsplit(ours).hostname}:{urlsplit(ours).port or 5432}"
        (line,) = [line for line in told(bot, through, ours) if line.startswith(seen)]
        assert line == f"{seen}; words between processes go past it, to {past}"
    finally:
        pooler.stop()
