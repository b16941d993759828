"""Programs of two releases on one PostgreSQL: beside each other where that is safe, else in turn."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.store import postgres_schema
from bot.store.schema import LEAST, MIGRATIONS, VERSION, migrations_between
from tests.postgres import admin, own_database
from tests.program import Program, release, wait_for

pytestmark = pytest.mark.timeout(180)
NEXT = VERSION + 1
ADDS = 'op.add_column("conv", Column("mood", Text, nullable=False, server_default=""))'
MOODS = "SELECT mood FROM conv LIMIT 1"


@pytest.fixture
async def database() -> AsyncIterator[str]:
    async with own_database() as url:
        await postgres_schema.upgrade(url)
        yield url


@pytest.fixture
def started(tmp_path: Path, database: str) -> Iterator[Any]:
    """Starts programs, and ends them."""
    with ExitStack() as stack:

        def start(name: str, code: str = "") -> Program:
            program = Program(tmp_path, name, database, **({"code": code} if code else {}))
            stack.callback(program.stop)
            return program

        yield start


def answered(program: Program, conversation: str, count: int) -> bool:
    return sum(line["role"] != "user" for line in program.lines(conversation)) == count


async def test_a_newer_program_upgrades_while_an_older_one_runs_on(
    started: Any, tmp_path: Path, database: str
) -> None:
    def story() -> None:
        old = started("old").started()
        talk = old.say("help")
        wait_for(lambda: answered(old, talk, 1))
        new = started("new", release(tmp_path, NEXT, LEAST, ADDS)).started()
        for program, count in ((old, 2), (new, 3), (old, 4)):
            program.say("help", talk)
            wait_for(lambda p=program, n=count: answered(p, talk, n))  # type: ignore[misc]
        assert old.ask("GET", "/ready")[0] == 200
        again = started("again").started()  # an older one may also come later
        again.say("help", talk)
        wait_for(lambda: answered(new, talk, 5))
        said = old.run("db", "status")
        assert (
            f"has schema {NEXT}; this program needs {VERSION}. A newer Switchboard" in said.stdout
        )

    await asyncio.to_thread(story)
    await admin(MOODS, database)
    assert await postgres_schema.release_of(database) == (NEXT, LEAST)


async def test_a_program_that_the_new_schema_leaves_behind_says_why_and_ends(
    started: Any, tmp_path: Path, database: str
) -> None:
    """The newer one waits for it, and changes nothing before it has left."""

    def story() -> None:
        old = started("old").started()
        talk = old.say("help")
        wait_for(lambda: answered(old, talk, 1))
        new = started("new", release(tmp_path, NEXT, NEXT, ADDS))
        status, told = wait_for(lambda: (got := old.ask("GET", "/ready"))[0] == 503 and got)
        assert "too old for its database" in told["problems"][0]
        refused = old.ask("POST", "/v1/messages", {"text": "help", "conversation": talk})
        assert refused[0] == 503 and "Install a newer Switchboard" in str(refused[1])
        assert asyncio.run(_fails(MOODS, database)), "its tables are still as it knows them"
        assert old.process.wait(20) == 1
        assert "This program is too old for its database" in old.said
        new.started().say("help", talk)
        wait_for(lambda: answered(new, talk, 2))
        late = started("late")
        assert late.process.wait(20) == 1
        assert f"needs a program of schema {NEXT} or newer; this one knows {VERSION}" in late.said

    await asyncio.to_thread(story)
    await admin(MOODS, database)


async def _fails(sql: str, url: str) -> bool:
    try:
        await admin(sql, url)
    except asyncpg.UndefinedColumnError:
        return True
    return False


async def test_an_upgrade_says_who_will_not_leave_and_changes_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a release is cannot be passed in: it is the program.
    for name, value in (("VERSION", NEXT), ("LEAST", NEXT), ("LEAVE_S", 0.4)):
        monkeypatch.setattr(postgres_schema, name, value)
    now = "extract(epoch FROM clock_timestamp()) * 1000000"
    await admin(f"INSERT INTO worker VALUES ('own_x', 'box:/home', '1', 1, {now})", database)
    with pytest.raises(postgres_schema.StoreError, match="still run: box:/home"):
        await postgres_schema.upgrade(database)
    assert await postgres_schema.release_of(database) == (VERSION, NEXT)


async def test_an_upgrade_lets_those_through_who_use_the_tables(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for a table longer than a moment, and begins again."""
    monkeypatch.setattr(postgres_schema, "LOCK_MS", 50)
    conn = await asyncpg.connect(database)
    busy = conn.transaction()
    await busy.start()
    await conn.execute("SELECT * FROM message")
    upgrade = asyncio.create_task(postgres_schema.upgrade(database))
    await asyncio.sleep(0.2)
    assert not upgrade.done()
    reader = await asyncpg.connect(database, timeout=2)
    await asyncio.wait_for(reader.fetch("SELECT * FROM message"), 2)
    await busy.rollback()
    assert await asyncio.wait_for(upgrade, 10) == "same"
    await reader.close()
    await conn.close()


ALLOWED = re.compile(
    r"ALTER TABLE \w+ ADD COLUMN \w+ \w+( DEFAULT [^ ,]+)?( NOT NULL)?|CREATE TABLE .*"
    r"|CREATE INDEX .*|INSERT INTO .*|UPDATE alembic_version .*|(BEGIN|COMMIT)",
    re.DOTALL,
)


def takes_away(sql: str) -> list[str]:
    """Statements after which an older program could no longer run."""
    plain = re.sub(r"^--.*$", "", sql, flags=re.MULTILINE)
    found = [text.strip() for text in plain.split(";") if text.strip()]
    return [
        text
        for text in found
        if not ALLOWED.fullmatch(text) or ("NOT NULL" in text and _lacks_default(text))
    ]


def _lacks_default(text: str) -> bool:
    return text.startswith("ALTER") and "DEFAULT" not in text


def test_what_came_since_the_least_release_only_adds() -> None:
    """`LEAST` promises it; a migration that does more must raise `LEAST`."""
    newest = max(int(file.name[:4]) for file in (MIGRATIONS / "versions").glob("0*.py"))
    assert (newest, LEAST <= VERSION) == (VERSION, True)
    assert takes_away(migrations_between(LEAST)) == []
    assert takes_away("ALTER TABLE conv ADD COLUMN mood TEXT DEFAULT '' NOT NULL") == []
    for sql in (
        "ALTER TABLE conv DROP COLUMN mood",
        "ALTER TABLE conv RENAME COLUMN a TO b",
        "ALTER TABLE conv ADD COLUMN mood TEXT NOT NULL",
        "DROP TABLE conv",
        "CREATE UNIQUE INDEX x ON conv (key)",
        "UPDATE conv SET mood = ''",
    ):
        assert takes_away(sql) == [sql]
