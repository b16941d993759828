"""Finding times at which everybody is free and at work, each on the clocks of their own zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.frozen import frozen

STEP = timedelta(minutes=15)
Busy = tuple[datetime, datetime]


@frozen
class Hours:
    """When people are at work."""

    opens: time
    closes: time
    """As `opens`: 00:00 stands for midnight at the day's end."""
    weekends: bool = False

    def hold(self, start: datetime, end: datetime, zone: str) -> bool:
        """Whether somebody in that zone is at work all the time."""
        here, there = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
        if not self.weekends and here.weekday() >= 5:
            return False
        day = datetime.combine(here.date(), self.opens, tzinfo=here.tzinfo)
        last = datetime.combine(here.date(), self.closes, tzinfo=here.tzinfo)
        if self.closes <= self.opens:
            last += timedelta(days=1)
        return day.astimezone(UTC) <= start and there.astimezone(UTC) <= last.astimezone(UTC)


@frozen
class Wanted:
    """What is looked for."""

    start: datetime
    end: datetime
    length: timedelta
    zones: Sequence[str]
    hours: Hours


def slots(wanted: Wanted, busy: Sequence[Busy], most: int) -> Iterator[Busy]:
    """Yield the first times that fit, one after the other, on quarters of an hour, in UTC."""
    step = STEP.total_seconds()
    begins = -(-wanted.start.timestamp() // step) * step
    start = datetime.fromtimestamp(begins, UTC)
    taken = sorted(busy)
    found = 0
    while start + wanted.length <= wanted.end and found < most:
        end = start + wanted.length
        is_free = not any(since < end and start < until for since, until in taken)
        if is_free and all(wanted.hours.hold(start, end, zone) for zone in wanted.zones):
            yield start, end
            found += 1
            start += max(-(-wanted.length // STEP) * STEP, STEP)
        else:
            start += STEP
