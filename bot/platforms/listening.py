"""Whether a channel listens, as people are told: up, waiting for another process, or why not."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass

from bot.core.channel import Channel
from bot.core.errors import BotError, ConnectionBroken, OperatorError

UP_AFTER_S = 3.0
"""A channel that has listened so long is up."""


@dataclass(slots=True)
class State:
    """How one channel is."""

    up: bool = False
    detail: str = "starting"
    waits: bool = False
    """Another process listens, and this one would in its place."""

    def is_minded(self) -> None:
        """This task, and whatever it begins, is the channel's own."""
        _MINDED.set(self)


_MINDED: ContextVar[State | None] = ContextVar("minded", default=None)
"""The state of the channel whose task this is."""


def elsewhere(is_so: bool) -> None:
    """What a channel's own task is told: whether another process listens, for which it waits."""
    if state := _MINDED.get():
        state.waits = is_so


async def ended(task: asyncio.Future[None], state: State) -> bool:
    """Wait until a channel has listened for a while; True: it ended before."""
    waited = True
    while waited:
        waited = state.waits
        done, _ = await asyncio.wait({task}, timeout=UP_AFTER_S)
        if done:
            return True
        if state.waits:
            waited, state.up, state.detail = True, True, "another process listens"
    return False


def why(error: BaseException) -> str:
    """Why a channel does not listen, in a sentence."""
    return error.message if isinstance(error, BotError) else f"broke: {type(error).__name__}"


def step(channel: Channel, error: BaseException) -> str:
    """What mends it, where that is a sentence of the house's own; a package's words are none."""
    is_ours = type(channel).__module__.startswith("channels.")
    return error.message if is_ours and isinstance(error, ConnectionBroken | OperatorError) else ""
