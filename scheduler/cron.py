"""A cron line, read as cron reads it and written as named fields.

The library that finds the times counts weekdays from Monday and wants day and weekday to fit both;
cron counts from Sunday (0 and 7) and, when both are given, is content with either. So weekdays are
written out by name here, and a line with both becomes two. `l` is the month's last day, `mon#1` its
first Monday, `fri#l` its last Friday.
"""

import re

from bot.core.errors import Invalid

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NTH = {"1": "1st", "2": "2nd", "3": "3rd", "4": "4th", "5": "5th", "l": "last"}
_PART = re.compile(r"(?P<first>\*|[0-7]|[a-z]{3})(?:-(?P<last>[0-7]|[a-z]{3}))?(?:/(?P<step>\d+))?")


def fields_of(cron: str) -> list[dict[str, str]]:
    """One or two sets of fields, any of which may fit. Raises Invalid."""
    parts = cron.lower().split()
    if len(parts) != 5:
        raise Invalid("A cron line has five fields: minute, hour, day, month, weekday.")
    minute, hour, day, month, weekday = parts
    base = {"minute": minute, "hour": hour, "month": month}
    day = "last" if day == "l" else day
    if "#" in weekday:
        return [{**base, "day": _nth(weekday)}]
    if weekday == "*":
        return [{**base, "day": day}]
    days = _weekdays(weekday)
    if day == "*":
        return [{**base, "day_of_week": days}]
    return [{**base, "day": day}, {**base, "day_of_week": days}]


def _nth(weekday: str) -> str:
    name, _, nth = weekday.partition("#")
    if nth not in _NTH:
        raise Invalid(f"{weekday!r} is no weekday of a month; say it like mon#1 or fri#l.")
    return f"{_NTH[nth]} {_DAYS[_number(name)]}"


def _weekdays(field: str) -> str:
    """The names of all days that a weekday field means."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise Invalid(f"{part!r} is no weekday; say it like mon, 1-5 or mon-fri.")
        first, last, step = match.groups()
        low, high = (0, 6) if first == "*" else (_number(first), _number(last or first))
        if high < low or (last == "7" and low == 0):
            high += 7
        if step is not None and not 1 <= int(step) <= 7:
            raise Invalid(f"{part!r} counts by {step}; weekdays are counted by 1 to 7.")
        found.update(n % 7 for n in range(low, high + 1, int(step or 1)))
    return ",".join(_DAYS[n] for n in sorted(found))


def _number(name: str) -> int:
    if name.isdigit() and int(name) <= 7:
        return int(name) % 7
    if name in _DAYS:
        return _DAYS.index(name)
    raise Invalid(f"{name!r} is no weekday; say it like mon.")
