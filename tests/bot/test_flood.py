"""Two tenants, one of whom floods the house: the other is answered nearly as fast as ever."""

import asyncio
from contextlib import AsyncExitStack
from random import Random
from statistics import quantiles

import asyncpg
import pytest

from bot.engine import Limits
from bot.store import turns
from bot.store.postgres import PostgresDatabase
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import AWAY, EVE, UNLIMITED, Switchboard, image
from tests.postgres import our_database
from tests.sim.loop import virtual

SEATS = 32
FLOOD = 400
ROUNDS = 3
"""On a real clock others use the machine as well, which only adds: the best of these counts."""


async def waits(house: Switchboard, count: int = 40) -> float:
    """The 95th percentile of how long Eve waits for an answer, in seconds."""
    clock, took = house.clock, []
    for n in range(count):
        began = clock.monotonic()
        await house.ask("hello", tenant=AWAY, person=EVE, ext=EVE, thread=f"t{n}")
        took.append(clock.monotonic() - began)
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

    def unfair(owner, now, limit, after):
        return claim(owner, now, limit, AWAY)  # always begins with the one who floods

    monkeypatch.setattr("bot.turns.rows.claim", unfair)
    with pytest.raises(TimeoutError):  # she waits until the flood is over
        await flooded()


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
        "bot.turns.rows.claim", lambda owner, now, limit, after: claim(owner, now, limit, AWAY)
    )
    with pytest.raises((AssertionError, TimeoutError)):
        assert await flooded_on_postgres() <= 2
