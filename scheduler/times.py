"""From a trigger to its next time, also where clocks are put forward or back.

A trigger is text, in one of three forms:

    0 9 * * mon-fri             a cron line: minute, hour, day, month, weekday, read in a zone
    2030-03-03T11:00:00+00:00   one instant
    R/2030-03-03T09:00/P3D      from a start, every so often; days and weeks keep the zone's time
                                of day, minutes and hours (a start with an offset) are elapsed time

The rule for a clock that is changed: a fixed time of day that the change skips comes as much later
as the clock was put forward (02:30 comes at 03:30); one that exists twice comes the first time
only. A line whose hour begins with `*` follows elapsed time: it fires whenever the clock shows a
fitting time, twice where an hour is doubled and not at all in one that is skipped.
This file knows no cron library: `Matcher` finds the next fitting time on a plain wall clock.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.errors import Invalid

Matcher = Callable[[str, datetime], datetime | None]
"""A cron line and a time without a zone → the next fitting time strictly after it."""
_INTERVAL = re.compile(r"R/(?P<start>[^/]+)/P(?:(?P<days>\d+)D|T(?P<minutes>\d+)M)")
_GAP = timedelta(hours=3)
"""Longer than any clock was ever put forward within a day."""
_TICK = timedelta(microseconds=1)


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            f"There is no time zone called {name!r}; say it like Europe/Berlin."
        ) from None


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a time of day in a zone: skipped ones come later, doubled ones once."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in the zone shows, without its zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def next_after(trigger: str, zone: ZoneInfo, after: datetime, match: Matcher) -> datetime | None:
    """The first time of a trigger strictly after an instant; None when there is none any more."""
    if interval := _INTERVAL.fullmatch(trigger):
        return _interval(interval, zone, after)
    if len(fields := trigger.split()) == 5:
        find = _by_elapsed if fields[1].startswith("*") else _by_clock
        return find(trigger, zone, after, match)
    try:
        at = datetime.fromisoformat(trigger)
    except ValueError:
        raise Invalid(f"{trigger!r} is no trigger.") from None
    at = at.astimezone(UTC) if at.tzinfo else to_utc(at, zone)
    return at if at > after else None


def _interval(found: re.Match[str], zone: ZoneInfo, after: datetime) -> datetime:
    start = datetime.fromisoformat(found["start"])
    if found["minutes"]:
        every = timedelta(minutes=int(found["minutes"]))
        begun = start.astimezone(UTC)
        return begun if begun > after else begun + ((after - begun) // every + 1) * every
    span = timedelta(days=int(found["days"]))
    runs = max(0, (to_wall(after, zone) - start) // span)
    while (at := to_utc(start + runs * span, zone)) <= after:
        runs += 1
    return at


def _by_clock(cron: str, zone: ZoneInfo, after: datetime, match: Matcher) -> datetime | None:
    """A fixed time of day: looked for on the wall clock, then placed in real time."""
    wall = match(cron, to_wall(after, zone) - _GAP)
    while wall:
        at = to_utc(wall, zone)
        if at > after:
            return at
        wall = match(cron, wall)
    return None


def _by_elapsed(cron: str, zone: ZoneInfo, after: datetime, match: Matcher) -> datetime | None:
    """Any hour: looked for in stretches of time between two changes of the clock."""
    low = after
    while True:
        offset = _offset(low + _TICK, zone)
        wall = match(cron, (low + offset).replace(tzinfo=None))
        if wall is None:
            return None
        at = wall.replace(tzinfo=UTC) - offset
        if _offset(at, zone) == offset:
            return at
        low = _change(low + _TICK, at, zone) - _TICK


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `low` at which the clock is another than at `low`, to the second."""
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
