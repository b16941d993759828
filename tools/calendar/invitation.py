"""Making an event in the connected calendar, with guests and a link to meet online.

https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
https://learn.microsoft.com/graph/api/user-post-events (read 2026-11-21)

What names the event to the vendor comes from the deed, so the same deed makes it once. No vendor
promises to notice every time, so it is looked for first.
"""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit
from tools.calendar._accounts import service_of
from tools.calendar._arguments import (
    Guests,
    InCalendar,
    OneLine,
    Words,
    about,
    account_line,
    asked,
    fitting,
)
from tools.calendar._book import Wish
from tools.calendar._moment import Moment, Span, Zone, at, by_clock, is_day, later
from tools.calendar._repeat import Repeat
from tools.calendar._series import repeat_line

USUAL = timedelta(minutes=30)
KEPT_S = 365 * 86_400
"""An id stays taken, even when its event is deleted; a year is more than any deed takes."""


class NewEvent(InCalendar):
    """An event to be made."""

    title: OneLine = Field(min_length=1, max_length=300)
    start: Moment
    end: Moment | None = None
    zone: Zone = ""
    location: OneLine = ""
    description: Words = ""
    guests: Guests | None = None
    meet: bool = False
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse times that are none, or none of their series, as soon as the zone is known."""
        if self.zone and self.end:
            self.span().times()
            if self.repeat:
                self.repeat.holds(self.span())
        return self

    def span(self) -> Span:
        """From when to when."""
        return Span(start=self.start, end=self.end or self.start, zone=self.zone or "UTC")

    def wish(self) -> Wish:
        """The same as a calendar takes it."""
        return Wish(
            title=self.title,
            span=self.span(),
            location=self.location or None,
            description=self.description or None,
            add=tuple(self.guests or ()),
            meet=self.meet,
            repeat=self.repeat,
        )


async def complete(ctx: ToolContext, args: NewEvent) -> NewEvent:
    """Say in which account and zone, and until when. Raises Invalid, OperatorError."""
    book = await asked(ctx, args)
    fitting(book.service, args.title)
    zone = args.zone or ctx.zone or "UTC"
    known = {**await about(ctx, book, args), "zone": zone, "end": args.end or _usual(args, zone)}
    if args.guests:
        known["guests"] = list(dict.fromkeys(args.guests))
    full = refit(args, known)
    if args.repeat:
        rule = args.repeat.begun(full.span())
        full = full.model_copy(update={"repeat": rule})
    if full.span().times()[1] <= ctx.clock.now():
        raise Invalid("That time is over. Say one that is ahead.")
    return full


def _usual(args: NewEvent, zone: str) -> str:
    if is_day(args.start):
        return args.start
    try:
        return by_clock(later(at(args.start, zone), USUAL))
    except ValueError as error:
        raise Invalid(f"{error}.") from None


def preview(args: NewEvent) -> Card:
    """What, when, where, whom, and in whose calendar."""
    span, guests, service = args.span(), args.guests or [], service_of(args.service)
    lines = [
        Line(name="Title", value=args.title, editable="title"),
        Line(name="When", value=span.words(args.home)),
    ]
    if args.repeat:
        lines.append(repeat_line(args.repeat, span))
    if not span.is_day and args.home and args.zone != args.home:
        lines.append(Line(name="There", value=span.words(args.zone)))
    lines += [
        Line(name="Start", value=args.start, editable="start"),
        Line(name="End", value=args.end or args.start, editable="end"),
        Line(name="Where", value=args.location or "no place", editable="location"),
        Line(name=service.meets, value="with a link" if args.meet else "no"),
        Line(name="Guests", value=", ".join(guests) or "nobody"),
        account_line(args),
    ]
    if args.description:
        words = Line(name="Description", value=args.description, long=True, editable="description")
        lines.append(words)
    return Card(
        title=f"Make an event in {service.title}",
        recipients=tuple(guests),
        fields=tuple(lines),
        body=args.description,
        audience="the guests, who get an invitation by mail" if guests else "this calendar",
    )


async def calendar_create(ctx: ToolContext, args: NewEvent) -> Outcome:
    """Make an event in the connected Google or Outlook calendar, and invite people to it.

    Use it when the person wants something put into the calendar. Do not use it to change an event
    that is there: that is calendar_update. Look with calendar_find_time first when others come.
    - title: what it is called.
    - start: when it begins, on the person's clocks, such as "2026-11-23 14:00"; a whole day is
      "2026-11-23". Add an offset ("+01:00") where a clock shows the time twice.
    - end: the same for its end, the last day included; without it, half an hour or that one day.
    - zone: the time zone of start and end, only when it is not the person's.
    - location, description: plain words.
    - guests: e-mail addresses; each gets an invitation.
    - repeat: only for a series, whose first event start is. every: day, week, month or year;
      interval: 2 for every second one; days: for weeks with several, such as ["monday", "friday"];
      nth: for months, first to fourth or last, of the weekday of start; until: the last day, or
      times: how often; neither: without an end. Such as {"every": "week", "until": "2027-01-29"}.
    - meet: true for a link to meet online (Google Meet, Microsoft Teams).
    - calendar: another calendar's id; leave it out for the main one.
    - service: google or outlook, only when both are connected.
    Example: {"title": "Budget", "start": "2026-11-23 14:00", "end": "2026-11-23 15:00",
    "guests": ["ann@example.org"], "meet": true}
    """
    book = await asked(ctx, args)
    event = await book.make(args.calendar, f"{ctx.tenant}:{ctx.key}", args.wish())
    if event.is_over:
        data = "It was made, and has been cancelled since."
        return Outcome(state=EffectState.SENT, vendor_ref=event.id, data=data)
    if args.meet and not event.join_url:  # the link is made a moment later
        event = await book.event(args.calendar, event.id)
    told = f"It is in the calendar as event {event.id}."
    if args.meet:
        meets, link = book.service.meets, event.join_url
        told += f" {meets}: {link}" if link else f" {meets} has not made the link yet."
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=event.url, data=told)


TOOLS = (
    Tool(
        name="calendar_create",
        arguments=NewEvent,
        perform=calendar_create,
        complete=complete,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=KEPT_S,
        egress=True,
        saying="making an event",
    ),
)
