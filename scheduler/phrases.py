"""The table of phrases: what people say about when, and the trigger that it makes.

A line is a pattern that must match all words that are left once the time of day was cut out, and a
function. Stated rules: no time of day means 09:00; `on Monday`, `at 9` and `on 3 March` mean the
next one; `every 2 hours` and other spans that divide the hour or the day run on the even minute or
hour, all others from now on; `on the 31st` skips months that have none. A time of day where it has
no meaning is refused, not dropped.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.errors import Invalid
from bot.frozen import frozen
from scheduler.times import to_utc

DEFAULT_TIME = time(9)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_COUNTED = (
    "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_NUMBERS = {word: n for n, word in enumerate(_COUNTED, 1)}
_NUMBERS |= {"a": 1, "an": 1, "other": 2, "second": 2}
_NTH = {"first": "1", "second": "2", "third": "3", "fourth": "4", "last": "l"}
_PARTS = {"morning": 9, "afternoon": 15, "evening": 18, "night": 20}


@frozen
class Asked:
    """What a line of the table works from."""

    found: re.Match[str]
    at: time | None
    """The time of day, when one was said."""
    zone: ZoneInfo
    now: datetime
    """What a clock in the zone shows."""

    def get(self, name: str) -> str:
        """A part of the phrase; empty when it was not said."""
        return self.found.groupdict().get(name) or ""

    def cron(self, day: str = "*", month: str = "*", weekday: str = "*") -> str:
        """A cron line at the time of day."""
        clock = self.at or DEFAULT_TIME
        return f"{clock.minute} {clock.hour} {day} {month} {weekday}"

    def on(self, day: date) -> datetime:
        """That day at the time of day."""
        return datetime.combine(day, self.at or DEFAULT_TIME)

    def instant(self, wall: datetime) -> str:
        """One instant."""
        return to_utc(wall, self.zone).isoformat()

    def refuse_time(self) -> None:
        """Raise Invalid when a time of day was said."""
        if self.at:
            raise Invalid(f"{self.found[0]!r} has no time of day; leave {self.at:%H:%M} out.")


def _number(text: str) -> int:
    return _NUMBERS.get(text) or int(text)


def _weekdays(text: str) -> str:
    """`monday , tuesday and friday` or `monday to friday` → a weekday field."""
    names = [word[:3] for word in re.findall(_DAY, text)]
    if len(names) == 2 and re.search(r" (?:to|through|until|-) ", text):
        return "-".join(names)
    return ",".join(dict.fromkeys(names))


def _every_weekdays(asked: Asked) -> str:
    return asked.cron(weekday=_weekdays(asked.get("days") or "mon"))


def _every_minute(asked: Asked) -> str:
    asked.refuse_time()
    return "* * * * *"


def _every_hour(asked: Asked) -> str:
    asked.refuse_time()
    return "0 * * * *"


def _every_count(asked: Asked) -> str:
    count, unit = _number(asked.get("count")), asked.get("unit")
    if count < 1:
        raise Invalid("Every 0 of anything is too often. Say it like: every 30 minutes.")
    if unit.startswith("month"):
        return _months(asked, count, "1")
    if unit.startswith(("day", "week")):
        return _spaced(asked, count * (7 if unit.startswith("week") else 1), asked.now.date())
    asked.refuse_time()
    minutes = count * (60 if unit.startswith("hour") else 1)
    if minutes < 60 and 60 % minutes == 0:
        return f"*/{minutes} * * * *"
    if minutes % 60 == 0 and 60 < minutes < 1440 and 1440 % minutes == 0:
        return f"0 */{minutes // 60} * * *"
    if minutes == 60:
        return _every_hour(asked)
    start = to_utc(asked.now.replace(second=0, microsecond=0), asked.zone)
    return f"R/{(start + timedelta(minutes=minutes)).isoformat()}/PT{minutes}M"


def _spaced(asked: Asked, days: int, first: date) -> str:
    """Every so many days, from the first time that is still to come."""
    if days == 1:
        return asked.cron()
    start = asked.on(first)
    if start <= asked.now:
        start += timedelta(days=1)
    return f"R/{start.isoformat(timespec='minutes')}/P{days}D"


def _every_weeks_on(asked: Asked) -> str:
    weeks = _number(asked.get("count") or "2")
    if weeks == 1:
        return asked.cron(weekday=asked.get("day")[:3])
    return _spaced(asked, 7 * weeks, _next_weekday(asked).date())


def _months(asked: Asked, count: int, day: str) -> str:
    if not 1 <= count <= 12 or 12 % count:
        raise Invalid("Months go by 1, 2, 3, 4, 6 or 12. Say it like: every 3 months on the 1st.")
    step = "*" if count == 1 else "1" if count == 12 else f"*/{count}"
    return asked.cron(day=day, month=step)


def _monthly(asked: Asked) -> str:
    said = asked.get("day") or "1"
    day = "l" if said == "last" else str(_day_of(said))
    return _months(asked, _number(asked.get("count") or "1"), day)


def _nth_weekday(asked: Asked) -> str:
    return asked.cron(weekday=f"{asked.get('day')[:3]}#{_NTH[asked.get('nth')]}")


def _yearly(asked: Asked) -> str:
    day, month = _day_and_month(asked)
    return asked.cron(day=str(day), month=str(month))


def _every_part(asked: Asked) -> str:
    clock = _clock_in(asked.at, asked.get("part"))
    return f"{clock.minute} {clock.hour} * * *"


def _in_minutes(asked: Asked) -> str:
    asked.refuse_time()
    count, unit = asked.get("count"), asked.get("unit")
    minutes = 1 if unit.startswith("m") else 60
    span = timedelta(minutes=_number(count) * minutes if count else 30)
    return (to_utc(asked.now, asked.zone) + span).isoformat()


def _in_days(asked: Asked) -> str:
    days = _number(asked.get("count")) * (7 if asked.get("unit").startswith("week") else 1)
    later = asked.now + timedelta(days=days)
    return asked.instant(asked.on(later.date()) if asked.at else later)


def _counted_day(asked: Asked) -> str:
    """`tomorrow`, `today`, `this evening`: a day that is counted from now."""
    ahead = {"tomorrow": 1, "day after tomorrow": 2}.get(asked.get("day"), 0)
    part = "night" if asked.get("day") == "tonight" else asked.get("part")
    if not (ahead or part or asked.at):
        raise Invalid("Say at what time today, like: today at 17:30.")
    clock = _clock_in(asked.at, part) if part else asked.at or DEFAULT_TIME
    wall = datetime.combine(asked.now.date() + timedelta(days=ahead), clock)
    if wall <= asked.now:
        raise Invalid(f"{clock:%H:%M} is over for today. Say it like: tomorrow at {clock:%H:%M}.")
    return asked.instant(wall)


def _clock_in(at: time | None, part: str) -> time:
    """The time of day in a part of the day: `tonight at 8` is 20:00."""
    if at is None:
        return time(_PARTS[part])
    return at.replace(hour=at.hour + 12) if part != "morning" and at.hour < 12 else at


def _only_time(asked: Asked) -> str | None:
    if asked.at is None:
        return None
    wall = asked.on(asked.now.date())
    return asked.instant(wall if wall > asked.now else wall + timedelta(days=1))


def _next_weekday(asked: Asked) -> datetime:
    ahead = (_DAYS.index(asked.get("day")[:3]) - asked.now.isoweekday()) % 7
    wall = asked.on(asked.now.date() + timedelta(days=ahead))
    return wall if wall > asked.now else wall + timedelta(days=7)


def _one_weekday(asked: Asked) -> str:
    return asked.instant(_next_weekday(asked))


def _day_of(text: str) -> int:
    day = int(re.sub(r"\D", "", text))
    if not 1 <= day <= 31:
        raise Invalid(f"No month has a day {day}.")
    return day


def _day_and_month(asked: Asked) -> tuple[int, int]:
    day = _day_of(asked.get("d") or asked.get("d2"))
    month = _MONTHS.index((asked.get("m") or asked.get("m2"))[:3])
    if day > _LENGTHS[month]:
        raise Invalid(f"There is no {day} {_MONTHS[month].capitalize()}.")
    return day, month + 1


def _date(asked: Asked) -> str:
    day, month = _day_and_month(asked)
    year = asked.get("year")
    for candidate in (int(year),) if year else range(asked.now.year, asked.now.year + 9):
        try:
            wall = asked.on(date(candidate, month, day))
        except ValueError:
            continue  # 29 February of a common year
        if year or wall > asked.now:
            return asked.instant(wall)
    raise Invalid(f"There is no {day} {_MONTHS[month - 1].capitalize()} {year}.")


_EACH = r"(?:every|each)"
_DAY = r"(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:days?)?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_ORD = r"\d{1,2}(?:st|nd|rd|th)?"
_COUNT = r"(?P<count>\d{1,4}|an?|" + "|".join(_COUNTED) + ")"
_OTHER = r"(?P<count>\d{1,4}|other|second|" + "|".join(_COUNTED) + ")"
_SEVERAL = rf"(?P<days>{_DAY}(?:(?: ,)?(?: and| to| through| until| -)? {_DAY})*)"
_DATE = rf"(?:(?P<d>{_ORD})(?: of)? (?P<m>{_MONTH})|(?P<m2>{_MONTH}) (?:the )?(?P<d2>{_ORD}))"
_OF_MONTH = rf"(?: day)? of (?:the|{_EACH}) month"
TABLE: tuple[tuple[str, Callable[[Asked], str | None]], ...] = (
    (rf"{_EACH} day|daily", Asked.cron),
    (rf"(?:{_EACH} |on )?(?:weekdays?|work(?:ing )?days?)", lambda a: a.cron(weekday="mon-fri")),
    (rf"(?:{_EACH} |on )?weekends?", lambda a: a.cron(weekday="sun,sat")),
    (rf"{_EACH} (?P<part>morning|afternoon|evening|night)", _every_part),
    (rf"{_EACH} {_SEVERAL}", _every_weekdays),
    (rf"(?:on )?(?=.*days\b){_SEVERAL}", _every_weekdays),
    (rf"(?:on )?(?=.* (?:to|through|-) ){_SEVERAL}", _every_weekdays),
    (rf"(?:{_EACH} week|weekly)(?: on {_SEVERAL})?", _every_weekdays),
    (rf"{_EACH} minute", _every_minute),
    (rf"{_EACH} hour|hourly", _every_hour),
    (rf"{_EACH} {_OTHER} (?P<unit>minutes?|mins?|hours?|days?|weeks?|months?)", _every_count),
    (rf"{_EACH} {_OTHER} weeks? on (?P<day>{_DAY})", _every_weeks_on),
    (rf"{_EACH} (?:other|second) (?P<day>{_DAY})", _every_weeks_on),
    (rf"(?:{_EACH} month|monthly)(?:(?: on)?(?: the)? (?P<day>{_ORD}|last)(?: day)?)?", _monthly),
    (rf"(?:{_EACH}|on the|the) (?P<day>{_ORD}|last){_OF_MONTH}", _monthly),
    (rf"{_EACH} {_OTHER} months? on the (?P<day>{_ORD}|last)(?: day)?", _monthly),
    (
        rf"(?:{_EACH}|on the|the) (?P<nth>first|second|third|fourth|last) (?P<day>{_DAY})"
        rf"(?: (?:of|in) (?:the|{_EACH}) month)",
        _nth_weekday,
    ),
    (rf"(?:{_EACH} year|yearly|annually|{_EACH})(?: on)?(?: the)? {_DATE}", _yearly),
    (rf"in (?:{_COUNT}|half an) (?P<unit>minutes?|mins?|hours?)", _in_minutes),
    (rf"in {_COUNT} (?P<unit>days?|weeks?)", _in_days),
    (
        r"(?:the )?(?P<day>tomorrow|day after tomorrow|today|tonight|this)"
        r"(?: (?P<part>morning|afternoon|evening|night))?",
        _counted_day,
    ),
    (rf"(?:on |next |this |coming )?(?P<day>{_DAY})", _one_weekday),
    (rf"(?:on )?(?:the )?{_DATE}(?: ,)?(?: (?P<year>20\d\d))?", _date),
    (r"", _only_time),
)
"""Pattern and function of each phrase; the first that matches counts. Each is compiled, and kept by
`re`, when somebody first says when: all of them take longer than a start should wait for."""
