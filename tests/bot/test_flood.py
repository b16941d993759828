"""Two tenants, one of whom floods the house: the other is answered nearly as fast as ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from math import inf
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import asyncpg
import pytest

from bot.rush import Rush
from bot.store import turns
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from bot.wiring.engine import Limits
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import AWAY, EVE, UNLIMITED, Switchboard, image
from tests.postgres import our_database
from tests.sim.loop import virtual

SEATS = 32
FLOOD = 400
ROUNDS = 3
"""On a real clock others use the machine as well, which only adds: the best of these counts."""


async def waits(house: Switchboard, many: int = 40, most: float = inf) -> float:
    """The 95th percentile of how long Eve waits for an answer, in seconds.

    Infinite as soon as it is sure to be more than `most`.
    """
    clock, took = house.clock, []
    for n in range(many):
        began = clock.monotonic()
        await house.ask("hello", tenant=AWAY, person=EVE, ext=EVE, thread=f"t{n}")
        took.append(clock.monotonic() - began)
        if sum(each > most for each in took) > many / 20:
            return inf
    return quantiles(took, n=20)[-1]


def slow(by: float = 1.0) -> ScriptedModel:
    """A model that takes half a second to a second and a half, or so much of it."""
    chance = Random(7)

    async def think(request):
        await asyncio.sleep(by * (0.5 + chance.random()))
        return say("Hello.")

    return ScriptedModel(think)


async def flooded() -> tuple[float, float]:
    """How long Eve waits alone, and beside a tenant who has 400 conversations waiting."""
    limits = Limits(open_turns=SEATS, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(), limits=limits) as house:
        alone = await waits(house)
        for n in range(FLOOD * 4):
            await house.accept(f"flood {n}", thread=f"f{n % FLOOD}")
        beside = await waits(house, 20)
        left = "select count(*) from inbox where state = 'new' and tenant <> ?"
        assert house.disk.all(left, AWAY)[0][0] > 2 * SEATS, "the flood is over already"
        return alone, beside


@virtual
async def test_a_tenant_who_floods_does_not_keep_the_other_waiting():
    alone, beside = await flooded()
    assert beside <= 2 * alone


@virtual
async def test_without_turn_and_turn_about_the_other_waits(monkeypatch: pytest.MonkeyPatch):
    claim = turns.claim

    def always_home(owner, now, limit, after, held):
        return claim(owner, now, limit, AWAY)  # always begins with the one who floods

    monkeypatch.setattr("bot.turns.rows.claim", always_home)
    monkeypatch.setattr("bot.seats.SPARE", 1 << 30)
    with pytest.raises(TimeoutError):  # she waits until the flood is over
        await flooded()


class Laborious(InlineDatabase):
    """A millisecond for each transaction, in the order in which they came."""

    EACH_S = 0.001

    def _put(self, script: Any, future: Any) -> None:
        self._items.append((script, future))
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(self.EACH_S, self._one)

    def _one(self) -> None:
        waiting, self._items = self._items[1:], self._items[:1]
        self._flush()
        self._items, self._due = waiting, bool(waiting)
        if waiting:
            asyncio.get_running_loop().call_later(self.EACH_S, self._one)


@asynccontextmanager
async def pouring(house: Switchboard, abreast: int) -> AsyncIterator[None]:
    """A tenant who sends so many messages at a time, without end."""
    numbers = count()

    async def pour() -> None:
        while True:
            await house.accept("flood", thread=f"f{next(numbers) % FLOOD}")

    tasks = [asyncio.ensure_future(pour()) for _ in range(abreast)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def beside_a_flood(db: Database, abreast: int) -> float:
    """How many times longer Eve waits while another tenant sends without end."""
    limits = Limits(open_turns=SEATS, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(0.2), limits=limits, db=db) as house:
        alone = await waits(house)
        async with pouring(house, abreast):
            await asyncio.sleep(0.05)
            beside = await waits(house, most=2 * alone)
    return beside / alone


@asynccontextmanager
async def on(kind: str, folder: Path) -> AsyncIterator[Database]:
    """A database of this kind, with our people in it."""
    async with AsyncExitStack() as stack:
        if kind == "PostgreSQL":
            url = await stack.enter_async_context(our_database(image()))
            db: Any = PostgresDatabase(url)
        else:
            (folder / "house.db").write_bytes(image())
            db = SqliteDatabase(folder / "house.db")
        await db.open()
        stack.push_async_callback(db.close)
        yield db


def unfair(patch: pytest.MonkeyPatch) -> None:
    """Whoever comes first goes first, whoever it is."""
    patch.setattr("bot.rush.ABREAST", 1 << 30)
    patch.setattr(Rush, "holds", lambda self, tenant: self._is_on)
    patch.setattr("bot.seats.SPARE", 1 << 30)


@virtual
async def test_nor_does_one_who_sends_without_end():
    assert await beside_a_flood(Laborious(Disk(image())), 300) <= 2


@virtual
async def test_where_whoever_comes_first_goes_first_the_other_waits(
    monkeypatch: pytest.MonkeyPatch,
):
    unfair(monkeypatch)
    with pytest.raises((AssertionError, TimeoutError)):
        assert await beside_a_flood(Laborious(Disk(image())), 300) <= 2


@pytest.mark.long
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_nor_on_a_real_database(kind: str, tmp_path: Path):
    ratios: list[float] = []
    while not ratios or (ratios[-1] > 2 and len(ratios) < ROUNDS):
        async with on(kind, tmp_path) as db:
            ratios.append(await beside_a_flood(db, FLOOD))
    assert ratios[-1] <= 2, ratios


@pytest.mark.long
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_where_whoever_comes_first_goes_first_the_other_waits_on_a_real_database_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    unfair(monkeypatch)
    async with on(kind, tmp_path) as db:
        with pytest.raises((AssertionError, TimeoutError)):
            assert await beside_a_flood(db, FLOOD) <= 2


async def flooded_on_postgres() -> float:
    """How many times longer Eve waits on PostgreSQL beside a tenant who floods it."""
    limits = Limits(open_turns=SEATS // 4, sender=UNLIMITED, tenant=UNLIMITED)
    left = "SELECT count(*) FROM inbox WHERE state = 'new' AND tenant <> $1"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(our_database(image()))
        db, conn = PostgresDatabase(url), await asyncpg.connect(url)
        stack.push_async_callback(conn.close)
        await db.open()
        stack.push_async_callback(db.close)
        house = await stack.enter_async_context(Switchboard(slow(0.2), limits=limits, db=db))
        alone = await waits(house)
        flood = (house.accept(f"flood {n}", thread=f"f{n % FLOOD}") for n in range(FLOOD * 2))
        await asyncio.gather(*flood)
        beside = await waits(house)
        assert await conn.fetchval(left, AWAY) > SEATS, "the flood is over already"
    return beside / alone


@pytest.mark.long
async def test_nor_on_postgres():
    ratios = []
    for _ in range(ROUNDS):
        ratios.append(await flooded_on_postgres())
        if ratios[-1] <= 2:
            return
    raise AssertionError(ratios)


@pytest.mark.long
async def test_without_turn_and_turn_about_the_other_waits_on_postgres_too(
    monkeypatch: pytest.MonkeyPatch,
):
    claim = turns.claim
    monkeypatch.setattr(
        "bot.turns.rows.claim", lambda owner, now, limit, *_: claim(owner, now, limit, AWAY)
    )
    monkeypatch.setattr("bot.seats.SPARE", 1 << 30)
    with pytest.raises((AssertionError, TimeoutError)):
        assert await flooded_on_postgres() <= 2
