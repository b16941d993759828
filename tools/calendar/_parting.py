"""Parting a series: one event and all that follow it become a series of their own.

https://developers.google.com/workspace/calendar/api/guides/recurringevents (read 2026-11-22)
https://learn.microsoft.com/graph/api/user-post-events, .../event-update (read 2026-11-22)

No vendor does it in one call. Two calls, in an order in which nothing is ever missing:

    1  the new series is made   its id comes from the deed: it is made once, and can be found
    2  the old one is ended     while it is still the series that was shown; marked with the deed

Between the two what follows stands there twice; the other way round it would be gone, for the
guests as well. Whoever comes after a crash sees which of the two happened, and goes on.
"""

from dataclasses import replace

from bot.core.effect import EffectState, Outcome
from bot.core.errors import NotFound, OperatorError, UserError, VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from tools.calendar._book import Book, Changed, Wish
from tools.calendar._event import Event
from tools.calendar._split import OfRest, Rest

TRIES = 3
"""Of ending the old series: each guest who answers in that moment changes it."""
TWICE = (
    "The new series is in the calendar, and the old one was not ended: what follows stands there "
    "twice. {why} Look at both."
)


async def parted(ctx: ToolContext, book: Book, args: OfRest, wish: Wish) -> Outcome:
    """Make the new series as it is wished, then end the old one. Safe to repeat.

    Raises Changed, and what else says that nothing was done; VendorUnknown once something was.
    """
    old = await book.event(args.calendar, args.event)
    new = await book.made(args.calendar, _key(ctx))
    if old.mark == ctx.key:
        return _done(args, new)
    if new is None:
        if old.etag != args.etag:
            raise Changed
        wanted = replace(wish, like=old, meet=wish.meet or bool(old.join_url))
        new = await book.make(args.calendar, _key(ctx), wanted)
    if new.is_over:
        raise VendorUnknown("The new series was made, and somebody has taken it off since.")
    try:
        await _end(ctx, book, args, old)
    except (UserError, OperatorError, VendorRefused) as error:
        raise VendorUnknown(TWICE.format(why=error.message)) from error
    return _done(args, new)


async def _end(ctx: ToolContext, book: Book, args: OfRest, old: Event) -> None:
    """End the old series, if that is still to be done. Raises Changed, NotFound."""
    rest = _rest(args)
    wish = replace(rest.wish(), quietly=True)
    for _ in range(TRIES):
        if not rest.is_of(old) or old.is_over:
            break
        try:
            await book.change(args.calendar, old, ctx.key, wish)
            return
        except Changed:
            old = await book.event(args.calendar, args.event)
    raise Changed("Somebody has changed the old one meanwhile.")


async def looked_up(ctx: ToolContext, book: Book, args: OfRest) -> Outcome | None:
    """Whether it was done. None: not at all, or its first half, and it can be begun again.

    Raises VendorUnknown where somebody came between the halves.
    """
    new = await book.made(args.calendar, _key(ctx))
    try:
        old = await book.event(args.calendar, args.event)
    except NotFound:
        old = None
    if old and old.mark == ctx.key:
        return _done(args, new)
    if new is None or (old and not old.is_over and _rest(args).is_of(old) and not new.is_over):
        return None
    raise VendorUnknown(TWICE.format(why="Somebody has changed one of them meanwhile."))


def _key(ctx: ToolContext) -> str:
    """What the new series is named by."""
    return f"{ctx.tenant}:{ctx.key}"


def _rest(args: OfRest) -> Rest:
    if args.rest is None:
        raise NotFound("It is not said what stays of the series. Ask for it anew.")
    return args.rest


def _done(args: OfRest, new: Event | None) -> Outcome:
    ended = f"The series {args.event} ends before it"
    if new is None or new.is_over:
        data = f"{ended}. The new one was made, and has been taken off since."
        return Outcome(state=EffectState.SENT, vendor_ref=args.event, data=data)
    data = f"{ended}; from it on it is the new series {new.id}."
    return Outcome(state=EffectState.SENT, vendor_ref=new.id, url=new.url, data=data)
