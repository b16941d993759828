"""Two processes on one PostgreSQL renew a connection: by leases of the database, and not of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bot.fleet import Fleet
from bot.infra.clock import SystemClock
from bot.oauth.renewal import Renewal
from bot.store.fleet import Worker
from tests.bot.oauth.test_renewal import old
from tests.fakes.google_alarms import GoogleAlarms
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.switchboard import image
from tests.postgres import our_database

pytest.importorskip("asyncpg")

from bot.store.postgres import PostgresDatabase  # noqa: E402 (needs asyncpg)


@pytest.fixture(params=["x", "google"])
def vendor(request: pytest.FixtureRequest) -> str:
    """One whose refresh tokens rotate, and one whose do not."""
    name: str = request.param
    return name


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with our_database(image()) as made:
        yield made


async def process(stack: AsyncExitStack, house: OAuthHouse, url: str, name: str) -> Renewal:
    """One that renews, with a pool and a name of its own."""
    db = PostgresDatabase(url)
    await db.open()
    stack.push_async_callback(db.close)
    fleet = Fleet(
        db, SystemClock(), Worker(id=f"own_{name}", place=name, version="1", files_shared=True)
    )
    await fleet.join()
    made = Renewal(replace(house.made(fleet), db=db))
    stack.push_async_callback(made.close)
    return made


@pytest.fixture
async def both(
    tmp_path: Path, server: OAuthServer, address: str
) -> AsyncIterator[tuple[OAuthHouse, list[Renewal]]]:
    async with AsyncExitStack() as stack:
        db = PostgresDatabase(address)
        await db.open()
        stack.push_async_callback(db.close)
        house = await stack.enter_async_context(OAuthHouse(tmp_path, server, db=db))
        yield house, [await process(stack, house, address, name) for name in ("one", "two")]


async def test_many_askers_at_two_processes_make_one_call(
    both: tuple[OAuthHouse, list[Renewal]],
) -> None:
    house, renewals = both
    item = await old(house)
    house.server.faults.slow_s = 0.3
    asked = [each.fresh(item.tenant, item.id) for each in renewals for _ in range(10)]
    found = await asyncio.gather(*asked)
    assert house.token_calls == 1
    assert len({token.reveal() for _, token in found}) == 1
    now = await house.now(item)
    assert (now.status, now.renewing_at, now.version) == ("active", None, item.version + 2)


async def test_both_that_tend_at_once_make_one_call(
    both: tuple[OAuthHouse, list[Renewal]],
) -> None:
    house, renewals = both
    item = await old(house)
    house.clock.advance(days=60)
    house.server.faults.slow_s = 0.3
    await asyncio.gather(*(each.tend() for each in renewals))
    assert house.token_calls == 1 and (await house.now(item)).status == "active"


async def test_word_of_one_token_finds_the_connection_behind_every_wall(
    tmp_path: Path, address: str
) -> None:
    db = PostgresDatabase(address)
    await db.open()
    async with GoogleAlarms() as google, OAuthHouse(tmp_path, google, db=db) as house:
        await house.connect()
        google.refresh_begins = "another-beginning-"
        theirs = await house.connect(house.visit(house.olga))
        refresh = (await house.around.open(theirs)).refresh.reveal()
        text = google.one(house.clock.at.timestamp(), refresh, is_hashed=False)
        assert await house.connections.alarms.hear("google", text) == 1
        assert house.told == [(theirs.tenant, "google", "broken")]
    await db.close()
