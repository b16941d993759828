"""Answering an invitation.

https://developers.google.com/workspace/calendar/api/v3/reference/events/patch
https://learn.microsoft.com/graph/api/event-accept (read 2026-11-21)

Only the account's own answer is sent, so nobody else's is touched; what it is afterwards says
whether it was done. Where a comment cannot be looked up, the time of the answer tells.
"""

from typing import Literal

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, NotFound, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit
from tools.calendar._accounts import service_of
from tools.calendar._arguments import Hidden, OneLine, account_line, asked, event_lines
from tools.calendar._book import Changed
from tools.calendar._event import Event
from tools.calendar._series import OfSeries, about_series, series_lines


class Respond(OfSeries):
    """What the answer is."""

    answer: Literal["yes", "no", "maybe"]
    comment: OneLine = ""
    organizer: Hidden = ""
    answered_at: Hidden = ""
    """When the account had answered before, where that is told."""


async def complete(ctx: ToolContext, args: Respond) -> Respond:
    """Say which event, as it stands, and whose. Raises Invalid, NotFound."""
    book = await asked(ctx, args)
    meant = await about_series(ctx, book, args)
    event, known = meant.event, meant.known
    if event.is_ours:
        raise Invalid("It is the account's own event. Change it or cancel it instead.")
    if not event.is_invited:
        raise Invalid("This account is not among the guests of this event.")
    known |= {"organizer": event.organizer[:254], "answered_at": event.answered_at[:100]}
    return refit(args, known)


def preview(args: Respond) -> Card:
    """Which event, the answer, and who reads it."""
    lines = [
        *event_lines(args),
        *series_lines(args, "Answers"),
        Line(name="Answer", value=args.answer, editable="answer"),
        Line(name="Comment", value=args.comment or "none", editable="comment"),
        account_line(args),
    ]
    return Card(
        title=f"Answer an invitation in {service_of(args.service).title}",
        recipients=(args.organizer,) if args.organizer else (),
        fields=tuple(lines),
        body=args.comment,
        audience="the organizer and the other guests",
    )


async def calendar_respond(ctx: ToolContext, args: Respond) -> Outcome:
    """Answer an invitation in the Google or Outlook calendar; the organizer is told.

    Use it when the person says whether they come. Do not use it for the person's own events.
    - event: its id from calendar_list.
    - answer: yes, no or maybe.
    - series: true to answer for all of a series; without it only for this one.
    - comment: a line that the organizer reads.
    - calendar: another calendar's id; leave it out for the main one.
    - service: google or outlook, only when both are connected.
    Example: {"event": "k3v0example", "answer": "yes"}
    """
    book = await asked(ctx, args)
    event = await book.event(args.calendar, args.event)
    if not _is_done(event, args):
        if event.etag != args.etag:
            raise Changed
        await book.answer(args.calendar, event, args.answer, args.comment)
    return _done(event, args)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up what the answer is. Raises VendorUnknown where a "no" may have taken it away."""
    args = Respond.model_validate(effect.arguments)
    book = await asked(ctx, args)
    try:
        event = await book.event(args.calendar, args.event)
    except NotFound:
        if args.answer != "no":
            raise
        told = "The event is not in the calendar any more; declining it may have done that."
        raise VendorUnknown(told) from None
    return _done(event, args) if _is_done(event, args) else None


def _is_done(event: Event, args: Respond) -> bool:
    """Whether this answer stands there, with its comment."""
    if event.answer != args.answer:
        return False
    if not args.comment:
        return True
    if event.comment is None:
        return event.answered_at != args.answered_at
    return event.comment == args.comment


def _done(event: Event, args: Respond) -> Outcome:
    data = f"The answer to event {event.id} is {args.answer}."
    return Outcome(state=EffectState.SENT, vendor_ref=event.id, url=event.url, data=data)


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
