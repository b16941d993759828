"""A PostgreSQL whose owner is no superuser and may make no roles, and a program that owns nothing.

Each step is the one that docs/postgres.md names, on a server of its own that knows nothing of us.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.core.errors import StoreError
from bot.store import postgres_schema, schema
from bot.store.postgres_probe import examine
from bot.store.schema import VERSION
from tests.bot.test_several import answers
from tests.postgres import Server, admin
from tests.program import MIGRATION, Program, wait_for

PAGE = Path(__file__).parents[3] / "docs" / "postgres.md"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.remove()


def url(server: Server, user: str) -> str:
    parts = urlsplit(server.url)
    return parts._replace(netloc=f"{user}@127.0.0.1:{server.port}", path="/switchboard").geturl()


def steps(heading: str) -> list[str]:
    """The SQL below a heading of the page, statement by statement."""
    text = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    blocks = text.split("```sql\n")[1:]
    lines = "\n".join(block.partition("```")[0] for block in blocks)
    plain = [line.partition(" -- ")[0] for line in lines.splitlines()]
    return [part.strip() for part in "\n".join(plain).split(";") if part.strip()]


@pytest.mark.timeout(180)
async def test_the_steps_of_the_page_lead_to_a_house_that_owns_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, runs = url(server, "switchboard_owner"), url(server, "switchboard_run")
    made, roles, lent = (
        steps("Users and rights")[:3],
        steps("Users and rights")[3:6],
        steps("Users and rights")[6:],
    )
    assert [part.split()[0] for part in (*made, *roles, *lent)] == [
        *("CREATE", "CREATE", "CREATE"), *("CREATE", "CREATE", "GRANT"), "GRANT"
    ]  # fmt: skip
    for sql in made:
        await admin(sql, server.url)

    # An owner who may make no roles is told so.
    with pytest.raises(StoreError, match="permission denied to create role"):
        await postgres_schema.upgrade(owner)
    ((what, command),), _ = await examine(owner, owner)
    assert what == "There is no role switchboard_engine, and switchboard_owner may not make it."
    assert all(sql in command.replace('"', "") for sql in roles)
    for sql in roles:
        await admin(sql, server.url)
    assert (await examine(owner, owner))[0] == []
    assert await postgres_schema.upgrade(owner) == "new"
    await postgres_schema.check(owner)

    # A program that owns nothing may run once the roles are lent to it, and no sooner.
    with pytest.raises(StoreError, match="lacks a right"):
        await postgres_schema.prepare(runs)
    for sql in lent:
        await admin(sql, server.url)
    assert (await examine(runs, runs))[0] == []
    program = Program(tmp_path, "home", runs)
    try:
        await asyncio.to_thread(_talk, program)
    finally:
        program.stop()

    # What it may not do: change the tables.
    monkeypatch.setattr(postgres_schema, "VERSION", VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path / "migrations")
    shutil.copytree(Path(schema.__file__).parent / "migrations", tmp_path / "migrations")
    adds = "op.execute(\"UPDATE message SET text = 'seen by the owner'\")"
    text = MIGRATION.format(new=f"{VERSION + 1:04d}", old=f"{VERSION:04d}", adds=adds)
    (tmp_path / "migrations" / "versions" / f"{VERSION + 1:04d}_next.py").write_text(text)
    with pytest.raises(StoreError, match="Run `bot db upgrade` once with the address of the user"):
        await postgres_schema.prepare(runs)
    assert await postgres_schema.release_of(runs) == (VERSION, schema.LEAST)

    # And the owner's change reaches every tenant's rows, whose walls hide them from the owner.
    assert await postgres_schema.upgrade(owner) == "upgraded"
    house = url(server, "postgres")
    await admin(
        "SELECT 1 / (count(*) = 0)::int FROM message WHERE text != 'seen by the owner'", house
    )
    await admin("SELECT 1 / (count(*) > 0)::int FROM message", house)
    await postgres_schema.check(owner)


def _talk(program: Program) -> None:
    talk = program.started().say("help")
    wait_for(lambda: len(answers(program, talk)) == 1)
