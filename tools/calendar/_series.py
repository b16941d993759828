"""Events of a series: one alone, or all of it; and what a series, or the end of one, becomes.

A call names one event; `series` takes its whole series, past and future. What is said of that one
(a day later, at ten) is then done to each, so its first event moves by as much. `settled` says the
first event's times and the whole rule: the card shows them, and the yes is bound to them. One event
and all that follow it are a matter of `_split.py`.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.core.canonical import Json
from bot.core.card import Field as Line
from bot.core.errors import Invalid
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.calendar._arguments import OfEvent, Told, about_event
from tools.calendar._book import Book
from tools.calendar._event import Event
from tools.calendar._moment import Moment, Span, at, is_day
from tools.calendar._repeat import Repeat

LOST = "Events of this series that were changed or cancelled alone may be as the others again."


class OfSeries(OfEvent):
    """What acts on one event, or on the whole series that it is one of."""

    series: bool = False
    is_series: Told = False
    is_one: Told = False
    """It is one event of a series."""


@frozen
class Meant:
    """What a call means."""

    named: Event
    """The event whose id was given."""
    event: Event
    """That one, or its series."""
    known: dict[str, Json]


async def about_series(ctx: ToolContext, book: Book, args: OfSeries) -> Meant:
    """Which event is meant, as it stands. Raises Invalid where that is not certain."""
    named, id_ = None, args.event
    if args.series:
        named = await book.event(args.calendar, id_)
        id_ = named.series or id_
    event, known = await about_event(ctx, book, args, id_)
    if event.is_series and not args.series:
        raise Invalid("This is a whole series. Say series: true, or name one event of it.")
    known |= {"is_series": event.is_series, "is_one": bool(event.series)}
    return Meant(named=named or event, event=event, known=known)


def series_lines(args: OfSeries, verb: Literal["Changes", "Cancels", "Answers"]) -> list[Line]:
    """How much of a series; nothing where there is none."""
    if not args.is_series and not args.is_one:
        return []
    much = "the whole series, past and future" if args.is_series else "this one of its series"
    return [Line(name=verb, value=much)]


@frozen
class Asked:
    """What is asked for a series; None: that stays."""

    start: Moment | None
    end: Moment | None
    repeat: Repeat | None
    until: str | None
    zone: str


def settled(meant: Meant, asked: Asked, gone: int | None = None) -> dict[str, Json]:
    """`start`, `end` and `repeat` of the series as it is to be. Raises Invalid.

    `gone`: what was named begins a series of its own, and so many of the rule stay before it.
    """
    if meant.event.is_series and meant.event.odd_zone:
        raise Invalid(
            f"This series keeps the clocks of “{meant.event.odd_zone}”, which is no zone that is "
            "known here: its days could shift. Change it in the calendar."
        )
    try:
        span, days = _moved(meant, asked, is_parted=gone is not None)
        rule = asked.repeat
        if not rule:
            rule = _rule(meant.event).left(gone or 0)
            rule = rule.moved(days + _shifted(meant.event, asked.zone))
        if asked.until:
            more = {"until": asked.until, "times": None}
            rule = Repeat.model_validate(rule.model_dump() | more)
        rule = rule.begun(span)
    except ValueError as error:
        raise Invalid(f"{error}.") from None
    return {
        "start": span.start,
        "end": span.end,
        "repeat": rule.model_dump(mode="json", exclude_none=True),
    }


def _rule(event: Event) -> Repeat:
    if event.repeat:
        return event.repeat
    if event.is_series:
        raise Invalid("How this series goes cannot be said here. Say repeat as well, in full.")
    raise Invalid("This event does not repeat. Say repeat to make it a series.")


def _moved(meant: Meant, asked: Asked, *, is_parted: bool) -> tuple[Span, int]:
    """The first event's times, and by how many days they are later. Raises ValueError."""
    zone = asked.zone
    was = meant.event.span(zone)
    begins, ends = (each.replace(tzinfo=None) for each in was.times())
    slot = slot_of(meant.named, zone).date()
    if is_parted:
        ahead = slot - begins.date()
        begins, ends = begins + ahead, ends + ahead
    if not asked.start:
        return _span(begins, ends - begins, zone, whole=was.is_day), 0
    if is_day(asked.start) is not was.is_day:
        raise Invalid("Events of a series cannot turn from times to whole days here, or back.")
    now = at(asked.start, zone).replace(tzinfo=None)
    long = ends - begins
    if asked.end:
        whole = timedelta(days=1 if is_day(asked.end) else 0)
        long = at(asked.end, zone).replace(tzinfo=None) + whole - now
    days = (now.date() - slot).days
    first = datetime.combine(begins.date() + timedelta(days=days), now.time())
    return _span(first, long, zone, whole=was.is_day), days


def _shifted(event: Event, zone: str) -> int:
    """By how many days the clocks of a zone show a series later than those of its own."""
    if not event.is_series or not event.zone:
        return 0
    here, there = (event.span(each).times()[0].date() for each in (zone, event.zone))
    return (here - there).days


def slot_of(event: Event, zone: str) -> datetime:
    """When its series has an event, on the clocks of a zone. Raises ValueError."""
    when = event.slot or event.start
    if when is None:
        raise ValueError("no time is told")
    if isinstance(when, datetime):
        return when.astimezone(ZoneInfo(zone))
    return datetime(when.year, when.month, when.day, tzinfo=UTC)


def _span(begins: datetime, long: timedelta, zone: str, *, whole: bool) -> Span:
    """On clocks that show each of these once. Raises ValueError."""
    if whole:
        last = begins + long - timedelta(days=1)
        span = Span(start=f"{begins:%Y-%m-%d}", end=f"{last:%Y-%m-%d}", zone=zone)
    else:
        ends = begins + long
        span = Span(start=f"{begins:%Y-%m-%d %H:%M}", end=f"{ends:%Y-%m-%d %H:%M}", zone=zone)
    span.times()
    return span


def repeat_line(repeat: Repeat, span: Span) -> Line:
    """How it repeats, in words."""
    try:
        words = repeat.words(span.times()[0])
        return Line(name="Repeats", value=words if span.is_day else f"{words} ({span.zone})")
    except ValueError:
        return Line(name="Repeats", value=f"every {repeat.every}")
