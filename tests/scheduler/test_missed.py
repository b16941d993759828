"""What was missed while the house was away follows the stated rule."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.schedule import ScheduleState
from scheduler.missed import step_of, text_of
from scheduler.runner import matching
from scheduler.times import next_after, zone_of
from tests.scheduler.process import Process


async def test_missed_runs_of_a_day_are_one_run_that_says_so(house: Process) -> None:
    await house.make("every 2 hours")
    house.clock.move(hours=13)
    await house.runner.tick()
    (event,) = await house.ticks()
    assert event.at == datetime(2027, 3, 3, 23, tzinfo=UTC), "the latest of them"
    assert "6 runs were missed before this one" in event.text
    assert (await house.now()).next_at == datetime(2027, 3, 4, 1, tzinfo=UTC)


async def test_what_is_older_than_a_day_is_left_out_and_told_next_time(house: Process) -> None:
    await house.make("every Monday at 9")
    house.clock.at = datetime(2027, 3, 17, 12, tzinfo=UTC)  # two Mondays later, a Wednesday
    assert await house.runner.tick() == 1
    assert await house.ticks() == []
    assert house.woken == 0
    house.clock.at = datetime(2027, 3, 22, 8, 0, 1, tzinfo=UTC)
    await house.runner.tick()
    (event,) = await house.ticks()
    assert "2 runs were left out since it last ran" in event.text
    house.clock.at = datetime(2027, 3, 29, 7, 0, 1, tzinfo=UTC)
    await house.runner.tick()
    assert (await house.ticks())[-1].text == "Look at the orders.", "said once"


async def test_an_appointment_missed_by_more_than_a_day_is_told_and_not_done(
    house: Process,
) -> None:
    await house.make("tomorrow at 8")
    house.clock.move(days=3)
    await house.runner.tick()
    (event,) = await house.ticks()
    assert "do not do it" in event.text
    assert "Thursday 2027-03-04 08:00" in event.text
    assert (await house.now()).state is ScheduleState.DONE


async def test_an_appointment_missed_by_less_is_done_late(house: Process) -> None:
    await house.make("tomorrow at 8")
    house.clock.at = datetime(2027, 3, 4, 17, tzinfo=UTC)
    await house.runner.tick()
    (event,) = await house.ticks()
    assert event.text.startswith("Look at the orders.")
    assert "planned for 08:00 and starts late" in event.text


async def test_months_of_missed_minutes_cost_little_and_fire_once(house: Process) -> None:
    made = await house.make("every minute")
    house.clock.move(days=90)
    step = step_of(made, house.clock.at, matching)
    assert step.fire_at and house.clock.at - step.fire_at < timedelta(minutes=1)
    assert step.missed == step.skipped == 100
    assert "At least 100 runs were left out" in text_of(made, step, house.clock.at)
    await house.runner.tick()
    assert len(await house.ticks()) == 1


@pytest.mark.parametrize(
    "words", ["every minute", "every 45 minutes", "every day at 9", "0 9 1 * *"]
)
@pytest.mark.parametrize("hours", [0.01, 1, 23, 24, 25, 26, 49, 24 * 9])
async def test_what_is_decided_is_what_counting_one_by_one_finds(
    house: Process, words: str, hours: float
) -> None:
    made = await house.make(words)
    assert made.next_at
    now = made.next_at + timedelta(hours=hours)
    times, zone = [made.next_at], zone_of(made.zone)
    while (later := next_after(made.trigger, zone, times[-1], matching)) and later <= now:
        times.append(later)
    recent = [at for at in times if now - at <= timedelta(hours=24)]
    step = step_of(made, now, matching)
    assert step.fire_at == (recent[-1] if recent else None)
    assert step.missed == max(0, min(100, len(recent) - 1))
    assert step.skipped == min(100, len(times) - len(recent))
    assert step.next_at == next_after(made.trigger, zone, now, matching)
    assert not step.too_late
