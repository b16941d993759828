"""How an event repeats in the words of Google Calendar: one RRULE line.

https://developers.google.com/workspace/calendar/api/concepts/events-calendars#recurring_events
https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10 (read 2026-11-22)

A rule that says more than ours can is not read: None. Single events that were left out or moved are
no part of it.
"""

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from tools.calendar._moment import Span
from tools.calendar._repeat import NTHS, WEEKDAYS, Repeat

_UNITS = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_DAYS = {each: each[:2].upper() for each in WEEKDAYS}
_NTHS = dict(zip(NTHS, ("1", "2", "3", "4", "-1"), strict=True))
_READ = {"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT", "WKST"}


def written(repeat: Repeat, span: Span) -> list[str]:
    """The lines of `recurrence`, for a first event."""
    begins, _ = span.times()
    parts = {"FREQ": _UNITS[repeat.every]}
    if repeat.interval != 1:
        parts["INTERVAL"] = str(repeat.interval)
    if repeat.every == "week":
        days = repeat.days or [WEEKDAYS[begins.weekday()]]
        parts |= {"WKST": "MO", "BYDAY": ",".join(_DAYS[each] for each in days)}
    if repeat.nth:
        parts["BYDAY"] = _NTHS[repeat.nth] + _DAYS[WEEKDAYS[begins.weekday()]]
    if repeat.times:
        parts["COUNT"] = str(repeat.times)
    if repeat.until:
        parts["UNTIL"] = _until(date.fromisoformat(repeat.until), span)
    return ["RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())]


def _until(last: date, span: Span) -> str:
    """The end of the last day, in UTC where the events have times."""
    if span.is_day:
        return f"{last:%Y%m%d}"
    ends = datetime.combine(last, time(23, 59, 59), ZoneInfo(span.zone)).astimezone(UTC)
    return f"{ends:%Y%m%dT%H%M%SZ}"


def told(lines: Sequence[str], zone: str, begins: date | None = None) -> Repeat | None:
    """The rule that lines say; `zone` and `begins`: of the first event. None for one that ours
    cannot say.
    """
    if len(lines) != 1 or not lines[0].startswith("RRULE:"):
        return None
    said = (each.partition("=") for each in lines[0].removeprefix("RRULE:").split(";"))
    parts = {name: value for name, _, value in said}
    units = {theirs: ours for ours, theirs in _UNITS.items()}
    if set(parts) - _READ or parts.get("FREQ") not in units:
        return None
    if parts.get("WKST", "MO") != "MO" and "INTERVAL" in parts:
        return None  # another week would be skipped
    try:
        given = {"every": units[parts["FREQ"]], "interval": int(parts.get("INTERVAL", "1"))}
        given |= _on(parts) | _end(parts, zone, begins)
        return Repeat.model_validate(given)
    except (ValueError, LookupError, OSError, OverflowError, ValidationError):
        return None


def _on(parts: Mapping[str, str]) -> dict[str, object]:
    """Which days. Raises LookupError for what ours cannot say."""
    if not (by := parts.get("BYDAY")):
        return {}
    days = {theirs: ours for ours, theirs in _DAYS.items()}
    if parts["FREQ"] == "MONTHLY":
        nths = {theirs: ours for ours, theirs in _NTHS.items()}
        days[by[-2:]]
        return {"nth": nths[by[:-2].removeprefix("+")]}
    return {"days": [days[each] for each in by.split(",")]}


def _end(parts: Mapping[str, str], zone: str, begins: date | None) -> dict[str, object]:
    """Until when: the last day on which an event may still begin."""
    if count := parts.get("COUNT"):
        return {"times": int(count)}
    if not (until := parts.get("UNTIL")):
        return {}
    if "T" not in until:
        return {"until": date.fromisoformat(until).isoformat()}
    last = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if last.year == MAXYEAR:  # its day elsewhere may be behind all days
        return {"until": last.date().isoformat()}
    ends = last.astimezone(ZoneInfo(zone))
    if isinstance(begins, datetime) and ends.time() < begins.astimezone(ends.tzinfo).time():
        ends -= timedelta(days=1)
    return {"until": ends.date().isoformat()}
