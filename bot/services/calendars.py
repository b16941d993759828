"""Calendars of connected accounts are followed: read again when their vendor says that something
changed, and every so often besides, for what it says can be missed.

    read      what changed since the last time; everything where that is too old, or once a week
    tell      what became of events that the house made (`bot/services/calendar_news.py`)
    keep      the events and how far was read, in one commit: cut off before it, all is read again,
              and what was told is not told twice
    watch     a channel to the house where it has a public address; renewed before it ends, the old
              one stopped after the new one is kept

One process at a time does this. A vendor that is away is asked later, and later again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

from bot.core.errors import (
    BotError,
    Conflict,
    Forbidden,
    NotFound,
    OperatorError,
    VendorError,
)
from bot.core.ports import Clock, Inbox, new_id
from bot.core.times import from_us, to_us
from bot.fleet import Peers
from bot.frozen import frozen
from bot.oauth.accounts import Accounts
from bot.services.calendar_news import Difference, Look, Teller, bounds, kept, told
from bot.store import calendars as rows
from bot.store.calendars import Copy, Due, Kept
from bot.store.script import Database
from tools.calendar._book import OWN, Book
from tools.calendar._event import Event
from tools.calendar._following import Changes, Following, Stale, Stretch, Way

log = logging.getLogger(__name__)

LEASE = "calendars"
FILES = {
    "google": "tools.calendar._google_following",
    "microsoft": "tools.calendar._outlook_following",
}
"""A connection's provider → the file that declares its `WAY`. It is loaded when a calendar is due:
its shapes take a tenth of a second, for which no start waits."""
BACK, AHEAD = timedelta(days=1), timedelta(days=60)
ANEW = timedelta(days=7)
"""How long the same stretch of time is followed."""
QUIET, POLL = timedelta(minutes=20), timedelta(minutes=5)
"""How long until it is read without a word: with a channel, and without one."""
DAILY, AGAIN = timedelta(days=1), timedelta(hours=1)
"""How often a channel is renewed, and when after that failed."""
AT_ONCE = 8
"""Calendars that are read at a time: one vendor that hangs holds up few others."""
REST, MOST_REST = timedelta(minutes=1), timedelta(hours=6)


def hook(provider: str) -> str:
    """Where a vendor tells of changes, below the house's address."""
    return f"/webhooks/{provider}/calendar"


@frozen
class Around:
    """What stands around it."""

    db: Database
    clock: Clock
    peers: Peers
    accounts: Accounts
    inbox: Callable[[], Inbox]
    mask: Callable[[str, str], str]
    """A keyed hash of a text, for a purpose."""
    public_url: str


class Calendars:
    """Follows them."""

    def __init__(self, around: Around) -> None:
        self._a = around
        self._teller = Teller(db=around.db, clock=around.clock, inbox=around.inbox)

    @property
    def around(self) -> Around:
        """What it is made of."""
        return self._a

    async def tend(self) -> int:
        """Look after every calendar that is due; returns how many were read."""
        now = to_us(self._a.clock.now())
        found = await self._a.db.read(rows.due(now))
        if not found or not await self._a.peers.take(LEASE):
            return 0
        few = asyncio.Semaphore(AT_ONCE)

        async def one(due: Due) -> bool:
            async with few:
                try:
                    return await self._one(due)
                except Exception as error:  # one strange calendar holds up no other
                    log.exception("A calendar could not be followed.")
                    await self._rest(due, Conflict(type(error).__name__))
                    return False

        try:
            return sum(await asyncio.gather(*map(one, found)))
        finally:
            await self._a.peers.drop(LEASE)

    def secret(self, tenant: str, id_: str) -> str:
        """What a vendor says with all that it tells of this calendar."""
        return self._a.mask("calendar channel", f"{tenant} {id_}")[:64]

    async def _one(self, due: Due) -> bool:
        item = await self._a.db.read(rows.get(due.tenant, due.id))
        item = item or Copy(tenant=due.tenant, id=due.id)
        try:
            following, book = await self._ways(due)
            item = await self._read(item, following, book)
            await self._watch(item, due.provider, following)
        except Overtaken:
            return False  # it is due again
        except BotError as error:
            log.warning("A calendar is not followed for now: %s", error.message)
            await self._rest(due, error)
            return False
        return True

    async def _ways(self, due: Due) -> tuple[Following, Book]:
        way: Way = import_module(FILES[due.provider]).WAY
        needs = way.service.reads
        client = await self._a.accounts.client(due.tenant, due.provider, due.agent, needs)
        return way.following(client), way.book(client)

    async def _rest(self, due: Due, error: BotError) -> None:
        """Let it be until later."""
        item = await self._a.db.read(rows.get(due.tenant, due.id))
        item = item or Copy(tenant=due.tenant, id=due.id)
        asked = getattr(error, "retry_after_s", None)
        pause = timedelta(seconds=asked) if asked else REST * 2 ** min(item.tries, 10)
        at = to_us(self._a.clock.now() + min(max(pause, REST), MOST_REST))
        new = replace(item, due_at=at, tries=item.tries + 1, error=error.message[:300])
        await self._a.db.write(rows.put(replace(new, version=item.version + 1), item.version))

    async def _put(self, item: Copy, **new: object) -> Copy:
        """Keep it. Raises Overtaken."""
        made = replace(item, version=item.version + 1, **new)  # type: ignore[arg-type]  # names
        if not await self._a.db.write(rows.put(made, item.version)):
            raise Overtaken
        return made

    # --- reading -------------------------------------------------------------------------------

    async def _read(self, item: Copy, following: Following, book: Book) -> Copy:
        """Read what changed, tell it and keep it. Raises VendorError, OperatorError, Overtaken."""
        now = self._a.clock.now()
        stretch = Stretch(begins=from_us(item.begins_at), ends=from_us(item.ends_at))
        found, anew = None, not item.cursor or stretch.begins < now - BACK - ANEW
        if not anew:
            try:
                found = await following.changes(item.cursor, stretch)
            except Stale:
                anew = True
        if found is None:
            stretch = Stretch(begins=now - BACK, ends=now + AHEAD)
            found = await following.changes("", stretch)
        if item.synced_at:
            before = await self._a.db.read(rows.events(item.tenant, item.id, to_us(now)))
            news = _differences(before, found, anew=anew)
            await self._teller.tell(item.tenant, news, from_us(item.synced_at), _look(book))
        new = replace(
            item,
            cursor=found.cursor,
            begins_at=to_us(stretch.begins),
            ends_at=to_us(stretch.ends),
            synced_at=to_us(now),
            due_at=to_us(now + (QUIET if item.watched_until > to_us(now) else POLL)),
            tries=0,
            version=item.version + 1,
            error="",
        )
        keep = [_row(each, book.service.meets) for each in found.events]
        if not await self._a.db.write(
            rows.read(new, item.version, keep, tuple(found.gone), anew=anew)
        ):
            raise Overtaken
        return new

    # --- channels ------------------------------------------------------------------------------

    async def _watch(self, item: Copy, provider: str, following: Following) -> None:
        """Have a channel, and no old one. Without one the calendar is read more often."""
        now, url = self._a.clock.now(), self._a.public_url.rstrip("/")
        if not url.startswith("https://"):
            return
        try:
            item = await self._stop_old(item, following)
            if item.renew_at <= to_us(now):
                item = await self._renew(item, f"{url}{hook(provider)}", following)
            await self._stop_old(item, following)
        except (VendorError, OperatorError, Forbidden, NotFound) as error:
            log.warning("A calendar tells of nothing for now: %s", error.message)
            await self._put(item, renew_at=to_us(now + AGAIN))

    async def _renew(self, item: Copy, url: str, following: Following) -> Copy:
        """Prolong the channel, or make another and keep both until the old one is stopped."""
        now = self._a.clock.now()
        is_alive = bool(item.channel) and item.watched_until > to_us(now)
        channel = await following.prolong(item.channel, now) if is_alive else None
        old: dict[str, str] = {}
        if channel is None:
            secret = self.secret(item.tenant, item.id)
            channel = await following.watch(new_id(self._a.clock, "cal"), url, secret, now)
            if is_alive:
                old = {"old_channel": item.channel, "old_resource": item.resource}
        return await self._put(
            item,
            channel=channel.id,
            resource=channel.resource,
            watched_until=to_us(channel.until),
            renew_at=to_us(now + min(DAILY, (channel.until - now) / 2)),
            **old,
        )

    async def _stop_old(self, item: Copy, following: Following) -> Copy:
        if not item.old_channel:
            return item
        await following.stop(item.old_channel, item.old_resource)
        return await self._put(item, old_channel="", old_resource="")


class Overtaken(Conflict):
    """The calendar was woken or changed meanwhile; it is read again."""


def _look(book: Book) -> Look:
    """How an event is now; None for one that is not there any more."""

    async def look(id_: str) -> Event | None:
        try:
            event = await book.event(OWN, id_)
        except NotFound:
            return None
        return None if event.is_over else event

    return look


def _differences(
    before: Mapping[str, Mapping[str, object]], found: Changes, *, anew: bool
) -> list[Difference]:
    """What is other than it was kept."""
    now = {event.id: event for event in found.events}
    gone = [id_ for id_ in before if id_ not in now] if anew else found.gone
    changed = [
        Difference(was=told(before[id_]), now=event)
        for id_, event in now.items()
        if id_ in before and before[id_].get("etag") != event.etag
    ]
    left = [Difference(was=told(before[id_]), now=None) for id_ in gone if id_ in before]
    return changed + left


def _row(event: Event, meets: str) -> Kept:
    begins, ends = bounds(event)
    body = kept(event, meets)
    return Kept(id=event.id, etag=event.etag, starts_at=begins, ends_at=ends, body=body)
