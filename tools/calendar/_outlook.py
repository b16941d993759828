"""Outlook Calendar behind the verbs, on Microsoft Graph.

https://learn.microsoft.com/graph/api/user-post-events, .../event-update, .../event-delete,
.../event-accept, .../calendar-getschedule, .../user-list-calendarview (read 2026-11-21)

Making: `transactionId` comes from the deed, and so does a property of ours on the event; that
property is looked for first, since a `transactionId` cannot be searched for. Changing and
cancelling go through only while the event is as it was shown (`If-Match`). An answer cannot be
bound so: the event is looked at right before.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from bot.core.canonical import Json
from bot.core.errors import NotFound, VendorUnknown
from bot.oauth.accounts import Client
from tools.calendar import _outlook_event as shapes
from tools.calendar._book import OWN, Busy, Changed, Entry, Gone, Service, Wish
from tools.calendar._event import Event
from tools.calendar._graph import Repeated, ask, calendar_path, path_of
from tools.calendar._outlook_body import body_of, guest, time_of
from tools.calendar._wire import Theirs, read

SERVICE = Service(
    name="outlook",
    provider="microsoft",
    title="Outlook Calendar",
    vendor="Microsoft",
    meets="Microsoft Teams",
    reads=("Calendars.ReadWrite",),
    writes=("Calendars.ReadWrite",),
    title_chars=255,
    parting="two mails each: the invitation to the new series, and that the old one ends",
)
_SPACE: Final = uuid.UUID("3f1c8a52-6f0b-4f6e-9c1d-7b5e2a90d4c1")
_SEEN = ",".join(
    (
        *("id", "subject", "bodyPreview", "location", "start", "end", "isAllDay", "isCancelled"),
        *("isOrganizer", "organizer", "attendees", "responseStatus", "onlineMeeting", "webLink"),
        *("type", "seriesMasterId"),
    )
)
_MARKED = {"$expand": f"singleValueExtendedProperties($filter=id eq '{shapes.PROPERTY}')"}
_PAGE, _PAGES = 100, 5
"""Events of a page, and pages that are looked through for words."""
_MOST = 1_000
"""Events of a series on a page; Graph has no larger ones."""
_FREE = frozenset({"free", "workingElsewhere"})
_DEEDS = {"yes": "accept", "no": "decline", "maybe": "tentativelyAccept"}
_MINUTES = 30
"""How fine the part of a schedule is that we do not read; Graph wants 5 to 1,440."""


class _Owner(Theirs):
    """Whose calendar it is."""

    address: str | None = ""


class _Listed(Theirs):
    """One of the account's calendars."""

    name: str | None = ""
    can_edit: bool = False
    is_default_calendar: bool = False
    owner: _Owner | None = None


class _Events(Theirs):
    """A page of them."""

    value: tuple[shapes.Event, ...] = ()
    next_link: str = Field(default="", alias="@odata.nextLink")


class _Item(Theirs):
    """A time in a schedule."""

    status: str = ""
    start: shapes.When = shapes.When()
    end: shapes.When = shapes.When()


class _Trouble(Theirs):
    """Why somebody's time is not shown."""

    response_code: str = ""


class _Schedule(Theirs):
    """One person's times."""

    schedule_id: str = ""
    schedule_items: tuple[_Item, ...] = ()
    error: _Trouble | None = None


class _Schedules(Theirs):
    """Everybody's."""

    value: tuple[_Schedule, ...] = ()


class Outlook:
    """The calendars of one connected account."""

    service = SERVICE

    def __init__(self, client: Client) -> None:
        self._client = client
        self.account = client.account
        self.name = client.name

    async def calendar(self, id_: str) -> Entry:
        """A calendar, by its id. Raises NotFound."""
        told = await ask(self._client, "GET", calendar_path(id_))
        entry = read(_Listed, told, "Microsoft")
        name = (entry.owner.address if entry.owner else "") if entry.is_default_calendar else ""
        return Entry(name=name or entry.name or "", may_write=entry.can_edit)

    async def event(self, calendar: str, id_: str) -> Event:
        """One event. Raises NotFound, also for one that the account has cancelled."""
        return (await self._event(id_)).neutral(self.name)

    async def _event(self, id_: str) -> shapes.Event:
        told = await ask(self._client, "GET", path_of(id_), query=_MARKED)
        return read(shapes.Event, told, "Microsoft")

    async def events(
        self, calendar: str, begins: datetime, ends: datetime, query: str, most: int
    ) -> tuple[list[Event], bool]:
        """What stands there then, and whether there is more. Words are looked for here: the view
        of a calendar cannot be searched."""
        asked = {
            **_stretch(begins, ends),
            "$orderby": "start/dateTime",
            "$select": _SEEN,
            "$top": str(_PAGE if query else most),
        }
        where = f"{calendar_path(calendar)}/calendarView"
        found: list[Event] = []
        for number in range(_PAGES if query else 1):
            told = await ask(self._client, "GET", where, query={} if number else asked)
            page = read(_Events, told, "Microsoft")
            fresh = [each.neutral(self.name) for each in page.value]
            found += [each for each in fresh if _holds(each, query)]
            where = page.next_link
            if not where or len(found) > most:
                break
        return found[:most], bool(where) or len(found) > most

    async def of_series(
        self, calendar: str, id_: str, begins: datetime, ends: datetime
    ) -> list[Event]:
        """The events of a series that are on then; Graph leaves out those that were cancelled."""
        asked = {**_stretch(begins, ends), "$top": str(_MOST)}
        where, found = f"{path_of(id_)}/instances", list[Event]()
        for number in range(_PAGES):
            told = await ask(self._client, "GET", where, query={} if number else asked)
            page = read(_Events, told, "Microsoft")
            found += [each.neutral(self.name) for each in page.value]
            where = page.next_link
            if not where:
                return [each for each in found if not each.is_over]
        raise VendorUnknown("Microsoft does not come to the end of this series.")

    async def busy(
        self, people: Sequence[str], begins: datetime, ends: datetime
    ) -> Mapping[str, Sequence[Busy] | None]:
        """When each is taken. Whom it cannot see Graph says inside an answer that is well."""
        names = {name: self.name if name == OWN else name for name in dict.fromkeys(people)}
        asked: dict[str, Json] = {
            "schedules": list(dict.fromkeys(names.values())),
            "startTime": time_of(begins, "UTC"),
            "endTime": time_of(ends, "UTC"),
            "availabilityViewInterval": _MINUTES,
        }
        told = await ask(self._client, "POST", "me/calendar/getSchedule", body=asked)
        found = {
            each.schedule_id.lower(): each for each in read(_Schedules, told, "Microsoft").value
        }
        if lacking := [each for each in names.values() if each.lower() not in found]:
            raise VendorUnknown(f"Microsoft told nothing of {lacking[0]}.")
        return {name: _times(found[address.lower()]) for name, address in names.items()}

    async def make(self, calendar: str, key: str, wish: Wish) -> Event:
        """The event of this deed: found, or made."""
        if found := await self.made(calendar, key):
            return found
        once = {"transactionId": str(uuid.uuid5(_SPACE, key))}
        body = body_of(wish, shapes.MADE, key) | once
        if wish.like:
            body = {**wish.like.copied, **body, "attendees": wish.guests(wish.like, guest)}
        try:
            told = await ask(self._client, "POST", f"{calendar_path(calendar)}/events", body=body)
        except Repeated:
            if found := await self.made(calendar, key):
                return found
            raise VendorUnknown("Outlook has this event, and does not show it yet.") from None
        return read(shapes.Event, told, "Microsoft").neutral(self.name)

    async def made(self, calendar: str, key: str) -> Event | None:
        """The event that the deed of this key made, if it is there."""
        name, value = (text.replace("'", "''") for text in (shapes.MADE, key))
        wanted = f"ep/id eq '{name}' and ep/value eq '{value}'"
        query = {"$filter": f"singleValueExtendedProperties/Any(ep: {wanted})", "$top": "1"}
        where = f"{calendar_path(calendar)}/events"
        told = read(_Events, await ask(self._client, "GET", where, query=query), "Microsoft")
        return told.value[0].neutral(self.name) if told.value else None

    async def change(self, calendar: str, event: Event, key: str, wish: Wish) -> None:
        """Change it while it is still this one."""
        body = body_of(wish, shapes.PROPERTY, key)
        if wish.meet and event.join_url:
            del body["isOnlineMeeting"], body["onlineMeetingProvider"]
        if wish.description is not None and event.join_url:
            body["body"] = await self._words(event, wish.description)
        if wish.add or wish.remove:
            body["attendees"] = wish.guests(event, guest)
        await ask(self._client, "PATCH", path_of(event.id), body=body, etag=event.etag)

    async def _words(self, event: Event, words: str) -> Json:
        """A description that keeps what Teams wrote below it. Raises Changed."""
        there = await self._event(event.id)
        kept = there.kept_words()
        if there.etag != event.etag or kept is None:
            raise Changed
        return {"contentType": "html", "content": shapes.as_markup(words) + kept}

    async def cancel(self, calendar: str, event: Event) -> None:
        """Delete it while it is still this one: Graph then tells the guests of our own events."""
        try:
            await ask(self._client, "DELETE", path_of(event.id), etag=event.etag)
        except NotFound:
            raise Gone from None

    async def answer(self, calendar: str, event: Event, answer: str, comment: str) -> None:
        """Send the account's own answer to the organizer."""
        said: dict[str, Json] = {"sendResponse": True}
        if comment:
            said["comment"] = comment
        await ask(self._client, "POST", f"{path_of(event.id)}/{_DEEDS[answer]}", body=said)


def _stretch(begins: datetime, ends: datetime) -> dict[str, str]:
    """A stretch of time as Graph takes it."""
    times = {"startDateTime": begins, "endDateTime": ends}
    return {name: f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, when in times.items()}


def _holds(event: Event, query: str) -> bool:
    """Whether all the words occur in it."""
    text = f"{event.summary} {event.location} {event.description} {' '.join(event.others)}".lower()
    return all(word in text for word in query.lower().split())


def _times(told: _Schedule) -> Sequence[Busy] | None:
    """A person's times that are taken. Raises VendorUnknown for those that cannot be read."""
    if told.error:
        return None
    found: list[Busy] = []
    for each in told.schedule_items:
        begins, ends = each.start.read(whole_day=False), each.end.read(whole_day=False)
        if not isinstance(begins, datetime) or not isinstance(ends, datetime):
            raise VendorUnknown("Microsoft's answer holds times that could not be read.")
        if each.status not in _FREE:
            found.append((begins, ends))
    return found
