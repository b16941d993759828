"""The events of a series, as a calendar expands them: by dateutil, not by a word of ours.

https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10 for Google's lines, and
https://learn.microsoft.com/graph/api/resources/recurrencepattern for Graph's patterns (read
2026-11-22). Clocks of the series' zone are kept. What no calendar takes is `Wrong`.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr

MOST = 60
"""Events of a series that are played."""
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_INDEX = {"first": "1", "second": "2", "third": "3", "fourth": "4", "last": "-1"}
_NEEDS = {
    "daily": set[str](),
    "weekly": {"daysOfWeek"},
    "absoluteMonthly": {"dayOfMonth"},
    "relativeMonthly": {"daysOfWeek"},
    "absoluteYearly": {"dayOfMonth", "month"},
    "relativeYearly": {"daysOfWeek", "month"},
}
_FREQ = {"daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY"}
_FREQ |= {"relativeMonthly": "MONTHLY", "absoluteYearly": "YEARLY", "relativeYearly": "YEARLY"}


class Wrong(Exception):
    """A rule that no calendar takes."""


def of_lines(lines: list[str], first: datetime, *, whole_day: bool) -> list[datetime]:
    """The starts that Google's lines mean; `first` with its zone, which they keep.

    `UNTIL` is in UTC where events have times, and a day where they have none.
    """
    if len(lines) != 1 or not lines[0].startswith("RRULE:"):
        raise Wrong(f"{lines} is not one RRULE")
    rule = lines[0].removeprefix("RRULE:")
    if "COUNT=" in rule and "UNTIL=" in rule:
        raise Wrong("COUNT and UNTIL do not go together")
    if found := re.search(r"UNTIL=([^;]+)", rule):
        form = r"\d{8}" if whole_day else r"\d{8}T\d{6}Z"
        if not re.fullmatch(form, found[1]):
            raise Wrong(f"UNTIL={found[1]} does not fit the start")
    try:
        return _starts(rule, first.replace(tzinfo=None) if whole_day else first)
    except (ValueError, TypeError) as error:
        raise Wrong(str(error)) from None


def of_pattern(told: Mapping[str, Any], first: datetime) -> list[datetime]:
    """The starts that Graph's pattern and range mean; `first` with the zone of the series."""
    pattern, ends = told.get("pattern") or {}, told.get("range") or {}
    if ends.get("startDate") != f"{first:%Y-%m-%d}":
        raise Wrong("the range begins on the day of the start")
    parts, last = _parts(pattern), None
    if ends.get("type") == "numbered":
        parts.append(f"COUNT={ends['numberOfOccurrences']}")
    elif ends.get("type") == "endDate":
        last = date.fromisoformat(ends["endDate"])
    elif ends.get("type") != "noEnd":
        raise Wrong(f"there is no range {ends.get('type')}")
    starts = _starts(";".join(parts), first)
    if starts[0] != first:
        raise Wrong("the start is none of the series: Graph would move it")
    return [each for each in starts if last is None or each.date() <= last]


def _parts(pattern: Mapping[str, Any]) -> list[str]:
    """The same as an RRULE says it."""
    kind = pattern.get("type")
    if kind not in _NEEDS:
        raise Wrong(f"there is no pattern {kind}")
    if lacking := _NEEDS[kind] - set(pattern):
        raise Wrong(f"a pattern {kind} needs {sorted(lacking)}")
    if not isinstance(pattern.get("interval"), int) or pattern["interval"] < 1:
        raise Wrong("a pattern has an interval")
    parts = [f"FREQ={_FREQ[kind]}", f"INTERVAL={pattern['interval']}"]
    days = [each[:2].upper() for each in pattern.get("daysOfWeek") or () if each in _DAYS]
    if kind == "weekly":
        week = str(pattern.get("firstDayOfWeek", "sunday"))[:2].upper()
        parts += [f"BYDAY={','.join(days)}", f"WKST={week}"]
    elif kind.startswith("relative"):
        nth = _INDEX[pattern.get("index", "first")]
        parts.append(f"BYDAY={','.join(nth + each for each in days)}")
    elif kind.startswith("absolute"):
        parts.append(f"BYMONTHDAY={pattern['dayOfMonth']}")
    if "Yearly" in kind:
        parts.append(f"BYMONTH={pattern['month']}")
    return parts


def _starts(rule: str, first: datetime) -> list[datetime]:
    found: list[datetime] = []
    for each in rrulestr(rule, dtstart=first):
        found.append(each)
        if len(found) == MOST or each - first > timedelta(days=800):
            break
    if not found:
        raise Wrong("there is no event in it")
    return found
