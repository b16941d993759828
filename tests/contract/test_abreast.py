"""Which deeds of one question wait for which, the same on both databases."""

from bot.core.effect import EffectState, Outcome
from bot.store import effects, plans
from bot.store.script import Database
from tests.bot.store.test_effect_ways import made

SENT = Outcome(state=EffectState.SENT)
POSITIONS = {
    "eff_first": (0, 10, 1),
    "eff_waits": (100, 90, 1),
    "eff_beside": (101, 20, 0),
    "eff_planned": (102, 95, 0),
    "eff_after": (200, 30, 0),
}
"""Id → position, when it is due, attempts so far."""


async def ready(kept: Database, now: int) -> list[str]:
    return [item.id for item in await kept.read(effects.ready(now, 10))]


async def test_deeds_abreast_wait_for_nobody_beside_them_and_all_for_what_is_before(
    kept: Database,
) -> None:
    for id_, (n, due, attempt) in POSITIONS.items():
        item = made("ready", id=id_, n=n, approval="apr_1", attempt=attempt)
        await kept.write(effects.plan(item, due))
    assert await ready(kept, 50) == ["eff_first"]
    first = await kept.write(effects.begin("ten_home", "eff_first", 50))
    assert first and await ready(kept, 50) == []
    await kept.write(effects.settle(first, SENT, 51))
    assert await ready(kept, 50) == ["eff_beside"]
    assert await kept.read(effects.next_due(50)) == 20
    beside = await kept.write(effects.begin("ten_home", "eff_beside", 52))
    assert beside
    await kept.write(effects.settle(beside, SENT, 53))
    assert await ready(kept, 60) == []  # one that is tried again holds up the next call
    assert await ready(kept, 92) == ["eff_waits"]
    waits = await kept.write(effects.begin("ten_home", "eff_waits", 92))
    assert waits
    await kept.write(effects.settle(waits, SENT, 93))
    assert await ready(kept, 94) == ["eff_after"]  # nobody waits for what is planned
    assert await ready(kept, 96) == ["eff_planned"]


async def test_what_is_planned_is_seen_by_its_conversation_alone(kept: Database) -> None:
    item = made("ready", id="eff_0", n=100, approval="apr_1", attempt=0)
    await kept.write(effects.plan(item, 50))
    ((due, found),) = await kept.read(plans.waiting(item.tenant, item.conv, 10))
    assert (found, due.microsecond) == (item, 50)
    assert await kept.read(plans.waiting(item.tenant, "cnv_other", 10)) == []
    assert await kept.read(plans.waiting("ten_other", item.conv, 10)) == []
    assert await kept.read(plans.waiting(item.tenant, item.conv, 60)) == []
