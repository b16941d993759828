"""What it takes to follow a calendar: its changes since a place, and a channel that tells of them.

A vendor is one class and one `WAY` (`_google_following.py`, `_outlook_following.py`). A channel
only says that something changed; what changed is always read.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.core.errors import Conflict
from bot.frozen import frozen
from bot.oauth.accounts import Client
from tools.calendar._book import Book, Service
from tools.calendar._event import Event

PAGES = 40
"""A round that is longer is given up; a calendar of so many events is none of a person's."""


@frozen
class Stretch:
    """The time that is followed."""

    begins: datetime
    ends: datetime

    def holds(self, event: Event) -> bool:
        """Whether an event lies in it, at least in part."""
        if event.start is None or event.end is None:
            return False
        first, last = self.begins.date(), self.ends.date()
        if isinstance(event.start, datetime) and isinstance(event.end, datetime):
            return event.start < self.ends and event.end > self.begins
        return event.start <= last and event.end >= first


@frozen
class Changes:
    """What a round of reading found."""

    events: tuple[Event, ...]
    gone: tuple[str, ...]
    """Ids of those that are not in that time any more."""
    cursor: str
    """Where the next round begins."""


@frozen
class Channel:
    """What tells of changes."""

    id: str
    resource: str
    until: datetime


class Following(Protocol):
    """One account's main calendar."""

    async def changes(self, cursor: str, stretch: Stretch) -> Changes:
        """What changed since; everything for an empty cursor. Raises Stale."""
        ...

    async def watch(self, id_: str, url: str, secret: str, now: datetime) -> Channel:
        """A new channel. It says the secret to the address with all that it tells."""
        ...

    async def prolong(self, channel: str, now: datetime) -> Channel | None:
        """Let a channel live longer; None where a new one must be made."""
        ...

    async def stop(self, channel: str, resource: str) -> None:
        """End a channel; one that has ended already is fine."""
        ...


@frozen
class Way:
    """How one vendor's calendars are followed, and looked into besides."""

    service: Service
    following: Callable[[Client], Following]
    book: Callable[[Client], Book]


class Stale(Conflict):
    """The place that was read to is too old. Everything is read again."""
