"""Two tenants, one of whom floods the house: the other is answered nearly as fast as ever."""

import asyncio
from random import Random
from statistics import quantiles

import pytest

from bot.engine import Limits
from bot.store import turns
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import AWAY, EVE, UNLIMITED, Switchboard
from tests.sim.loop import virtual

SEATS = 32
FLOOD = 400


async def waits(house: Switchboard, count: int = 40) -> float:
    """The 95th percentile of how long Eve waits for an answer, in seconds."""
    clock, took = house.clock, []
    for n in range(count):
        began = clock.monotonic()
        await house.ask("hello", tenant=AWAY, person=EVE, ext=EVE, thread=f"t{n}")
        took.append(clock.monotonic() - began)
    return quantiles(took, n=20)[-1]


def slow() -> ScriptedModel:
    """A model that takes half a second to a second and a half."""
    chance = Random(7)

    async def think(request):
        await asyncio.sleep(0.5 + chance.random())
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
