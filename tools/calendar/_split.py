"""A series in two: what stays before one of its events, and that event with all that follow it.

https://developers.google.com/workspace/calendar/api/v3/reference/events/instances
https://learn.microsoft.com/graph/api/event-list-instances (read 2026-11-22)

What a call means and what its card says; `_parting.py` does it. A card counts the events that are
there, and names each that was changed or cancelled alone: a rule does not know of those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Field as Line
from bot.core.errors import Invalid
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools._arguments import unfit
from tools.calendar._arguments import Hidden, Known
from tools.calendar._book import Book, Wish
from tools.calendar._event import Event
from tools.calendar._moment import Moment, Span, Zone
from tools.calendar._repeat import Repeat
from tools.calendar._series import (
    Asked,
    Meant,
    OfSeries,
    about_series,
    repeat_line,
    series_lines,
    settled,
    slot_of,
)

LOOK = timedelta(days=730)
"""How far before and behind the one that is named single events are looked at."""
_FAR = timedelta(days=60)
"""How far a single event may have been moved and is still seen."""
_LONG = timedelta(days=50 * 366)
"""What goes on longer is not counted."""
_SHOWN = 20
LOST_AFTER = (
    "What follows becomes a new series. Those named under “Alone till now” become as all others of "
    "it; the cancelled ones take place again."
)
LOST_BEFORE = "Those named under “Alone before it” stay, and may be as the others again."


class Rest(BaseModel):
    """What stays of a series that ends before one of its events: its first event, and its rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Moment
    end: Moment
    zone: Zone
    repeat: Repeat

    def span(self) -> Span:
        """The first event's times."""
        return Span(start=self.start, end=self.end, zone=self.zone)

    def wish(self) -> Wish:
        """The same as a calendar takes it."""
        return Wish(span=self.span(), repeat=self.repeat)

    def is_of(self, event: Event) -> bool:
        """Whether a series is still the one that it is the rest of, wherever that ends."""
        try:
            same = event.span(self.zone).times() == self.span().times()
            rule = event.repeat.begun(self.span()) if event.repeat else None
        except (ValueError, Invalid):
            return False
        return same and rule is not None and _endless(rule) == _endless(self.repeat)


def _endless(rule: Repeat) -> Repeat:
    return rule.model_copy(update={"until": None, "times": None})


class OfRest(OfSeries):
    """What acts on one event, on its whole series, or on it and all that follow it."""

    following: bool = False
    first: Hidden = ""
    """The event from which on a series is meant; `event` is the series then."""
    rest: SkipJsonSchema[Rest | None] = None
    """What stays of that series."""
    stays: Hidden = ""
    follows: Hidden = ""
    """How many, in words."""
    alone: Known = None
    """What follows and was changed alone, in words."""
    before_alone: Known = None

    @model_validator(mode="after")
    def says_one_thing(self) -> Self:
        """Refuse what says two things."""
        if self.series and self.following:
            raise unfit("say series or following, not both")
        return self


NO_REST: Mapping[str, Json] = {
    "first": "",
    "rest": None,
    "stays": "",
    "follows": "",
    "alone": None,
    "before_alone": None,
}
"""What a call that parts nothing says of it, whatever a model wrote there."""


async def about_rest(ctx: ToolContext, book: Book, args: OfRest) -> tuple[Meant, int]:
    """Which series is meant and from where on, and how many of its rule stay before that.

    Raises Invalid, VendorUnknown.
    """
    whole = OfSeries(
        calendar=args.calendar, service=args.service, event=args.first or args.event, series=True
    )
    meant = await about_series(ctx, book, whole)
    named, home = meant.named, ctx.zone or "UTC"
    if not named.series:
        raise Invalid("Name one event of a series, from which on it is meant.")
    rest, rule = _before(meant, home)
    seen = await _seen(book, args.calendar, meant, (rest, rule))
    more: dict[str, Json] = {
        "first": named.id,
        "when": named.when(home),
        "rest": rest.model_dump(mode="json", exclude_none=True),
    }
    return replace(meant, known={**meant.known, **more, **seen.words()}), seen.gone


def _before(meant: Meant, home: str) -> tuple[Rest, Repeat]:
    """What stays before the event that was named, and the rule of all. Raises Invalid."""
    zone = meant.event.zone or home
    try:
        first, day = (_day(each, zone) for each in (meant.event, meant.named))
    except ValueError as error:
        raise Invalid(f"{error}.") from None
    if day <= first:
        raise Invalid("It is the first of its series. Say series: true, for all of it.")
    until = (day - timedelta(days=1)).isoformat()
    made = settled(meant, Asked(start=None, end=None, repeat=None, until=until, zone=zone))
    rest = Rest.model_validate({**made, "zone": zone})
    return rest, meant.event.repeat or rest.repeat


def _day(event: Event, zone: str) -> date:
    return slot_of(event, zone).date()


@frozen
class Seen:
    """What there is of a series on either side."""

    gone: int
    stays: int
    follows: int
    since: date | None
    until: date | None
    """The days between which single events were looked at, where there are others."""
    goes_on: str
    """How long what follows goes on, in words, where nobody counts it."""
    alone: Sequence[str]
    before_alone: Sequence[str]

    def words(self) -> dict[str, Json]:
        """As a card says it."""
        later = [f"none after {self.until:%-d %B %Y} was looked at"] if self.until else []
        earlier = [f"none before {self.since:%-d %B %Y} was looked at"] if self.since else []
        follows = _many(self.follows, is_all=not self.until)
        return {
            "stays": _many(self.stays, is_all=not self.since),
            "follows": self.goes_on or follows,
            "alone": _shown(self.alone, later),
            "before_alone": _shown(self.before_alone, earlier),
        }


async def _seen(book: Book, calendar: str, meant: Meant, told: tuple[Rest, Repeat]) -> Seen:
    """Look at each event of a series, as far as `LOOK`."""
    (rest, rule), master = told, meant.event
    first, cut = master.span(rest.zone).times()[0], slot_of(meant.named, rest.zone)
    begins, ends = max(first - _FAR, cut - LOOK), cut + LOOK
    there = await book.of_series(calendar, master.id, begins - _FAR, ends + _FAR)
    on = {_day(each, rest.zone): each for each in there}
    until = _ends_at(rule, first.date(), ends.date(), max(on, default=cut.date()))
    last = until or ends.date()
    days = list(takewhile(lambda day: day <= last, rule.falls(first.date())))
    far = [day for day in days if day < begins.date()]
    near = days[len(far) :]
    alone = {day: _alone(day, on.get(day), master, rest.zone) for day in near}
    is_on = [day for day in near if day in on]
    goes_on = _goes_on(rule, cut.date())
    behind = 0 if goes_on else sum(day > last for day in rule.falls(first.date()))
    return Seen(
        gone=sum(day < cut.date() for day in days),
        stays=len(far) + sum(day < cut.date() for day in is_on),
        follows=sum(day >= cut.date() for day in is_on) + behind,
        since=begins.date() if far else None,
        until=until,
        goes_on=goes_on,
        alone=[words for day, words in alone.items() if words and day >= cut.date()],
        before_alone=[words for day, words in alone.items() if words and day < cut.date()],
    )


def _goes_on(rule: Repeat, cut: date) -> str:
    if not rule.until and not rule.times:
        return "without an end"
    is_long = rule.until and date.fromisoformat(rule.until) - cut > _LONG
    return "for more than fifty years" if is_long else ""


def _ends_at(rule: Repeat, first: date, ends: date, seen: date) -> date | None:
    """Until when single events were told; None: to the end of the series.

    Of a series that goes on far beyond, calendars tell some years: a day behind the last that they
    tell of was not cancelled.
    """
    for day in rule.falls(first):
        if day > ends:
            return min(ends, seen)
    return None


def _alone(day: date, event: Event | None, master: Event, zone: str) -> str:
    """How one event is other than its series; empty where it is not."""
    named = f"{day:%A %-d %B %Y}"
    if event is None:
        return f"{named} (cancelled)"
    try:
        begins, ends = (each.replace(tzinfo=None) for each in event.span(zone).times())
    except ValueError as error:
        return f"{named} ({error})"
    first, last = (each.replace(tzinfo=None) for each in master.span(zone).times())
    if (begins.date(), begins.time(), ends - begins) != (day, first.time(), last - first):
        return f"{named} (is {event.when(zone)})"
    pairs = {
        "title": (event.summary, master.summary),
        "place": (event.location, master.location),
        "description": (event.description, master.description),
        "guests": ({*event.others}, {*master.others}),
    }
    other = [name for name, (one, all_) in pairs.items() if one != all_]
    return f"{named} (has its own {', '.join(other)})" if other else ""


def _many(number: int, *, is_all: bool) -> str:
    much = f"{number} event{'' if number == 1 else 's'}"
    return much if is_all else f"about {much}"


def _shown(words: Sequence[str], besides: Sequence[str]) -> list[Json] | None:
    more = [f"and {len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    return [*words[:_SHOWN], *more, *besides] if words else None


def rest_lines(args: OfRest, verb: Literal["Changes", "Cancels"]) -> list[Line]:
    """How much of a series, and what becomes of what was changed alone; nothing where none is."""
    if not args.rest:
        return series_lines(args, verb)
    much = f"this one of its series and all that follow it ({args.follows or 'not counted yet'})"
    rule = repeat_line(args.rest.repeat, args.rest.span()).value
    lines = [Line(name=verb, value=much), Line(name="Stays", value=f"{args.stays}: {rule}")]
    if args.alone and verb == "Changes":
        lines.append(Line(name="Alone till now", value=_joined(args.alone), long=True))
    if args.before_alone:
        lines.append(Line(name="Alone before it", value=_joined(args.before_alone), long=True))
    return lines


def _joined(words: Sequence[str]) -> str:
    return "; ".join(words)


def rest_warnings(args: OfRest, verb: Literal["Changes", "Cancels"]) -> list[str]:
    """What is lost of what was changed or cancelled alone."""
    told = [LOST_AFTER] if args.alone and verb == "Changes" else []
    return [*told, LOST_BEFORE] if args.before_alone else told
