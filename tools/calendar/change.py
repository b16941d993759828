"""Changing an event that is there: moving it, its words and place, its guests, a link to meet.

https://developers.google.com/workspace/calendar/api/v3/reference/events/patch
https://learn.microsoft.com/graph/api/event-update (read 2026-11-21)

The change goes through only while the event is still as it was shown, and leaves the deed's name in
a property of ours, by which a look-up knows whether it was done.
"""

from datetime import UTC, timedelta
from typing import Self

from pydantic import model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit, unfit
from tools.calendar._accounts import service_of
from tools.calendar._arguments import (
    Guests,
    OneLine,
    Told,
    Words,
    account_line,
    asked,
    event_lines,
    fitting,
)
from tools.calendar._book import Changed, Wish
from tools.calendar._event import Event
from tools.calendar._moment import Day, Moment, Span, Zone, at, by_clock, is_day, later
from tools.calendar._parting import looked_up, parted
from tools.calendar._repeat import Repeat
from tools.calendar._series import LOST, Asked, about_series, repeat_line, settled
from tools.calendar._split import NO_REST, OfRest, about_rest, rest_lines, rest_warnings

_WORDS = ("title", "location", "description", "add_guests", "remove_guests")
_TIMES = ("start", "repeat", "until")


class Change(OfRest):
    """What an event becomes; what is left out stays."""

    title: OneLine | None = None
    start: Moment | None = None
    end: Moment | None = None
    zone: Zone = ""
    location: OneLine | None = None
    description: Words | None = None
    add_guests: Guests | None = None
    remove_guests: Guests | None = None
    meet: bool = False
    repeat: Repeat | None = None
    until: Day | None = None
    new_link: Told = False
    leaves_files: Told = False

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse a change of nothing, and times that are none."""
        if not self.meet and all(getattr(self, name) is None for name in (*_WORDS, *_TIMES)):
            raise unfit("say what is to be changed")
        if self.title == "":
            raise unfit("the title cannot be empty")
        if self.end and not self.start:
            raise unfit("give start with end")
        if self.zone and self.start and self.end:
            self.span().times()
            if self.repeat and self.etag:  # before that the event need not be the first
                self.repeat.holds(self.span())
        return self

    def span(self) -> Span:
        """When it is to be."""
        start = self.start or ""
        return Span(start=start, end=self.end or start, zone=self.zone or "UTC")

    def wish(self) -> Wish:
        """The same as a calendar takes it."""
        return Wish(
            title=self.title,
            span=self.span() if self.start else None,
            location=self.location,
            description=self.description,
            add=tuple(self.add_guests or ()),
            remove=tuple(self.remove_guests or ()),
            meet=self.meet,
            repeat=self.repeat,
        )


async def complete(ctx: ToolContext, args: Change) -> Change:
    """Say which event, as it stands, and until when it will last. Raises Invalid, NotFound."""
    book = await asked(ctx, args)
    gone: int | None = None
    if args.following:
        meant, gone = await about_rest(ctx, book, args)
        _check_can_part(meant.event)
    else:
        meant = await about_series(ctx, book, args)
    event, known = meant.event, {**NO_REST, **meant.known}
    known["new_link"] = args.following and bool(event.join_url)
    known["leaves_files"] = args.following and event.has_files
    if not event.may_change:
        raise Invalid("Only the organizer may change this event. Answer it with calendar_respond.")
    if event.series and (args.repeat or args.until):
        raise Invalid("This is one event of a series. Say series: true to change how it repeats.")
    if (args.add_guests or args.remove_guests) and event.hides_guests:
        raise Invalid("This event has more guests than are shown. Change them in the calendar.")
    if args.description is not None and event.holds_words:
        raise Invalid("Its description holds the link to meet. Change it in the calendar.")
    fitting(book.service, args.title)
    zone = args.zone or ("" if args.start else event.zone) or ctx.zone or "UTC"
    known["zone"] = zone
    if args.following or args.repeat or args.until or (args.start and event.is_series):
        wanted = Asked(
            start=args.start, end=args.end, repeat=args.repeat, until=args.until, zone=zone
        )
        known |= settled(meant, wanted, gone)
    elif args.start:
        known["end"] = args.end or _as_long(event, args.start, zone)
    full = refit(args, known)
    is_first = args.following or (args.start and not event.is_series)
    if is_first and full.span().times()[1] <= ctx.clock.now():
        raise Invalid("That time is over. Say one that is ahead.")
    return full


def _check_can_part(event: Event) -> None:
    """Raises Invalid for a series of which nobody could make a second one alike."""
    if event.hides_guests:
        raise Invalid("This event has more guests than are shown. Change it in the calendar.")
    if event.holds_words:
        raise Invalid("Its description holds the link to meet. Change it in the calendar.")
    if event.meets_elsewhere:
        raise Invalid("It has a link to meet that is not the calendar's own. Change it there.")


def _as_long(event: Event, start: str, zone: str) -> str:
    """The end of an event that keeps its length. Raises Invalid."""
    try:
        was = event.span(zone)
        if was.is_day is not is_day(start):
            raise Invalid("Give the end as well: it was of whole days, or is to be.")
        begins, ends = was.times()
        begun = at(start, zone)
    except ValueError as error:
        raise Invalid(f"{error}.") from None
    if was.is_day:
        return f"{begun + (ends - begins) - timedelta(days=1):%Y-%m-%d}"
    return by_clock(later(begun, ends.astimezone(UTC) - begins.astimezone(UTC)))


def preview(args: Change) -> Card:
    """Which event, what becomes of it, who is told."""
    service = service_of(args.service)
    lines = [*event_lines(args), *rest_lines(args, "Changes")]
    lines += _time_lines(args)
    if args.title is not None:
        lines.append(Line(name="New title", value=args.title, editable="title"))
    if args.location is not None:
        where = args.location or "no place"
        lines.append(Line(name="Where", value=where, editable="location"))
    if args.add_guests:
        lines.append(Line(name="Invite", value=", ".join(args.add_guests)))
    if args.remove_guests:
        lines.append(Line(name="Take off", value=", ".join(args.remove_guests)))
    if args.meet or args.new_link:
        link = "another link than till now" if args.new_link else "a link is added"
        lines.append(Line(name=service.meets, value=link))
    lines.append(account_line(args))
    if args.description is not None:
        words = args.description
        lines.append(Line(name="Description", value=words, long=True, editable="description"))
    told = tuple(dict.fromkeys([*(args.others or ()), *(args.add_guests or ())]))
    if args.rest and told:
        lines.append(Line(name="Guests get", value=service.parting))
    return Card(
        title=f"Change an event in {service.title}",
        recipients=told,
        fields=tuple(lines),
        body=args.description or "",
        warnings=tuple(_warnings(args)),
        audience="the guests, who are told by mail" if told else "this calendar",
    )


def _warnings(args: Change) -> list[str]:
    told = rest_warnings(args, "Changes")
    if args.is_series and args.repeat and not args.rest:
        told.append(LOST)
    if args.leaves_files:
        told.append("Its files stay with the events before it, and are not in the new series.")
    return told


def _time_lines(args: Change) -> list[Line]:
    """When it is to be, and how it repeats."""
    span = args.span()
    lines = [repeat_line(args.repeat, span)] if args.repeat else []
    if not args.start:
        return lines
    lines.append(Line(name="Will be", value=span.words(args.home)))
    if not span.is_day and args.home and args.zone != args.home:
        lines.append(Line(name="There", value=span.words(args.zone)))
    lines.append(Line(name="Start", value=args.start, editable="start"))
    lines.append(Line(name="End", value=args.end or args.start, editable="end"))
    return lines


async def calendar_update(ctx: ToolContext, args: Change) -> Outcome:
    """Change an event of the Google or Outlook calendar: move it, rename it, invite guests or not.

    Use it when the person wants an event that is there to be different. Do not use it to answer an
    invitation (calendar_respond) or to cancel (calendar_cancel).
    - event: its id from calendar_list.
    - start, end: when it is to be, on the person's clocks, such as "2026-11-23 14:00"; without end
      it stays as long as it is.
    - series: true to change all of the series that the event is one of, each as this one would be.
      Without it only this one.
    - following: true to change this one of a series and all that follow it; what was before stays.
    - until: the day on which the series ends, such as "2026-12-18".
    - repeat: how it repeats from now on, as in calendar_create; makes a series of a single event.
    - zone: the zone of start and end, only when it is not the person's.
    - title, location, description: new words.
    - add_guests, remove_guests: e-mail addresses.
    - meet: true to add a link to meet online (Google Meet, Microsoft Teams).
    - calendar: another calendar's id; leave it out for the main one.
    - service: google or outlook, only when both are connected.
    Example: {"event": "k3v0example", "start": "2026-11-24 09:30"}
    """
    book = await asked(ctx, args)
    if args.rest:
        return await parted(ctx, book, args, args.wish())
    event = await book.event(args.calendar, args.event)
    if event.mark != ctx.key:
        if event.etag != args.etag:
            raise Changed
        await book.change(args.calendar, event, ctx.key, args.wish())
    return _done(event)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up whether it was done. Raises VendorUnknown when somebody changed it besides."""
    args = Change.model_validate(effect.arguments)
    book = await asked(ctx, args)
    if args.rest:
        return await looked_up(ctx, book, args)
    event = await book.event(args.calendar, args.event)
    if event.mark == ctx.key:
        return _done(event)
    if event.etag == args.etag:
        return None
    raise VendorUnknown("The event was changed by somebody meanwhile.")


def _done(event: Event) -> Outcome:
    data = f"Event {event.id} is changed."
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=event.url, data=data)


TOOLS = (
    Tool(
        name="calendar_update",
        arguments=Change,
        perform=calendar_update,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        outside=True,
        saying="changing an event",
    ),
)
