"""What became due while the house was away: the rule, and the words in which it is told.

Within 24 hours one run catches up for all that were missed. Older ones are left out, and the next
run is told how many. A single appointment that is older than that still fires, but with the word
that it is too late: the agent asks a person instead of doing it. A run that starts more than five
minutes late is told so.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.core.schedule import Schedule
from bot.frozen import frozen
from scheduler.times import Matcher, next_after, zone_of

CATCH_UP = timedelta(hours=24)
LATE = timedelta(minutes=5)
MAX_COUNTED = 100
"""How many runs are counted one by one."""
_TICK = timedelta(microseconds=1)
_Following = Callable[[datetime], datetime | None]
"""The first time after another."""


@frozen
class Step:
    """What is to be done about a schedule that is due."""

    fire_at: datetime | None
    """The time that fires now; None when all that was due is too old."""
    next_at: datetime | None
    missed: int = 0
    """Earlier runs for which this one stands."""
    skipped: int = 0
    """Runs that are left out for good."""
    too_late: bool = False
    """A single appointment, more than a day ago."""


def step_of(schedule: Schedule, now: datetime, match: Matcher) -> Step:
    """Decide what fires, what is left out and when it goes on. Cheap after any absence."""
    trigger, zone = schedule.trigger, zone_of(schedule.zone)
    due, begin = schedule.next_at or now, now - CATCH_UP

    def following(at: datetime) -> datetime | None:
        return next_after(trigger, zone, at, match)

    next_at = following(now)
    recent = due if due >= begin else following(begin - _TICK)
    skipped = _count(following, due, begin)
    if recent and recent <= now:
        latest = _latest(following, recent, now)
        missed = _count(following, recent, latest)
        return Step(fire_at=latest, next_at=next_at, missed=missed, skipped=skipped)
    if next_at is None:
        return Step(fire_at=due, next_at=None, too_late=True)
    return Step(fire_at=None, next_at=next_at, skipped=skipped)


def _count(following: _Following, first: datetime, end: datetime) -> int:
    """How many times there are from `first` on and before `end`, up to a bound."""
    count, at = 0, first
    while at < end and count < MAX_COUNTED:
        count += 1
        later = following(at)
        if later is None:
            break
        at = later
    return count


def _latest(following: _Following, first: datetime, now: datetime) -> datetime:
    """The last time up to now, looked for backwards from now; `first` is one of them."""
    span = timedelta(minutes=1)
    latest: datetime | None = None
    while latest is None and now - span > first:
        found = following(now - span)
        latest = found if found and found <= now else None
        span *= 2
    at = latest or first
    while (later := following(at)) and later <= now:
        at = later
    return at


def text_of(schedule: Schedule, step: Step, now: datetime) -> str:
    """What the agent is told."""
    zone = zone_of(schedule.zone)
    due = (step.fire_at or now).astimezone(zone)
    if step.too_late:
        return (
            f"This was planned for {due:%A %Y-%m-%d %H:%M}, and the house was away then. More than "
            "a day has passed: do not do it. Tell the person that it was missed and ask whether it "
            f"should still be done. It said: {schedule.prompt}"
        )
    notes = []
    if step.missed:
        notes.append(f"{_runs(step.missed)} missed before this one, which stands for all.")
    elif now - due > LATE:
        notes.append(f"This was planned for {due:%H:%M} and starts late.")
    if step.skipped:
        notes.append(
            f"{_runs(step.skipped)} left out since it last ran, because the house was away."
        )
    return schedule.prompt + "".join(f"\n(The clock: {note})" for note in notes)


def _runs(count: int) -> str:
    if count >= MAX_COUNTED:
        return f"At least {MAX_COUNTED} runs were"
    return "One run was" if count == 1 else f"{count} runs were"
