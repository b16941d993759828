"""Cancelling an event, a whole series, or one event of it and all that follow.

https://developers.google.com/workspace/calendar/api/v3/reference/events/delete
https://learn.microsoft.com/graph/api/event-delete (read 2026-11-21)
https://developers.google.com/workspace/calendar/api/guides/recurringevents (read 2026-11-22)

What follows is cancelled by letting the series end the day before: one change, bound to the series
as it was shown, and marked with the deed.
At Google a cancelled event can still be looked up; at Outlook it is not in the calendar any more.
It was there when the person was asked, so whether it was done is known.
"""

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, NotFound, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit
from tools.calendar._accounts import service_of
from tools.calendar._arguments import account_line, asked, event_lines
from tools.calendar._book import Book, Changed, Gone
from tools.calendar._event import Event
from tools.calendar._series import about_series
from tools.calendar._split import NO_REST, OfRest, Rest, about_rest, rest_lines, rest_warnings

FOLLOWING = "It is cancelled, and so is all of its series that follows it."


class Cancel(OfRest):
    """Which event is to be cancelled."""


async def complete(ctx: ToolContext, args: Cancel) -> Cancel:
    """Say which event, as it stands. Raises Invalid, NotFound."""
    book = await asked(ctx, args)
    if args.following:
        meant, _ = await about_rest(ctx, book, args)
    else:
        meant = await about_series(ctx, book, args)
    if not meant.event.is_ours:
        raise Invalid("It is somebody else's event. Decline it with calendar_respond.")
    return refit(args, {**NO_REST, **meant.known})


def preview(args: Cancel) -> Card:
    """Which event, and who is told."""
    lines = [*event_lines(args), *rest_lines(args, "Cancels")]
    others = tuple(args.others or ())
    lines += [Line(name="Guests", value=", ".join(others) or "nobody"), account_line(args)]
    return Card(
        title=f"Cancel an event in {service_of(args.service).title}",
        recipients=others,
        fields=tuple(lines),
        warnings=tuple(rest_warnings(args, "Cancels")),
        audience="the guests, who are told by mail" if others else "this calendar",
    )


async def calendar_cancel(ctx: ToolContext, args: Cancel) -> Outcome:
    """Cancel an event of the person's own in the Google or Outlook calendar; its guests are told.

    Use it when the person wants an event called off. Do not use it for an invitation by others:
    that is calendar_respond with no. Do not use it to move: that is calendar_update.
    - event: its id from calendar_list.
    - series: true to cancel all of a series, past and future; without it only this one.
    - following: true to cancel this one of a series and all that follow it; what was before stays.
    - calendar: another calendar's id; leave it out for the main one.
    - service: google or outlook, only when both are connected.
    Example: {"event": "k3v0example"}
    """
    book = await asked(ctx, args)
    if args.rest:
        return await _ended(ctx, book, args, args.rest)
    event = await _there(book, args)
    if event is None or event.is_over:
        return _over(args, event)
    if event.etag != args.etag:
        raise Changed
    try:
        await book.cancel(args.calendar, event)
    except Gone:
        return _said(args, "It had been cancelled already.")
    return _said(args, "It is cancelled.")


async def _ended(ctx: ToolContext, book: Book, args: Cancel, rest: Rest) -> Outcome:
    """Let the series end before the first that is cancelled. Raises Changed, NotFound."""
    event = await book.event(args.calendar, args.event)
    if event.mark != ctx.key:
        if event.etag != args.etag:
            raise Changed
        await book.change(args.calendar, event, ctx.key, rest.wish())
    return _said(args, FOLLOWING)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up whether it is cancelled. Raises VendorUnknown where a series was changed besides."""
    args = Cancel.model_validate(effect.arguments)
    event = await _there(await asked(ctx, args), args)
    if args.rest and event and event.mark == ctx.key:
        return _said(args, FOLLOWING)
    if args.rest and event and not event.is_over and event.etag != args.etag:
        raise VendorUnknown("The series was changed by somebody meanwhile.")
    return _over(args, event) if event is None or event.is_over else None


async def _there(book: Book, args: Cancel) -> Event | None:
    """The event; None when it is not known there any more."""
    try:
        return await book.event(args.calendar, args.event)
    except NotFound:
        return None


def _over(args: Cancel, event: Event | None) -> Outcome:
    return _said(args, "It is cancelled." if event else "It is not in the calendar any more.")


def _said(args: Cancel, data: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=args.event, data=data)


TOOLS = (
    Tool(
        name="calendar_cancel",
        arguments=Cancel,
        perform=calendar_cancel,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        outside=True,
        saying="cancelling an event",
    ),
)
