"""The score of a tenant, on both databases: changed once for each effect, with its history."""

import asyncio

from sqlalchemy import bindparam, select

from bot.store import scores
from bot.store.script import Ask, Database, Script, Statement
from bot.store.tables import audit

HOME, AWAY = "ten_home", "ten_away"
_TOLD = Statement(
    select(audit.c.action, audit.c.actor, audit.c.target).where(
        audit.c.tenant == bindparam("tenant"), audit.c.action == "score.changed"
    )
)


def change(id_: str, number: int, *, step: bool = False, tenant: str = HOME) -> Script[int]:
    return scores.change(
        scores.Change(
            tenant=tenant,
            id=id_,
            number=number,
            is_added=step,
            reason="counted",
            person="per_ana",
            agent="bri",
            at=int(id_[4:]),
        )
    )


def told(tenant: str) -> Script[list[tuple[str, str, str]]]:
    rows = yield Ask(_TOLD, {"tenant": tenant})
    return [(row[0], row[1], row[2]) for row in rows]


async def test_a_change_is_made_once_however_often_it_is_asked_for(kept: Database) -> None:
    before = len(await kept.read(told(HOME)))
    assert await kept.read(scores.now(HOME)) is None
    assert await kept.write(change("eff_1", 80)) == 80
    assert await kept.write(change("eff_2", 5, step=True)) == 85
    assert await kept.write(change("eff_2", 5, step=True)) == 85
    assert await kept.write(change("eff_1", 80)) == 80
    assert await kept.read(scores.now(HOME)) == 85
    assert [past.value for past in await kept.read(scores.history(HOME, 5))] == [85, 80]
    lines = (await kept.read(told(HOME)))[before:]
    assert lines == [("score.changed", "person:per_ana", f"eff_{n}") for n in (1, 2)]


async def test_steps_made_at_the_same_time_all_count(kept: Database) -> None:
    await asyncio.gather(*(kept.write(change(f"eff_{n}", 1, step=True)) for n in range(10)))
    assert await kept.read(scores.now(HOME)) == 10
    values = [past.value for past in await kept.read(scores.history(HOME, 50))]
    assert sorted(values) == list(range(1, 11))


async def test_the_same_effect_of_two_at_once_counts_once(kept: Database) -> None:
    made = await asyncio.gather(*(kept.write(change("eff_7", 3, step=True)) for _ in range(5)))
    assert made == [3] * 5
    assert await kept.read(scores.now(HOME)) == 3


async def test_each_tenant_has_a_score_of_its_own(kept: Database) -> None:
    await kept.write(change("eff_1", 80))
    assert await kept.read(scores.now(AWAY)) is None
    assert await kept.write(change("eff_1", 3, tenant=AWAY)) == 3, "the same id, another tenant"
    assert await kept.read(scores.now(HOME)) == 80
    assert len(await kept.read(scores.history(AWAY, 5))) == 1
