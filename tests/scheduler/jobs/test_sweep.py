"""Forgetting what was kept long enough."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.ids import AgentName, ConvId, EventId, ScheduleId, TenantId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.store import inbox, schedules
from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.sweep import JOB
from tests.fakes.clock import StillClock
from tests.scheduler.conftest import hello


@pytest.fixture
def keeper(db: SqliteDatabase, clock: StillClock) -> Keeper:
    """What the house lends."""

    async def nothing() -> int:
        return 0

    return Keeper(
        db=db,
        clock=clock,
        expire_approvals=nothing,
        seal_audit=nothing,
        tend_memory=nothing,
        archive=nothing,
    )


async def test_text_goes_after_30_days_and_the_key_30_days_later(
    keeper: Keeper, db: SqliteDatabase, clock: StillClock
) -> None:
    ended = replace(hello(clock), id=EventId("evt_2"), ext_id="two", text="secret")
    await db.write(inbox.ignore(ended, to_us(clock.at), "echo"))
    clock.move(days=29)
    assert await JOB.run(keeper) == ""
    clock.move(days=2)
    assert await JOB.run(keeper) == "1 events emptied"
    left = await db.read(inbox.get("ten_1", "evt_2"))
    assert left and (left.event.text, left.event.ext_id) == ("", "two")
    seen = await db.write(inbox.ingest(ended, ("cnv_x", "msg_x"), to_us(clock.at)))
    assert seen.duplicate, "a late redelivery is still known"
    clock.move(days=30)
    await JOB.run(keeper)
    assert await db.read(inbox.get("ten_1", "evt_2")) is None


async def test_what_waits_is_never_forgotten(
    keeper: Keeper, db: SqliteDatabase, clock: StillClock
) -> None:
    clock.move(days=365)
    await JOB.run(keeper)
    waiting = await db.read(inbox.get("ten_1", "evt_hello"))
    assert waiting and waiting.event.text == "Hello"


@pytest.mark.parametrize("state", list(ScheduleState))
async def test_schedules_that_are_over_go_and_others_stay(
    keeper: Keeper, db: SqliteDatabase, clock: StillClock, state: ScheduleState
) -> None:
    made = Schedule(
        id=ScheduleId("sch_1"),
        tenant=TenantId("ten_1"),
        words="daily",
        trigger="0 9 * * *",
        zone="UTC",
        prompt="x",
        agent=AgentName("bri"),
        person=None,
        conv=ConvId("cnv_1"),
        state=state,
        next_at=datetime(2030, 1, 1, tzinfo=UTC),
        created_at=clock.at,
    )
    await db.write(schedules.add(made, 50))
    clock.move(days=61)
    await JOB.run(keeper)
    left = await db.read(schedules.get("ten_1", "sch_1"))
    assert (left is None) == (state in (ScheduleState.DONE, ScheduleState.CANCELLED))
