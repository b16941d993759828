"""Taking one of the account's own posts down: the same on every network that lets a program do it.

What is deleted is gone for good, so its words are read before anybody is asked and stand on the
card, and only what still says the same is deleted. Deleting twice is deleting once. What is
particular about a network is its `Shelf`; the addresses of the calls stand in its own file.
"""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Conflict
from bot.core.tool import Risk, Tool, ToolContext
from bot.frozen import frozen
from tools.social._account import Account, Gone
from tools.social._post import Text


class Taken(BaseModel, extra="forbid"):
    """Which one, and what it says. A network adds how it names its posts."""

    post: str
    text: Text = ""


Open = Callable[[ToolContext], Awaitable[Account]]
Words = Callable[[Account, str], Awaitable[str]]
Away = Callable[[Account, str], Awaitable[None]]


@frozen
class Shelf:
    """Where a network keeps an account's posts."""

    provider: str
    title: str
    what: str
    """A post or a pin."""
    needs: Sequence[str]
    open: Open
    words: Words
    """What a post says, as a reader sees it; empty where the network does not let us read it.
    Raises Gone."""
    away: Away
    """Deletes one. Raises Gone."""
    audience: str = "everyone (public)"

    @property
    def gone(self) -> str:
        """What is told of one that is not there."""
        return f"The {self.what} is not on {self.title} any more."


def taking_down(shelf: Shelf, arguments: type[Taken], description: str) -> Tool:
    """The tool. `description` is what a model reads."""

    async def perform(ctx: ToolContext, args: Taken) -> Outcome:
        account = await shelf.open(ctx)
        try:
            if await shelf.words(account, args.post) != args.text:
                raise Conflict(f"This {shelf.what} says something else than was shown. Ask anew.")
            await shelf.away(account, args.post)
        except Gone:
            return Outcome(state=EffectState.SENT, vendor_ref=args.post, data=shelf.gone)
        return Outcome(state=EffectState.SENT, vendor_ref=args.post, data="Deleted.")

    async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
        post = arguments.model_validate(effect.arguments).post
        account = await shelf.open(ctx)
        try:
            await shelf.words(account, post)
        except Gone:
            return Outcome(state=EffectState.SENT, vendor_ref=post, data=shelf.gone)
        return None  # still there, or not to be seen: deleting again does no harm

    async def complete(ctx: ToolContext, args: Taken) -> Taken:
        account = await shelf.open(ctx)
        return args.model_copy(update={"text": await shelf.words(account, args.post)})

    def preview(args: Taken) -> Card:
        mute = f"{shelf.title} does not let me read it: open it and look before you say yes."
        last = "It cannot be brought back."
        return Card(
            title=f"Delete a {shelf.what} on {shelf.title}",
            fields=(Line(name=shelf.what.capitalize(), value=args.post),),
            body=args.text,
            warnings=(last,) if args.text else (mute, last),
            audience=shelf.audience,
        )

    perform.__doc__ = description
    return Tool(
        name=f"{shelf.provider}_delete",
        arguments=arguments,
        perform=perform,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=shelf.provider,
        needs=tuple(shelf.needs),
        saying=f"deleting a {shelf.what} on {shelf.title}",
    )
