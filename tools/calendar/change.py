"""Changing an event that is there: moving it, its words and place, its guests, a Meet link.

https://developers.google.com/workspace/calendar/api/v3/reference/events/patch
https://developers.google.com/workspace/calendar/api/guides/version-resources (read 2026-11-21)

The change goes through only while the event is still as it was shown (`If-Match`), and leaves the
deed's name in a private property, by which a look-up knows whether it was done.
"""

from datetime import UTC, timedelta
from typing import Self

from pydantic import model_validator

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools.calendar._arguments import (
    NEWS,
    Guests,
    OfEvent,
    OneLine,
    Words,
    about_event,
    account_line,
    event_lines,
    refit,
)
from tools.calendar._event import MARK, Event
from tools.calendar._google import WRITE, Changed, opened, path_of
from tools.calendar._moment import Moment, Span, Zone, at, is_day, later, unfit, written
from tools.calendar.invitation import meeting

_WISHES = ("title", "start", "location", "description", "add_guests", "remove_guests")


class Change(OfEvent):
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

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse a change of nothing, and times that are none."""
        if not self.meet and all(getattr(self, name) is None for name in _WISHES):
            raise unfit("say what is to be changed")
        if self.title == "":
            raise unfit("the title cannot be empty")
        if self.end and not self.start:
            raise unfit("give start with end")
        if self.zone and self.start and self.end:
            self.span().times()
        return self

    def span(self) -> Span:
        """When it is to be."""
        start = self.start or ""
        return Span(start=start, end=self.end or start, zone=self.zone or "UTC")


async def complete(ctx: ToolContext, args: Change) -> Change:
    """Say which event, as it stands, and until when it will last. Raises Invalid, NotFound."""
    google = await opened(ctx, WRITE)
    event, known = await about_event(ctx, google, args, args.event)
    if not event.organizer.is_self and not event.guests_can_modify:
        raise Invalid("Only the organizer may change this event. Answer it with calendar_respond.")
    if event.recurrence and args.start:
        raise Invalid("A whole series cannot be moved here. Move single events of it.")
    if (args.add_guests or args.remove_guests) and event.attendees_omitted:
        raise Invalid("This event has more guests than Google shows. Change them there.")
    zone = args.zone or ctx.zone or "UTC"
    known["zone"] = zone
    if args.start:
        known["end"] = args.end or _as_long(event, args.start, zone)
    full = refit(args, known)
    if args.start and full.span().times()[1] <= ctx.clock.now():
        raise Invalid("That time is over. Say one that is ahead.")
    return full


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
    return written(later(begun, ends.astimezone(UTC) - begins.astimezone(UTC)))


def preview(args: Change) -> Card:
    """Which event, what becomes of it, who is told."""
    lines = event_lines(args)
    if args.start:
        lines.append(Line(name="Will be", value=args.span().words(args.home)))
        if not args.span().is_day and args.home and args.zone != args.home:
            lines.append(Line(name="There", value=args.span().words(args.zone)))
        lines.append(Line(name="Start", value=args.start, editable="start"))
        lines.append(Line(name="End", value=args.end or args.start, editable="end"))
    if args.title is not None:
        lines.append(Line(name="New title", value=args.title, editable="title"))
    if args.location is not None:
        where = args.location or "no place"
        lines.append(Line(name="Where", value=where, editable="location"))
    if args.add_guests:
        lines.append(Line(name="Invite", value=", ".join(args.add_guests)))
    if args.remove_guests:
        lines.append(Line(name="Take off", value=", ".join(args.remove_guests)))
    if args.meet:
        lines.append(Line(name="Google Meet", value="a link is added"))
    lines.append(account_line(args))
    if args.description is not None:
        words = args.description
        lines.append(Line(name="Description", value=words, long=True, editable="description"))
    told = tuple(dict.fromkeys([*(args.others or ()), *(args.add_guests or ())]))
    return Card(
        title="Change an event in Google Calendar",
        recipients=told,
        fields=tuple(lines),
        body=args.description or "",
        audience="the guests, who are told by mail" if told else "this calendar",
    )


async def calendar_update(ctx: ToolContext, args: Change) -> Outcome:
    """Change an event of the Google calendar: move it, rename it, invite or take off guests.

    Use it when the person wants an event that is there to be different. Do not use it to answer an
    invitation (calendar_respond) or to cancel (calendar_cancel). One event of a series is changed
    alone.
    - event: its id from calendar_list.
    - start, end: when it is to be, on the person's clocks, such as "2026-11-23 14:00"; without end
      it stays as long as it is.
    - zone: the zone of start and end, only when it is not the person's.
    - title, location, description: new words.
    - add_guests, remove_guests: e-mail addresses.
    - meet: true to add a Google Meet link.
    - calendar: another calendar's id; leave it out for the main one.
    Example: {"event": "k3v0example", "start": "2026-11-24 09:30"}
    """
    google = await opened(ctx, WRITE, args.account)
    event = await google.event(args.calendar, args.event)
    if not event.is_marked(ctx.key):
        if event.etag != args.etag:
            raise Changed
        asked = patch(event, args, ctx.key)
        path = path_of(args.calendar, args.event)
        await google.ask("PATCH", path, query=NEWS, body=asked, etag=args.etag)
    return _done(event)


def patch(event: Event, args: Change, key: str) -> dict[str, Json]:
    """What is sent: what changes, and the mark."""
    asked: dict[str, Json] = {"extendedProperties": {"private": {MARK: key}}}
    names = {"title": "summary", "location": "location", "description": "description"}
    for ours, theirs in names.items():
        if (value := getattr(args, ours)) is not None:
            asked[theirs] = value
    if args.start:
        asked |= args.span().body()
    if args.add_guests or args.remove_guests:
        off = {each.lower() for each in args.remove_guests or ()}
        kept = [each for each in event.attendees if each.email.lower() not in off]
        there = {each.email.lower() for each in kept}
        new = [each for each in args.add_guests or () if each.lower() not in there]
        asked["attendees"] = [
            *(each.model_dump(mode="json", by_alias=True, exclude_unset=True) for each in kept),
            *({"email": each} for each in dict.fromkeys(new)),
        ]
    if args.meet and not event.hangout_link:
        asked["conferenceData"] = meeting(key)
    return asked


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up whether it was done. Raises VendorUnknown when somebody changed it besides."""
    args = Change.model_validate(effect.arguments)
    google = await opened(ctx, WRITE, args.account)
    event = await google.event(args.calendar, args.event)
    if event.is_marked(ctx.key):
        return _done(event)
    if event.etag == args.etag:
        return None
    raise VendorUnknown("The event was changed by somebody meanwhile.")


def _done(event: Event) -> Outcome:
    data = f"Event {event.id} is changed."
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=event.html_link, data=data)


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
