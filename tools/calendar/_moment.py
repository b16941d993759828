"""Times as people say them and as Google keeps them.

A moment is `2026-11-23 14:00` on the clocks of a zone, with an offset (`+01:00`) where the clocks
show it twice, or `2026-11-23` for a whole day. The last day of a span is part of it for people;
Google names the day after. A time that no clock shows (spring) is refused, and so is one that is
shown twice (autumn) and does not say which is meant.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from bot.core.canonical import Json
from bot.frozen import frozen
from tools._arguments import unfit

_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DAY = timedelta(days=1)


def _moment(value: str) -> str:
    found = _FORM.fullmatch(value.strip())
    try:
        if found is None:
            raise ValueError
        day, clock, offset = found.groups()
        text = f"{day} {clock}{offset or ''}" if clock else day
        datetime.fromisoformat(text)
    except ValueError:
        raise unfit("write a time like 2026-11-23 14:00, or 2026-11-23 for a whole day") from None
    if not "1990" < text < "2200":
        raise unfit("the year is out of reach")
    return text


def _zone(value: str) -> str:
    text = value.strip()
    if text:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise unfit(f"{text[:40]} is no time zone; write one like Europe/Berlin") from None
    return text


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise unfit("write the last day like 2026-12-18") from None


Day = Annotated[str, Field(max_length=12), AfterValidator(_day)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]
Zone = Annotated[str, Field(max_length=60), AfterValidator(_zone)]


def is_day(moment: str) -> bool:
    """Whether it is a whole day."""
    return len(moment) == len("2026-11-23")


def at(moment: str, zone: str) -> datetime:
    """The time that is meant; a day begins at its midnight. Raises a ValueError in words."""
    told = datetime.fromisoformat(moment)
    where = ZoneInfo(zone)
    if told.tzinfo:
        return told.astimezone(where)
    first, second = told.replace(tzinfo=where), told.replace(tzinfo=where, fold=1)
    if is_day(moment) or first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(where).replace(tzinfo=None) != told:
        raise unfit(f"no clock in {zone} shows {moment}: they are put forward then")
    offsets = " or ".join(f"{moment}{_offset(each)}" for each in (first, second))
    raise unfit(f"the clocks in {zone} show {moment} twice; write {offsets}")


def written(when: datetime) -> str:
    """A time as a moment, to the letter."""
    return f"{when:%Y-%m-%d %H:%M}{_offset(when)}"


def by_clock(when: datetime) -> str:
    """The same as its zone's clocks show it, with the offset only where they show it twice."""
    is_twice = when.replace(fold=0).utcoffset() != when.replace(fold=1).utcoffset()
    return written(when) if is_twice else f"{when:%Y-%m-%d %H:%M}"


def later(when: datetime, span: timedelta) -> datetime:
    """The time when so much has passed, also over a change of the clocks."""
    return (when.astimezone(UTC) + span).astimezone(when.tzinfo)


def _offset(when: datetime) -> str:
    return when.isoformat(timespec="seconds")[19:25]


@frozen
class Span:
    """From when to when."""

    start: str
    end: str
    zone: str

    @property
    def is_day(self) -> bool:
        """Whether it is of whole days."""
        return is_day(self.start)

    def times(self) -> tuple[datetime, datetime]:
        """When it begins and ends. Raises a ValueError in words where they do not fit."""
        if is_day(self.end) != self.is_day:
            raise unfit("start and end are both times, or both whole days")
        begins, ends = at(self.start, self.zone), at(self.end, self.zone)
        if self.is_day:
            ends += _DAY
        if ends.astimezone(UTC) < begins.astimezone(UTC):
            raise unfit("it ends before it begins")
        if ends - begins > timedelta(days=366):
            raise unfit("it is longer than a year")
        return begins, ends

    def body(self) -> dict[str, Json]:
        """Start and end as Google takes them; what was there in another form is taken away."""
        if self.is_day:
            after = date.fromisoformat(self.end) + _DAY
            return {
                "start": {"date": self.start, "dateTime": None, "timeZone": None},
                "end": {"date": after.isoformat(), "dateTime": None, "timeZone": None},
            }
        begins, ends = self.times()
        return {
            "start": {"date": None, "dateTime": begins.isoformat(), "timeZone": self.zone},
            "end": {"date": None, "dateTime": ends.isoformat(), "timeZone": self.zone},
        }

    def words(self, home: str) -> str:
        """How people read it on the clocks of `home`, with weekday and zone."""
        if self.is_day:
            first, last = date.fromisoformat(self.start), date.fromisoformat(self.end)
            until = f" to {last:%A %-d %B %Y}" if last != first else ""
            return f"{first:%A %-d %B %Y}{until}, all day"
        zone = home or self.zone
        begins, ends = (each.astimezone(ZoneInfo(zone)) for each in self.times())
        until = f"{ends:%H:%M}" if begins.date() == ends.date() else _said(ends)
        shift = f"UTC{_offset(begins)}"
        if begins.utcoffset() != ends.utcoffset():
            shift += f", then UTC{_offset(ends)}"
        return f"{_said(begins)} to {until} ({zone}, {shift})"


def _said(when: datetime) -> str:
    return f"{when:%A %-d %B %Y, %H:%M}"
