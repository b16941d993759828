"""The clock: each time fires once, whoever fires it; what was missed follows the stated rule."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, LimitReached, StoreError
from bot.core.event import Event, Kind, Trust
from bot.core.ids import ConvId, ScheduleId, TenantId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.points import arm
from bot.store import inbox, people
from bot.store import schedules as rows
from bot.store.script import Script
from bot.store.sqlite import SqliteDatabase
from scheduler.missed import step_of
from scheduler.runner import MAX_ACTIVE, matching
from tests.fakes.clock import StillClock
from tests.scheduler.process import TENANT, Process


async def test_a_schedule_fires_into_its_conversation(house: Process) -> None:
    await house.make("every day at 9")
    house.clock.at = datetime(2027, 3, 4, 8, 0, 1, tzinfo=UTC)
    assert await house.runner.tick() == 1
    (event,) = await house.ticks()
    assert (event.channel, event.ext_id) == ("clock", "sched:sch_1:2027-03-04T08:00:00.000Z")
    assert (event.kind, event.trust) == (Kind.TICK, Trust.HOUSE)
    assert (event.agent, event.sender.person) == ("bri", "per_ana")
    assert event.text == "Look at the orders."
    assert event.at == datetime(2027, 3, 4, 8, tzinfo=UTC)
    stored = await house.db.read(inbox.get(TENANT, event.id))
    assert stored and stored.conv == "cnv_1", "in order with what else is said there"
    assert house.woken == 1
    kept = await house.now()
    assert kept.next_at == datetime(2027, 3, 5, 8, tzinfo=UTC)
    assert kept.last_at == event.at


async def test_nothing_fires_before_its_time_and_nothing_twice(house: Process) -> None:
    await house.make("in 20 minutes")
    assert await house.runner.tick() == 0
    house.clock.move(minutes=20)
    assert await house.runner.tick() == 1
    assert await house.runner.tick() == 0
    house.clock.move(days=2)
    assert await house.runner.tick() == 0
    assert len(await house.ticks()) == 1
    assert (await house.now()).state is ScheduleState.DONE


async def test_outside_words_stay_outside_words(house: Process) -> None:
    await house.make("in 20 minutes", tainted=True)
    house.clock.move(minutes=20)
    await house.runner.tick()
    (event,) = await house.ticks()
    assert event.trust is Trust.OUTSIDE


@pytest.fixture
async def other(db: SqliteDatabase, clock: StillClock) -> AsyncIterator[Process]:
    """A second process on the same database."""
    second = SqliteDatabase(Path(db.path))
    await second.open()
    yield Process(second, clock)
    await second.close()


async def race(house: Process, other: Process) -> list[int]:
    """Both see the schedule due before either fires; returns the events stored, at each time."""
    counts = []
    for _ in range(10):
        house.clock.move(days=1)
        now = house.clock.at
        seen = [await h.db.read(rows.due(to_us(now), 10)) for h in (house, other)]
        assert [len(items) for items in seen] == [1, 1]
        before = len(await house.ticks())
        tries = [
            h.db.write(h.runner._fire(items[0], step_of(items[0].schedule, now, matching), now))
            for h, items in zip((house, other), seen, strict=True)
        ]
        await asyncio.gather(*tries, return_exceptions=True)
        counts.append(len(await house.ticks()) - before)
    return counts


async def test_two_processes_race_and_one_row_is_written(house: Process, other: Process) -> None:
    await house.make("every day at 9")
    assert await race(house, other) == [1] * 10


async def test_two_runners_race_through_their_own_door(house: Process, other: Process) -> None:
    await house.make("every day at 9")
    for _ in range(10):
        house.clock.move(days=1)
        moved = await asyncio.gather(house.runner.tick(), other.runner.tick())
        assert sum(moved) == 1
    assert len(await house.ticks()) == 10


async def test_without_the_unique_key_the_race_goes_red(
    house: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what holds the promise is the key, so without it the test must fail."""

    def no_claim(*args: object) -> Script[None]:
        yield from ()

    def blind(item: Schedule, *args: object) -> Script[None]:
        current = yield from rows.get(item.tenant, item.id)
        assert current
        yield from real(current, *args)  # type: ignore[arg-type]

    def unkeyed(self: Process) -> Callable[[Event], Script[object]]:
        def arrive(event: Event) -> Script[object]:
            ids = (f"cnv_{event.id}", f"msg_{event.id}")
            again = replace(event, ext_id=event.id)
            return inbox.ingest(again, ids, to_us(self.clock.at))

        return arrive

    real = rows.advance
    monkeypatch.setattr(rows, "fire", no_claim)
    monkeypatch.setattr(rows, "advance", blind)
    for each in (house, other):
        each.runner._arrive = unkeyed(each)
    await house.make("every day at 9")
    with pytest.raises(AssertionError):
        assert await race(house, other) == [1] * 10


async def test_the_inbox_key_alone_holds_when_the_claim_is_lost(
    house: Process, other: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_claim(*args: object) -> Script[None]:
        yield from ()

    monkeypatch.setattr(rows, "fire", no_claim)
    await house.make("every day at 9")
    assert await race(house, other) == [1] * 10


async def test_a_pause_between_seeing_and_firing_wins(house: Process) -> None:
    made = await house.make("every day at 9")
    house.clock.move(days=1)
    (seen,) = await house.db.read(rows.due(to_us(house.clock.at), 10))
    await house.runner.change(TENANT, made.id, ScheduleState.PAUSED)
    step = step_of(seen.schedule, house.clock.at, matching)
    with pytest.raises(Conflict, match="changed in the meantime"):
        await house.db.write(house.runner._fire(seen, step, house.clock.at))
    assert await house.ticks() == [], "the event went with the transaction"


@pytest.mark.parametrize("where", ["fire.before_commit", "fire.after_commit"])
async def test_a_crash_around_the_commit_neither_loses_nor_doubles(
    house: Process, where: str
) -> None:
    class Crash(BaseException):
        """The process dies here."""

    def die(name: str) -> None:
        if name == where:
            raise Crash

    await house.make("every day at 9")
    house.clock.move(days=1)
    arm(die)
    try:
        with pytest.raises(Crash):
            await house.runner.tick()
    finally:
        arm(None)
    await house.runner.tick()
    assert len(await house.ticks()) == 1


# The book.


async def test_pausing_stops_and_resuming_goes_on_from_now(house: Process) -> None:
    made = await house.make("every day at 9")
    assert await house.runner.change(TENANT, made.id, ScheduleState.PAUSED)
    house.clock.move(days=10)
    assert await house.runner.tick() == 0
    resumed = await house.runner.change(TENANT, made.id, ScheduleState.ACTIVE)
    assert resumed and resumed.next_at == datetime(2027, 3, 14, 8, tzinfo=UTC)
    assert await house.runner.tick() == 0
    assert await house.ticks() == []


async def test_a_cancelled_one_never_comes_back(house: Process) -> None:
    made = await house.make("every day at 9")
    await house.runner.change(TENANT, made.id, ScheduleState.CANCELLED)
    assert await house.runner.change(TENANT, made.id, ScheduleState.ACTIVE) is None
    assert await house.runner.list(TENANT) == []
    house.clock.move(days=2)
    assert await house.runner.tick() == 0


async def test_an_appointment_that_is_over_is_not_resumed(house: Process) -> None:
    made = await house.make("tomorrow at 8")
    await house.runner.change(TENANT, made.id, ScheduleState.PAUSED)
    house.clock.move(days=3)
    with pytest.raises(Invalid, match="over"):
        await house.runner.change(TENANT, made.id, ScheduleState.ACTIVE)


async def test_another_tenants_schedule_is_not_there(house: Process) -> None:
    made = await house.make("every day at 9")
    assert await house.runner.change(TenantId("ten_2"), made.id, ScheduleState.PAUSED) is None
    assert await house.runner.list(TenantId("ten_2")) == []
    assert [item.id for item in await house.runner.list(TENANT, ConvId("cnv_1"))] == [made.id]
    assert await house.runner.list(TENANT, ConvId("cnv_2")) == []


async def test_a_removed_persons_schedules_end_in_silence(house: Process) -> None:
    await house.make("every day at 9")
    await house.db.write(people.remove(TENANT, "per_ana", to_us(house.clock.at)))
    house.clock.move(days=1)
    await house.runner.tick()
    assert await house.ticks() == []
    assert (await house.now()).state is ScheduleState.DONE


async def test_a_schedule_without_its_conversation_ends(house: Process) -> None:
    await house.make("every day at 9", conv=ConvId("cnv_gone"))
    house.clock.move(days=1)
    await house.runner.tick()
    assert (await house.now()).state is ScheduleState.DONE


async def test_a_conversation_has_a_limit(house: Process) -> None:
    for n in range(MAX_ACTIVE):
        await house.make("every day at 9", id=ScheduleId(f"sch_{n}"))
    with pytest.raises(LimitReached, match="Cancel one"):
        await house.make("every day at 9", id=ScheduleId("sch_more"))
    await house.make("every day at 9", id=ScheduleId("sch_0"))  # known: nothing changes


@pytest.mark.parametrize(
    ("words", "zone"),
    [
        ("in 0 minutes", "UTC"),
        ("2020-01-01", "UTC"),
        ("0 9 30 2 *", "UTC"),
        ("every day", "Mars/Base"),
        ("gibberish", "UTC"),
    ],
)
def test_what_never_comes_is_not_planned(house: Process, words: str, zone: str) -> None:
    with pytest.raises(Invalid):
        house.runner.plan(words, zone, house.clock.at)


async def test_one_that_cannot_be_read_is_paused_and_hinders_nobody(
    house: Process, caplog: pytest.LogCaptureFixture
) -> None:
    await house.make("every day at 9", trigger="nonsense", id=ScheduleId("sch_0"))
    await house.make("every day at 9")
    house.clock.move(days=1)
    assert await house.runner.tick() == 1
    assert (await house.now("sch_0")).state is ScheduleState.PAUSED
    assert "was paused" in caplog.text


# The loop.


async def test_the_loop_fires_what_is_due_and_wakes_for_what_is_new(house: Process) -> None:
    fired = asyncio.Event()
    house.runner._arrived = fired.set
    await house.make("in 20 minutes")
    house.clock.move(minutes=20)
    loop = asyncio.create_task(house.runner.run())
    await asyncio.wait_for(fired.wait(), 5)
    fired.clear()
    await house.make("in 20 minutes", id=ScheduleId("sch_2"), next_at=house.clock.at)
    await asyncio.wait_for(fired.wait(), 5)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert len(await house.ticks()) == 2


async def test_what_fails_stays_due_and_does_not_spin(
    house: Process, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(event: Event) -> Script[object]:
        raise StoreError("The disk is full.")

    await house.make("in 20 minutes")
    house.clock.move(minutes=20)
    monkeypatch.setattr(house.runner, "_arrive", full)
    assert await house.runner.tick() == 0
    assert "could not fire" in caplog.text
    due = await house.db.read(rows.next_due())
    assert house.runner._until(due, 0) == 5.0
    monkeypatch.undo()
    assert await house.runner.tick() == 1
    assert len(await house.ticks()) == 1


def test_the_loop_sleeps_to_the_next_time_and_never_longer_than_its_cap(house: Process) -> None:
    now = to_us(house.clock.at)
    assert house.runner._until(None, 0) == 30.0
    assert house.runner._until(now + 7_000_000, 0) == 7.0
    assert house.runner._until(now + 10**12, 0) == 30.0
    assert house.runner._until(now - 1, 1) == 0.0
