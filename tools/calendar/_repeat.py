"""How an event repeats, as people say it: the same plain words for every calendar.

The first event of a series is one of it: its day fits the rule. A day of the month that not every
month has is refused, for calendars differ there (one skips the month, another takes its last day).
A series keeps the clocks of its zone when they are put forward or back.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count, islice, takewhile
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.core.errors import Invalid
from tools._arguments import unfit
from tools.calendar._moment import Day, Span

Unit = Literal["day", "week", "month", "year"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Nth = Literal["first", "second", "third", "fourth", "last"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
NTHS: tuple[Nth, ...] = get_args(Nth)
MOST_TIMES = 366
_EACH_MONTH = 28
"""The last day that every month has."""
_NO_END = "9000"
"""A series that ends later has none: some calendars write 9999-12-31 for that."""
_LEAST_DAYS = {"day": 1, "week": 7, "month": 28, "year": 365}


def _near(until: str | None) -> str | None:
    return None if until and until >= _NO_END else until


class Repeat(BaseModel):
    """How often, on which days, until when.

    `days`: of a week; None: the weekday of the first event. `until`: a day, which is part of it;
    neither `until` nor `times`: without an end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Unit
    interval: Annotated[int, Field(ge=1, le=99)] = 1
    days: list[Weekday] | None = None
    nth: Nth | None = None
    until: Annotated[Day | None, AfterValidator(_near)] = None
    times: Annotated[int, Field(ge=2, le=MOST_TIMES)] | None = None

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse what says two things, or nothing."""
        if self.until and self.times:
            raise unfit("say until or times, not both")
        if self.days is not None and self.every != "week":
            raise unfit("days go with every: week; the rest follow the day of the start")
        if self.nth and self.every != "month":
            raise unfit("nth goes with every: month")
        if self.days is not None and not self.days:
            raise unfit("say which days")
        return self

    def begun(self, span: Span) -> "Repeat":
        """The same for a first event: a lone day goes with its start. Raises Invalid."""
        begins, ends = span.times()
        days = sorted(set(self.days or ()), key=WEEKDAYS.index)
        lone = days == [WEEKDAYS[begins.weekday()]]
        full = self.model_copy(update={"days": None if lone else days or None})
        full._hold(begins)
        if ends - begins > timedelta(days=full._least_days):
            raise Invalid("Each event of this series would last into the next one.")
        shown = ((each, each.replace(fold=1 - each.fold)) for each in (begins, ends))
        twice = [one.utcoffset() != other.utcoffset() for one, other in shown]
        if not span.is_day and any(twice):
            raise Invalid("The clocks change then. Let the series begin on another day.")
        return full

    def holds(self, span: Span) -> None:
        """Raises a ValueError in words for a first event that is none of its series."""
        try:
            self.begun(span)
        except Invalid as error:
            raise unfit(error.message.rstrip(".")) from None

    def _hold(self, begins: datetime) -> None:
        """Raises Invalid for a first event that is not on one of its days."""
        named = WEEKDAYS[begins.weekday()]
        if self.days and named not in self.days:
            raise Invalid(
                f"The first event is on a {named.title()}, and the series is not. Let start be on "
                "one of its days."
            )
        if self.nth and not _is_nth(begins.date(), self.nth):
            raise Invalid(
                f"The first event is not on the {self.nth} {named.title()} of its month. Let start "
                "be on one of the days of the series."
            )
        if self.every == "month" and not self.nth and begins.day > _EACH_MONTH:
            raise Invalid(
                f"Not every month has a day {begins.day}. Take a day up to {_EACH_MONTH}, or "
                "say nth with a weekday, such as last."
            )
        if self.every == "year" and (begins.month, begins.day) == (2, 29):
            raise Invalid("Not every year has a 29 February. Take another day.")
        if self.until and date.fromisoformat(self.until) < begins.date():
            raise Invalid("The series would be over before its first event.")

    @property
    def _least_days(self) -> int:
        """Days between one event and the next, at least."""
        if self.days and len(self.days) > 1:
            return 1
        return _LEAST_DAYS[self.every] * self.interval

    def moved(self, days: int) -> "Repeat":
        """The rule of a series that falls so many days later. Raises Invalid."""
        if days and self.nth:
            raise Invalid("Say repeat as well: this series goes by the weekday of its month.")
        more: dict[str, object] = {}
        if self.days:
            more["days"] = [WEEKDAYS[(WEEKDAYS.index(each) + days) % 7] for each in self.days]
        if self.until:
            more["until"] = (date.fromisoformat(self.until) + timedelta(days=days)).isoformat()
        return self.model_copy(update=more)

    def left(self, gone: int) -> "Repeat":
        """The rule when so many of its events are no part of it any more. Raises Invalid."""
        if not gone or not self.times:
            return self
        if self.times - gone < 2:
            raise Invalid("It is the last of its series. Change it alone, without following.")
        return self.model_copy(update={"times": self.times - gone})

    def falls(self, begins: date) -> Iterator[date]:
        """The days on which it falls, the first event's first; without an end where it has none."""
        last = date.fromisoformat(self.until) if self.until else date.max
        return islice(takewhile(lambda day: day <= last, self._days(begins)), self.times)

    def _days(self, begins: date) -> Iterator[date]:
        """The same without its end."""
        if self.every == "day":
            yield from (begins + timedelta(days=n) for n in count(0, self.interval))
        elif self.every == "week":
            named = self.days or [WEEKDAYS[begins.weekday()]]
            monday = begins - timedelta(days=begins.weekday())
            weeks = (monday + timedelta(weeks=n) for n in count(0, self.interval))
            on = sorted(WEEKDAYS.index(each) for each in named)
            days = (week + timedelta(days=each) for week in weeks for each in on)
            yield from (day for day in days if day >= begins)
        else:
            step = self.interval * (12 if self.every == "year" else 1)
            for n in count(begins.month - 1, step):
                month = date(begins.year + n // 12, n % 12 + 1, 1)
                yield self._in_month(month, begins)

    def _in_month(self, month: date, begins: date) -> date:
        """Its day in a month."""
        if not self.nth:
            return month.replace(day=begins.day)
        first = month + timedelta(days=(begins.weekday() - month.weekday()) % 7)
        if self.nth == "last":
            fifth = first + timedelta(weeks=4)
            return fifth if fifth.month == month.month else first + timedelta(weeks=3)
        return first + timedelta(weeks=NTHS.index(self.nth))

    def words(self, begins: date) -> str:
        """How people read it."""
        many = f"{self.interval} {self.every}s" if self.interval > 1 else self.every
        much, named, on = f"every {many}", WEEKDAYS[begins.weekday()].title(), ""
        if self.every == "week":
            on = f" on {', '.join(each.title() for each in self.days or ()) or named}"
        elif self.nth:
            on = f" on the {self.nth} {named}"
        elif self.every == "month":
            on = f" on day {begins.day}"
        elif self.every == "year":
            on = f" on {begins:%-d %B}"
        if self.times:
            return f"{much}{on}, {self.times} times"
        if self.until:
            return f"{much}{on}, until {date.fromisoformat(self.until):%A %-d %B %Y}"
        return f"{much}{on}, without an end"


def _is_nth(day: date, nth: Nth) -> bool:
    if nth == "last":
        return (day + timedelta(days=7)).month != day.month
    return (day.day - 1) // 7 == NTHS.index(nth)
