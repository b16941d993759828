"""What it means that a network refuses a post as one that it has already.

It was an attempt of ours before, or somebody's own post.

That it was ours is believed only when it is seen there. Else nobody knows, and another call would
hear the same: so it is kept, and the look-up does not call the post absent until a person says to
do it again. No network is behind this file: docs/integrations/x.md and facebook.md.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from bot.core.effect import Effect, Outcome
from bot.core.errors import BotError, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import keep

Look = Callable[[datetime], Awaitable[Outcome | None]]
"""The post, if it stands there since then; None when it surely does not."""


def said_twice(title: str) -> VendorUnknown:
    """Nobody knows."""
    return VendorUnknown(f"{title} says that this was posted already, but does not show it.")


async def there_already(ctx: ToolContext, title: str, look: Look) -> Outcome:
    """The post of an attempt before. Raises VendorUnknown when it is not seen."""
    with suppress(BotError):
        if found := await look(datetime.fromisoformat(str(ctx.progress["since"]))):
            return found
    with suppress(BotError):
        await keep(ctx, refused=ctx.clock.now().isoformat())
    raise said_twice(title)


def tried_since(effect: Effect) -> datetime:
    """When an effect was tried first. Raises VendorUnknown."""
    if kept := effect.progress.get("since"):
        return datetime.fromisoformat(str(kept))
    if effect.started_at is None:
        raise VendorUnknown("Nobody knows since when to look.")
    return effect.started_at


def surely_absent(effect: Effect, title: str) -> None:
    """What a look-up that found nothing says. Raises VendorUnknown after such a refusal."""
    refused = effect.progress.get("refused")
    if refused and effect.started_at and datetime.fromisoformat(str(refused)) >= effect.started_at:
        raise said_twice(title)
