"""What became of events that the house made: said once, where they were asked for.

Told in words that a person approved (the title, the guests that were named) and in times: what
others wrote since is not repeated. What the house did itself is no news.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bot.core.canonical import Json
from bot.core.effect import Effect
from bot.core.ids import TenantId
from bot.core.ports import Clock, Inbox
from bot.core.times import to_us
from bot.frozen import frozen
from bot.services.news import News, tell
from bot.store import calendars, effects
from bot.store.script import Database
from tools.calendar._event import Event, Guest

NAME = "calendar"
_SAID = {"yes": "said yes to", "no": "said no to", "maybe": "may come to"}
Look = Callable[[str], Awaitable[Event | None]]
_MADE_WITHIN = timedelta(days=400)
_MARGIN = timedelta(minutes=2)
"""How long before the last reading a deed of ours may have begun that this one shows."""


def kept(event: Event, meets: str) -> dict[str, object]:
    """An event as it is kept."""
    return {
        "id": event.id,
        "etag": event.etag,
        "summary": event.summary[:1000],
        "description": event.description[:2000],
        "location": event.location[:1000],
        "start": event.start.isoformat() if event.start else "",
        "end": event.end.isoformat() if event.end else "",
        "join_url": event.join_url[:2000],
        "meets": meets if event.join_url else "",
        "organizer": event.organizer,
        "is_ours": event.is_ours,
        "is_invited": event.is_invited,
        "answer": event.answer,
        "guests": [[guest.email, guest.answer] for guest in event.guests[:200]],
        "series": event.series,
        "url": event.url[:2000],
    }


def told(known: Mapping[str, object]) -> Event:
    """What was kept, as an event again."""
    listed = known.get("guests")
    guests = tuple(
        Guest(email=str(each[0]), answer=str(each[1]))
        for each in (listed if isinstance(listed, list) else ())
    )
    return Event(
        id=str(known.get("id", "")),
        etag=str(known.get("etag", "")),
        summary=str(known.get("summary", "")),
        start=_time(known.get("start")),
        end=_time(known.get("end")),
        guests=guests,
        is_ours=bool(known.get("is_ours")),
    )


@frozen
class Difference:
    """What became of one event."""

    was: Event
    now: Event | None
    """None: it is not in the calendar any more."""


@frozen
class Teller:
    """Says it."""

    db: Database
    clock: Clock
    inbox: Callable[[], Inbox]

    async def tell(
        self, tenant: TenantId, found: list[Difference], since: datetime, look: Look
    ) -> int:
        """Say what is new of events that the house made; returns how much was said.

        `since`: the last reading before. `look` asks how an event is now: what left the time that
        is followed may only have moved. Safe to repeat.
        """
        count, now = 0, self.clock.now()
        for difference in found:
            each = difference
            if not each.was.is_ours or _is_past(each.was, now):
                continue
            made = to_us(now - _MADE_WITHIN)
            id_ = await self.db.read(calendars.maker(tenant, each.was.id, made))
            effect = await self.db.read(effects.get(tenant, id_)) if id_ else None
            if effect is None:
                continue
            if each.now is None:
                each = replace(each, now=await look(each.was.id))
            start = to_us(since - _MARGIN)
            ours = await self.db.read(calendars.was_ours(tenant, each.was.id, start))
            zone = str(effect.arguments.get("home") or "UTC")
            for words in _words(each, effect.arguments, zone, is_ours=ours):
                await self._say(effect, each, words)
                count += 1
        return count

    async def _say(self, effect: Effect, found: Difference, words: str) -> None:
        state = (found.now or found.was).etag
        once = hashlib.sha256(f"{found.was.id} {state} {words}".encode()).hexdigest()[:40]
        news = News(service=NAME, title="Calendar", kind="changed", once=once, words=words)
        await tell(self.db, self.clock, self.inbox(), effect, news)


def _words(found: Difference, asked: Mapping[str, Json], zone: str, *, is_ours: bool) -> list[str]:
    """What is said of it."""
    title = f"“{asked.get('title')}”"
    if found.now is None:
        return [] if is_ours else [f"{title} ({found.was.when(zone)}) was taken off the calendar."]
    said = []
    when = found.now.when(zone)
    if (found.now.start, found.now.end) != (found.was.start, found.was.end) and not is_ours:
        said.append(f"{title} was moved: {when}.")
    guests = asked.get("guests")
    named = {str(each).lower() for each in (guests if isinstance(guests, list) else ())}
    before = {guest.email.lower(): guest.answer for guest in found.was.guests}
    for guest in found.now.guests:
        email = guest.email.lower()
        if guest.answer and email in before and before[email] != guest.answer:
            who = guest.email if email in named else "A guest"
            said.append(f"{who} {_SAID[guest.answer]} {title} ({when}).")
    return said


def _is_past(event: Event, now: datetime) -> bool:
    if isinstance(event.end, datetime):
        return event.end <= now
    return event.end is None or event.end < now.date()


def _time(value: object) -> date | datetime | None:
    text = str(value)
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None


def bounds(event: Event) -> tuple[int, int]:
    """When it begins and ends, in microseconds; a whole day by the clocks of UTC."""
    found = []
    for when in (event.start, event.end):
        if isinstance(when, datetime):
            found.append(to_us(when))
        elif when is not None:
            found.append(to_us(datetime(when.year, when.month, when.day, tzinfo=UTC)))
        else:
            found.append(0)
    return found[0], found[1]
