"""Making an event in the connected Google calendar, with guests and a Meet link.

https://developers.google.com/workspace/calendar/api/v3/reference/events/insert (read 2026-11-21)

The event's id comes from the deed, so the same deed makes it once: Google answers 409 to an id that
is there. It does not promise to notice every time, so the id is looked for first.
"""

import hashlib
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import Invalid, NotFound, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools.calendar._arguments import (
    NEWS,
    Guests,
    InCalendar,
    OneLine,
    Words,
    about,
    account_line,
    refit,
)
from tools.calendar._event import Event
from tools.calendar._google import WRITE, Google, Taken, opened, path_of, read
from tools.calendar._moment import Moment, Span, Zone, at, is_day, later, written

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

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse times that are none, as soon as the zone is known."""
        if self.zone and self.end:
            self.span().times()
        return self

    def span(self) -> Span:
        """From when to when."""
        return Span(start=self.start, end=self.end or self.start, zone=self.zone or "UTC")


async def complete(ctx: ToolContext, args: NewEvent) -> NewEvent:
    """Say in which account and zone, and until when. Raises Invalid, OperatorError."""
    google = await opened(ctx, WRITE)
    zone = args.zone or ctx.zone or "UTC"
    known = {**await about(ctx, google, args), "zone": zone, "end": args.end or _usual(args, zone)}
    if args.guests:
        known["guests"] = list(dict.fromkeys(args.guests))
    full = refit(args, known)
    if full.span().times()[1] <= ctx.clock.now():
        raise Invalid("That time is over. Say one that is ahead.")
    return full


def _usual(args: NewEvent, zone: str) -> str:
    if is_day(args.start):
        return args.start
    try:
        return written(later(at(args.start, zone), USUAL))
    except ValueError as error:
        raise Invalid(f"{error}.") from None


def preview(args: NewEvent) -> Card:
    """What, when, where, whom, and in whose calendar."""
    span, guests = args.span(), args.guests or []
    lines = [
        Line(name="Title", value=args.title, editable="title"),
        Line(name="When", value=span.words(args.home)),
    ]
    if not span.is_day and args.home and args.zone != args.home:
        lines.append(Line(name="There", value=span.words(args.zone)))
    lines += [
        Line(name="Start", value=args.start, editable="start"),
        Line(name="End", value=args.end or args.start, editable="end"),
        Line(name="Where", value=args.location or "no place", editable="location"),
        Line(name="Google Meet", value="with a link" if args.meet else "no"),
        Line(name="Guests", value=", ".join(guests) or "nobody"),
        account_line(args),
    ]
    if args.description:
        words = Line(name="Description", value=args.description, long=True, editable="description")
        lines.append(words)
    return Card(
        title="Make an event in Google Calendar",
        recipients=tuple(guests),
        fields=tuple(lines),
        body=args.description,
        audience="the guests, who get an invitation by mail" if guests else "this calendar",
    )


async def calendar_create(ctx: ToolContext, args: NewEvent) -> Outcome:
    """Make an event in the connected Google calendar, and invite people to it.

    Use it when the person wants something put into the calendar. Do not use it to change an event
    that is there: that is calendar_update. Look with calendar_find_time first when others come.
    - title: what it is called.
    - start: when it begins, on the person's clocks, such as "2026-11-23 14:00"; a whole day is
      "2026-11-23". Add an offset ("+01:00") where a clock shows the time twice.
    - end: the same for its end, the last day included; without it, half an hour or that one day.
    - zone: the time zone of start and end, only when it is not the person's.
    - location, description: plain words.
    - guests: e-mail addresses; each gets an invitation.
    - meet: true for a Google Meet link.
    - calendar: another calendar's id; leave it out for the main one.
    Example: {"title": "Budget", "start": "2026-11-23 14:00", "end": "2026-11-23 15:00",
    "guests": ["ann@example.org"], "meet": true}
    """
    google = await opened(ctx, WRITE, args.account)
    event = await _made(google, ctx, args)
    if event.is_over:
        data = "It was made, and has been cancelled since."
        return Outcome(state=EffectState.SENT, vendor_ref=event.id, data=data)
    if args.meet and not event.hangout_link:  # Google makes the link a moment later
        event = await google.event(args.calendar, event.id)
    told = f"It is in the calendar as event {event.id}."
    if args.meet:
        link = event.hangout_link
        told += f" Google Meet: {link}" if link else " Google has not made the Meet link yet."
    if ctx.save is not None:
        await ctx.save({"found": told})  # an approved deed's turn is over; this reaches the next
    url = event.html_link
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=url, data=told)


async def _made(google: Google, ctx: ToolContext, args: NewEvent) -> Event:
    """The event of this deed: found, or made."""
    id_ = event_id(ctx)
    try:
        return await google.event(args.calendar, id_)
    except NotFound:
        pass
    try:
        told = await google.ask("POST", path_of(args.calendar), query=NEWS, body=body(id_, args))
    except Taken:
        return await _there(google, args.calendar, id_)
    return read(Event, told)


async def _there(google: Google, calendar: str, id_: str) -> Event:
    """An event that Google says it has. Raises VendorUnknown while it does not show it."""
    try:
        return await google.event(calendar, id_)
    except NotFound:
        raise VendorUnknown("Google has this event, and does not show it yet.") from None


def event_id(ctx: ToolContext) -> str:
    """The id of the event that this deed makes: letters and digits that Google takes."""
    return hashlib.sha256(f"{ctx.tenant}:{ctx.key}".encode()).hexdigest()


def body(id_: str, args: NewEvent) -> dict[str, Json]:
    """The event as Google takes it."""
    made: dict[str, Json] = {"id": id_, "summary": args.title, **args.span().body()}
    if args.location:
        made["location"] = args.location
    if args.description:
        made["description"] = args.description
    if args.guests:
        made["attendees"] = [{"email": each} for each in args.guests]
    if args.meet:
        made["conferenceData"] = meeting(id_)
    return made


def meeting(request: str) -> dict[str, Json]:
    """The wish for a Meet link; the same request makes one link."""
    kind: Json = {"type": "hangoutsMeet"}
    return {"createRequest": {"requestId": request[:64], "conferenceSolutionKey": kind}}


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
