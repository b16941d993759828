"""How an event repeats in the words of Microsoft Graph: a pattern, and a range.

https://learn.microsoft.com/graph/api/resources/recurrencepattern
https://learn.microsoft.com/graph/api/resources/recurrencerange (read 2026-11-22)

A rule that says more than ours can is not read: None.
"""

from pydantic import ValidationError

from bot.core.canonical import Json
from tools.calendar._moment import Span
from tools.calendar._repeat import WEEKDAYS, Repeat
from tools.calendar._wire import Theirs

_KINDS = {"daily": "day", "weekly": "week", "absoluteMonthly": "month", "relativeMonthly": "month"}
_KINDS |= {"absoluteYearly": "year"}


class Pattern(Theirs):
    """How often, and on which days."""

    type: str = ""
    interval: int = 1
    days_of_week: tuple[str, ...] | None = None
    index: str | None = None
    first_day_of_week: str | None = None


class Range(Theirs):
    """Until when."""

    type: str = ""
    end_date: str | None = None
    number_of_occurrences: int | None = None


class Rule(Theirs):
    """Both."""

    pattern: Pattern | None = None
    range: Range | None = None

    def told(self) -> Repeat | None:
        """The same in our words; None for what they cannot say."""
        pattern, ends = self.pattern or Pattern(), self.range or Range()
        if pattern.type not in _KINDS:
            return None
        if pattern.interval > 1 and pattern.first_day_of_week not in (None, "monday"):
            return None  # another week would be skipped
        given: dict[str, object] = {"every": _KINDS[pattern.type], "interval": pattern.interval}
        days = list(pattern.days_of_week or ())
        if pattern.type == "weekly":
            given["days"] = days
        if pattern.type == "relativeMonthly":
            if len(days) != 1:
                return None
            given["nth"] = pattern.index or "first"
        if ends.type == "endDate":
            given["until"] = ends.end_date
        elif ends.type == "numbered":
            given["times"] = ends.number_of_occurrences
        try:
            return Repeat.model_validate(given)
        except ValidationError:
            return None


def written(repeat: Repeat, span: Span) -> Json:
    """`recurrence` for a first event."""
    begins, _ = span.times()
    first = f"{begins:%Y-%m-%d}"
    ends: dict[str, Json] = {"type": "noEnd", "startDate": first}
    if repeat.until:
        ends |= {"type": "endDate", "endDate": repeat.until}
    elif repeat.times:
        ends |= {"type": "numbered", "numberOfOccurrences": repeat.times}
    pattern: dict[str, Json] = {"interval": repeat.interval}
    if repeat.every == "day":
        pattern["type"] = "daily"
    elif repeat.every == "week":
        days: list[Json] = list(repeat.days or [WEEKDAYS[begins.weekday()]])
        pattern |= {"type": "weekly", "daysOfWeek": days, "firstDayOfWeek": "monday"}
    elif repeat.every == "year":
        pattern |= {"type": "absoluteYearly", "dayOfMonth": begins.day, "month": begins.month}
    elif repeat.nth:
        named: list[Json] = [WEEKDAYS[begins.weekday()]]
        pattern |= {"type": "relativeMonthly", "daysOfWeek": named, "index": repeat.nth}
    else:
        pattern |= {"type": "absoluteMonthly", "dayOfMonth": begins.day}
    return {"pattern": pattern, "range": ends}
