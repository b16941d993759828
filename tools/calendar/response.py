"""Answering an invitation.

https://developers.google.com/workspace/calendar/api/v3/reference/events/patch (read 2026-11-21)

Only the account's own answer is sent (`attendeesOmitted`), so nobody else's is touched; what it is
afterwards says whether it was done.
"""

from typing import Literal

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools.calendar._arguments import (
    NEWS,
    Hidden,
    OfEvent,
    OneLine,
    about_event,
    account_line,
    event_lines,
    refit,
)
from tools.calendar._event import Event
from tools.calendar._google import WRITE, Changed, opened, path_of

_THEIRS = {"yes": "accepted", "no": "declined", "maybe": "tentative"}


class Respond(OfEvent):
    """What the answer is."""

    answer: Literal["yes", "no", "maybe"]
    comment: OneLine = ""
    organizer: Hidden = ""


async def complete(ctx: ToolContext, args: Respond) -> Respond:
    """Say which event, as it stands, and whose. Raises Invalid, NotFound."""
    google = await opened(ctx, WRITE)
    event, known = await about_event(ctx, google, args, args.event)
    if event.me is None:
        raise Invalid("This account is not among the guests of this event.")
    if event.organizer.is_self:
        raise Invalid("It is the account's own event. Change it or cancel it instead.")
    return refit(args, {**known, "organizer": event.organizer.email[:254]})


def preview(args: Respond) -> Card:
    """Which event, the answer, and who reads it."""
    lines = [
        *event_lines(args),
        Line(name="Answer", value=args.answer, editable="answer"),
        Line(name="Comment", value=args.comment or "none", editable="comment"),
        account_line(args),
    ]
    return Card(
        title="Answer an invitation in Google Calendar",
        recipients=(args.organizer,) if args.organizer else (),
        fields=tuple(lines),
        body=args.comment,
        audience="the organizer and the other guests",
    )


async def calendar_respond(ctx: ToolContext, args: Respond) -> Outcome:
    """Answer an invitation in the Google calendar; the organizer is told.

    Use it when the person says whether they come. Do not use it for the person's own events.
    - event: its id from calendar_list.
    - answer: yes, no or maybe.
    - comment: a line that the organizer reads.
    - calendar: another calendar's id; leave it out for the main one.
    Example: {"event": "k3v0example", "answer": "yes"}
    """
    google = await opened(ctx, WRITE, args.account)
    event = await google.event(args.calendar, args.event)
    if not _is_done(event, args):
        if event.etag != args.etag:
            raise Changed
        path = path_of(args.calendar, args.event)
        await google.ask("PATCH", path, query=NEWS, body=patch(event, args), etag=args.etag)
    return _done(event, args)


def patch(event: Event, args: Respond) -> dict[str, Json]:
    """The account's own answer, and nobody else's."""
    mine: dict[str, Json] = {"email": event.me.email if event.me else ""}
    mine["responseStatus"] = _THEIRS[args.answer]
    if args.comment:
        mine["comment"] = args.comment
    return {"attendeesOmitted": True, "attendees": [mine]}


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up what the answer is."""
    args = Respond.model_validate(effect.arguments)
    google = await opened(ctx, WRITE, args.account)
    event = await google.event(args.calendar, args.event)
    return _done(event, args) if _is_done(event, args) else None


def _is_done(event: Event, args: Respond) -> bool:
    """Whether this answer stands there, with its comment."""
    me = event.me
    if me is None or me.response_status != _THEIRS[args.answer]:
        return False
    return not args.comment or (me.model_extra or {}).get("comment") == args.comment


def _done(event: Event, args: Respond) -> Outcome:
    data = f"The answer to event {event.id} is {args.answer}."
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=event.html_link, data=data)


TOOLS = (
    Tool(
        name="calendar_respond",
        arguments=Respond,
        perform=calendar_respond,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        outside=True,
        saying="answering an invitation",
    ),
)
