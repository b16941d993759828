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
)
NEWS = {"sendUpdates": "all", "conferenceDataVersion": "1"}
"""Guests are told, and what belongs to Meet is kept."""
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

    async def make(self, calendar: str, key: str, wish: Wish) -> Event:
        """The event of this deed: found, or made."""
        id_ = event_id(key)
        try:
            return await self.event(calendar, id_)
        except NotFound:
            pass
        body = _body(wish, id_) | {"id": id_}
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
            off = {each.lower() for each in wish.remove}
            kept = [each for each in event.guests if each.email.lower() not in off]
            new = wish.without([each.email for each in kept])
            guests: list[Json] = [dict(each.theirs) for each in kept]
            body["attendees"] = [*guests, *({"email": each} for each in new)]
        await self._patch(calendar, event, body)

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

    async def _patch(self, calendar: str, event: Event, body: Mapping[str, Json]) -> None:
        path = path_of(calendar, event.id)
        await ask(self._client, "PATCH", path, query=NEWS, body=body, etag=event.etag)


def event_id(key: str) -> str:
    """The id of the event that this deed makes: letters and digits that Google takes."""
    return hashlib.sha256(key.encode()).hexdigest()


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
        made["attendees"] = [{"email": each} for each in dict.fromkeys(wish.add)]
    if wish.meet:
        kind: Json = {"type": "hangoutsMeet"}
        wanted: Json = {"requestId": request[:64], "conferenceSolutionKey": kind}
        made["conferenceData"] = {"createRequest": wanted}
    return made
