"""Following an Outlook calendar: deltas of its view, and subscriptions.

https://learn.microsoft.com/graph/api/event-delta
https://learn.microsoft.com/graph/api/resources/subscription (read 2026-11-21)

The times of a view stand inside its link. A delta tells of events outside of them as if they had
gone. A subscription lives less than three days and is prolonged at half its life.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from pydantic import AwareDatetime, Field

from bot.core.canonical import Json
from bot.core.errors import NotFound, VendorUnknown
from bot.oauth.accounts import Client
from tools.calendar import _outlook_event as shapes
from tools.calendar._book import Gone
from tools.calendar._event import Event
from tools.calendar._following import PAGES, Changes, Channel, Stale, Stretch, Way
from tools.calendar._graph import ask
from tools.calendar._outlook import SERVICE, Outlook
from tools.calendar._wire import Theirs, read

LIVES = timedelta(minutes=4_200)
"""4,230 minutes is the least of the documented limits."""


class _Entry(Theirs):
    """An event, or the word that it is gone."""

    id: str
    removed: Mapping[str, str] | None = Field(default=None, alias="@removed")


class _Page(Theirs):
    """A page of changes."""

    value: tuple[Mapping[str, object], ...] = ()
    next_link: str = Field(default="", alias="@odata.nextLink")
    delta_link: str = Field(default="", alias="@odata.deltaLink")


class _Made(Theirs):
    """A subscription."""

    id: str
    expiration_date_time: AwareDatetime


class OutlookFollowing:
    """The main calendar of an account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def changes(self, cursor: str, stretch: Stretch) -> Changes:
        """What changed since. Raises Stale."""
        where, query = cursor, dict[str, str]()
        if not cursor:
            where = "me/calendarView/delta"
            times = {"startDateTime": stretch.begins, "endDateTime": stretch.ends}
            query = {name: _stamp(when) for name, when in times.items()}
        found: dict[str, Event | None] = {}
        for _ in range(PAGES):
            page = read(_Page, await self._ask(where, query), "Microsoft")
            for told in page.value:
                entry = read(_Entry, told, "Microsoft")
                found[entry.id] = None if entry.removed else self._event(told)
            if page.delta_link:
                return _changes(found, page.delta_link, stretch)
            if not page.next_link:
                break
            where, query = page.next_link, {}
        raise VendorUnknown("Microsoft does not come to the end of this calendar.")

    def _event(self, told: object) -> Event:
        return read(shapes.Event, told, "Microsoft").neutral(self._client.name)

    async def _ask(self, where: str, query: Mapping[str, str]) -> Mapping[str, Json]:
        try:
            return await ask(self._client, "GET", where, query=query)
        except Gone:
            raise Stale from None

    async def watch(self, id_: str, url: str, secret: str, now: datetime) -> Channel:
        """A new subscription; Microsoft gives it its id, and asks the address to answer first."""
        body: dict[str, Json] = {
            "changeType": "created,updated,deleted",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": "me/events",
            "clientState": secret,
            "expirationDateTime": _stamp(now + LIVES),
        }
        return _channel(await ask(self._client, "POST", "subscriptions", body=body))

    async def prolong(self, channel: str, now: datetime) -> Channel | None:
        """Let a subscription live longer; None for one that has ended."""
        body: dict[str, Json] = {"expirationDateTime": _stamp(now + LIVES)}
        try:
            return _channel(await ask(self._client, "PATCH", _path(channel), body=body))
        except NotFound:
            return None

    async def stop(self, channel: str, resource: str) -> None:
        """End a subscription."""
        try:
            await ask(self._client, "DELETE", _path(channel))
        except NotFound:
            return


WAY = Way(service=SERVICE, following=OutlookFollowing, book=Outlook)


def _path(channel: str) -> str:
    return f"subscriptions/{quote(channel, safe='')}"


def _stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _channel(told: object) -> Channel:
    made = read(_Made, told, "Microsoft")
    return Channel(id=made.id, resource="me/events", until=made.expiration_date_time)


def _changes(found: Mapping[str, Event | None], cursor: str, stretch: Stretch) -> Changes:
    here = {
        id_: event
        for id_, event in found.items()
        if event and not event.is_over and stretch.holds(event)
    }
    gone = tuple(id_ for id_ in found if id_ not in here)
    return Changes(events=tuple(here.values()), gone=gone, cursor=cursor)
