"""Google Calendar behind the verbs.

https://developers.google.com/workspace/calendar/api/v3/reference/events
https://developers.google.com/workspace/calendar/api/guides/version-resources (read 2026-11-21)

Making: the event's id comes from the deed, so the same deed makes it once; Google answers 409 to an
id that is there. It does not promise to notice every time, so the id is looked for first. Changing
and cancelling go through only while the event is as it was shown (`If-Match`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import AwareDatetime, Field

from bot.core.canonical import Json
from bot.core.errors import NotFound, VendorUnknown
from bot.oauth.accounts import Client
from tools.calendar import _google_event as shapes
from tools.calendar._book import Busy, Entry, Service, Wish
from tools.calendar._event import MARK, Event
from tools.calendar._google_rule import written
from tools.calendar._google_wire import Taken, ask, path_of
from tools.calendar._wire import Theirs, read

_SCOPE = "https://www.googleapis.com/auth/calendar"
SERVICE = Service(
    name="google",
    provider="google",
    title="Google Calendar",
    vendor="Google",
    meets="Google Meet",
    reads=(f"{_SCOPE}.readonly",),
    writes=(f"{_SCOPE}.events", f"{_SCOPE}.readonly"),
    title_chars=300,
    parting=(
        "one mail each, the invitation to the new series; whose calendar is not Google's also gets "
        "word that the old one ends"
    ),
)
NEWS = {"sendUpdates": "all", "conferenceDataVersion": "1"}
"""Guests are told, and what belongs to Meet is kept."""
_QUIET = {**NEWS, "sendUpdates": "externalOnly"}
_MOST, _PAGES = "2500", 4
"""Events of a series on a page, and pages."""
_THEIRS = {ours: theirs for theirs, ours in shapes.ANSWERS.items()}


class _Listed(Theirs):
    """One of the account's calendars."""

    summary: str = ""
    access_role: str = ""


class _Events(Theirs):
    """A page of them."""

    items: tuple[shapes.Event, ...] = ()
    next_page_token: str = ""


class _Taken(Theirs):
    """A time that is taken."""

    start: AwareDatetime
    end: AwareDatetime


class _Problem(Theirs):
    """Why a calendar could not be seen."""

    reason: str = ""


class _Times(Theirs):
    """One calendar's times."""

    busy: tuple[_Taken, ...] = ()
    errors: tuple[_Problem, ...] = ()


class _FreeBusy(Theirs):
    """Who is free."""

    calendars: Mapping[str, _Times] = Field(default_factory=dict)


class Google:
    """The calendars of one connected account."""

    service = SERVICE

    def __init__(self, client: Client) -> None:
        self._client = client
        self.account = client.account
        self.name = client.name

    async def calendar(self, id_: str) -> Entry:
        """A calendar, by its id. Raises NotFound."""
        path = f"users/me/calendarList/{quote(id_, safe='')}"
        told = read(_Listed, await ask(self._client, "GET", path), "Google")
        return Entry(name=told.summary, may_write=told.access_role in ("owner", "writer"))

    async def event(self, calendar: str, id_: str) -> Event:
        """One event, also one that was cancelled. Raises NotFound."""
        return _event(await ask(self._client, "GET", path_of(calendar, id_)))

    async def events(
        self, calendar: str, begins: datetime, ends: datetime, query: str, most: int
    ) -> tuple[list[Event], bool]:
        """What stands there then, and whether there is more."""
        asked = {
            "timeMin": begins.isoformat(timespec="seconds"),
            "timeMax": ends.isoformat(timespec="seconds"),
            "singleEvents": "true",
            "orderBy": "startTime",
            "maxResults": str(most),
        }
        if query:
            asked["q"] = query
        told = await ask(self._client, "GET", path_of(calendar), query=asked)
        page = read(_Events, told, "Google")
        return [each.neutral() for each in page.items], bool(page.next_page_token)

    async def of_series(
        self, calendar: str, id_: str, begins: datetime, ends: datetime
    ) -> list[Event]:
        """The events of a series that are on then."""
        query = {
            "timeMin": begins.isoformat(timespec="seconds"),
            "timeMax": ends.isoformat(timespec="seconds"),
            "maxResults": _MOST,
        }
        found: list[Event] = []
        for _ in range(_PAGES):
            where = f"{path_of(calendar, id_)}/instances"
            page = read(_Events, await ask(self._client, "GET", where, query=query), "Google")
            found += [each.neutral() for each in page.items]
            if not page.next_page_token:
                return [each for each in found if not each.is_over]
            query["pageToken"] = page.next_page_token
        raise VendorUnknown("Google does not come to the end of this series.")

    async def busy(
        self, people: Sequence[str], begins: datetime, ends: datetime
    ) -> Mapping[str, Sequence[Busy] | None]:
        """When each is taken. What it cannot see Google says inside an answer that is well."""
        names = list(dict.fromkeys(people))
        items: list[Json] = [{"id": name} for name in names]
        asked: dict[str, Json] = {
            "timeMin": begins.isoformat(timespec="seconds"),
            "timeMax": ends.isoformat(timespec="seconds"),
            "items": items,
        }
        told = read(_FreeBusy, await ask(self._client, "POST", "freeBusy", body=asked), "Google")
        if lacking := [name for name in names if name not in told.calendars]:
            raise VendorUnknown(f"Google told nothing of {lacking[0]}.")
        found = {name: told.calendars[name] for name in names}
        return {
            name: None if one.errors else [(each.start, each.end) for each in one.busy]
            for name, one in found.items()
        }

    async def made(self, calendar: str, key: str) -> Event | None:
        """The event of this deed, if it is there; also one that was cancelled since."""
        try:
            return await self.event(calendar, event_id(key))
        except NotFound:
            return None

    async def make(self, calendar: str, key: str, wish: Wish) -> Event:
        """The event of this deed: found, or made."""
        if found := await self.made(calendar, key):
            return found
        id_ = event_id(key)
        body = _body(wish, id_) | {"id": id_}
        if wish.like:
            guests = [_asked_anew(each) for each in wish.guests(wish.like, _guest)]
            body = {**wish.like.copied, **body, "attendees": guests}
        try:
            return _event(await ask(self._client, "POST", path_of(calendar), query=NEWS, body=body))
        except Taken:
            return await self._there(calendar, id_)

    async def _there(self, calendar: str, id_: str) -> Event:
        """An event that Google says it has. Raises VendorUnknown while it does not show it."""
        try:
            return await self.event(calendar, id_)
        except NotFound:
            raise VendorUnknown("Google has this event, and does not show it yet.") from None

    async def change(self, calendar: str, event: Event, key: str, wish: Wish) -> None:
        """Change it while it is still this one."""
        body = _body(wish, key) | {"extendedProperties": {"private": {MARK: key}}}
        if event.join_url:
            body.pop("conferenceData", None)
        if wish.add or wish.remove:
            body["attendees"] = wish.guests(event, _guest)
        await self._patch(calendar, event, body, _QUIET if wish.quietly else NEWS)

    async def cancel(self, calendar: str, event: Event) -> None:
        """Call it off while it is still this one. Raises Gone when it was already."""
        path, told = path_of(calendar, event.id), {"sendUpdates": "all"}
        await ask(self._client, "DELETE", path, query=told, etag=event.etag)

    async def answer(self, calendar: str, event: Event, answer: str, comment: str) -> None:
        """Send the account's own answer, and nobody else's (`attendeesOmitted`)."""
        me = next((guest.email for guest in event.guests if guest.is_me), "")
        mine: dict[str, Json] = {"email": me, "responseStatus": _THEIRS[answer]}
        if comment:
            mine["comment"] = comment
        await self._patch(calendar, event, {"attendeesOmitted": True, "attendees": [mine]})

    async def _patch(
        self,
        calendar: str,
        event: Event,
        body: Mapping[str, Json],
        query: Mapping[str, str] = NEWS,
    ) -> None:
        path = path_of(calendar, event.id)
        await ask(self._client, "PATCH", path, query=query, body=body, etag=event.etag)


def event_id(key: str) -> str:
    """The id of the event that this deed makes: letters and digits that Google takes."""
    return hashlib.sha256(key.encode()).hexdigest()


def _guest(address: str) -> Json:
    return {"email": address}


def _asked_anew(guest: Json) -> Json:
    """Somebody who is invited to another series, and has not answered that yet."""
    if not isinstance(guest, dict) or guest.get("self"):
        return guest
    return {name: it for name, it in guest.items() if name not in ("responseStatus", "comment")}


def _event(told: object) -> Event:
    return read(shapes.Event, told, "Google").neutral()


def _body(wish: Wish, request: str) -> dict[str, Json]:
    """What is wished as Google takes it. The same `request` makes one Meet link."""
    made: dict[str, Json] = {}
    words = {"summary": wish.title, "location": wish.location, "description": wish.description}
    made |= {name: value for name, value in words.items() if value is not None}
    if wish.span:
        made |= wish.span.body()
        if wish.repeat:
            made["recurrence"] = list[Json](written(wish.repeat, wish.span))
    if wish.add:
        made["attendees"] = [_guest(each) for each in dict.fromkeys(wish.add)]
    if wish.meet:
        kind: Json = {"type": "hangoutsMeet"}
        wanted: Json = {"requestId": request[:64], "conferenceSolutionKey": kind}
        made["conferenceData"] = {"createRequest": wanted}
    return made
