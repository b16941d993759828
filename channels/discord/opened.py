"""Slash commands that wait for their answer: Discord keeps a place for it, for 15 minutes.

The first words may come while the command is still being taken in (the house answers some at
once) or long after (an agent thinks). Whatever is lost with the process is sent to the channel as
an ordinary message.
https://docs.discord.com/developers/interactions/receiving-and-responding (read 2026-11-21)
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.errors import VendorRefused
from bot.core.ports import Clock
from channels.discord.calls import Calls

LIVES_S: Final = 14 * 60.0
BEGINS_S: Final = 5.0
"""How long an answer waits for the first one to be given."""
MAX_KEPT: Final = 1_000
PRIVATE: Final = 64
"""The flag of a message that one person sees."""
Bodies = Sequence[Mapping[str, Json]]


@dataclass(slots=True)
class Item:
    """One interaction that wants words."""

    app: str
    token: str = field(repr=False)
    until: float
    flags: int = 0
    first: Bodies = ()
    """Words that came before the first answer was given."""
    began: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first answer was given."""
    is_used: bool = False
    following: int = 0
    """How many messages stand after the first."""


class Opened:
    """All that wait, by the `ext_id` of their events."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._items: OrderedDict[str, Item] = OrderedDict()

    def add(self, name: str, app: str, token: str, flags: int) -> Item:
        """Keep a place for the answer."""
        item = Item(app=app, token=token, until=self._clock.monotonic() + LIVES_S, flags=flags)
        self._items[name] = item
        while len(self._items) > MAX_KEPT:
            self._items.popitem(last=False)
        return item

    def of(self, name: str) -> Item | None:
        """The place that waits for the answer to this event."""
        item = self._items.get(name)
        if item is None or item.is_used or self._clock.monotonic() > item.until:
            return None
        return item

    async def answer(self, item: Item, bodies: Bodies, *, at_once: bool) -> str:
        """Put the answer into its place; empty when the place is gone.

        `at_once`: said while the command is still taken in, so it becomes the first answer.
        Returns a reference: `channel:message` where everybody sees it.
        """
        if at_once and not item.began.is_set():
            item.is_used, item.first = True, bodies
            return "interaction:first"
        try:
            async with asyncio.timeout(BEGINS_S):
                await item.began.wait()
            made = await self.edit(item, bodies[0])
            await self.more(item, bodies[1:])
        except (TimeoutError, VendorRefused):
            item.is_used = True
            return ""
        item.is_used = True
        if item.flags & PRIVATE:
            return f"interaction:{made.get('id', '')}"
        return f"{made.get('channel_id', '')}:{made.get('id', '')}"

    async def edit(self, item: Item, body: Mapping[str, Json]) -> Any:
        """Write what stands in the first place."""
        names = {"webhook_id": item.app, "webhook_token": item.token}
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        return await self._calls.do("PATCH", path, dict(body), **names)

    async def drop(self, item: Item) -> None:
        """Take the promise of an answer back."""
        names = {"webhook_id": item.app, "webhook_token": item.token}
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        await self._calls.do("DELETE", path, **names)

    async def more(self, item: Item, bodies: Bodies) -> None:
        """Write what comes after it; a second attempt goes on where the first one stopped."""
        names = {"webhook_id": item.app, "webhook_token": item.token}
        for body in bodies[item.following :]:
            given = {**body, "flags": item.flags} if item.flags else dict(body)
            await self._calls.do("POST", "/webhooks/{webhook_id}/{webhook_token}", given, **names)
            item.following += 1
