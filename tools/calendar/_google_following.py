"""Following a Google calendar: sync tokens, and channels of push notifications.

https://developers.google.com/workspace/calendar/api/guides/sync
https://developers.google.com/workspace/calendar/api/guides/push (read 2026-11-21)

A sync token goes with the parameters of its first round, but for the times: those stand in the
first round only. A channel cannot be prolonged: a new one is made and the old one stopped.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.core.canonical import Json
from bot.core.errors import NotFound, VendorUnknown
from bot.oauth.accounts import Client
from tools.calendar import _google_event as shapes
from tools.calendar._book import OWN, Gone
from tools.calendar._following import PAGES, Changes, Channel, Stale, Stretch, Way
from tools.calendar._google import SERVICE, Google
from tools.calendar._google_wire import ask, path_of
from tools.calendar._wire import Theirs, read

LIVES = timedelta(days=7)
_SIZE = "250"


class _Page(Theirs):
    """A page of changes."""

    items: tuple[shapes.Event, ...] = ()
    next_page_token: str = ""
    next_sync_token: str = ""


class _Made(Theirs):
    """A channel that was made."""

    id: str
    resource_id: str
    expiration: str = ""


class GoogleFollowing:
    """The main calendar of an account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def changes(self, cursor: str, stretch: Stretch) -> Changes:
        """What changed since. Raises Stale."""
        query = {"singleEvents": "true", "maxResults": _SIZE}
        if cursor:
            query["syncToken"] = cursor
        else:
            query["timeMin"] = stretch.begins.isoformat(timespec="seconds")
            query["timeMax"] = stretch.ends.isoformat(timespec="seconds")
        found: dict[str, shapes.Event] = {}
        for _ in range(PAGES):
            page = read(_Page, await self._ask(query), "Google")
            found |= {each.id: each for each in page.items}
            if page.next_sync_token:
                return _changes(found, page.next_sync_token, stretch)
            if not page.next_page_token:
                break
            query["pageToken"] = page.next_page_token
        raise VendorUnknown("Google does not come to the end of this calendar.")

    async def _ask(self, query: Mapping[str, str]) -> Mapping[str, Json]:
        try:
            return await ask(self._client, "GET", path_of(OWN), query=query)
        except Gone:
            raise Stale from None

    async def watch(self, id_: str, url: str, secret: str, now: datetime) -> Channel:
        """A new channel."""
        wanted = now + LIVES
        body: dict[str, Json] = {
            "id": id_,
            "type": "web_hook",
            "address": url,
            "token": secret,
            "expiration": str(int(wanted.timestamp() * 1000)),
        }
        told = await ask(self._client, "POST", f"{path_of(OWN)}/watch", body=body)
        made = read(_Made, told, "Google")
        until = wanted
        if made.expiration.isdecimal() and len(made.expiration) < 15:
            until = datetime.fromtimestamp(int(made.expiration) / 1000, UTC)
        return Channel(id=made.id, resource=made.resource_id, until=until)

    async def prolong(self, channel: str, now: datetime) -> Channel | None:
        """None: there is no such call."""
        return None

    async def stop(self, channel: str, resource: str) -> None:
        """End a channel."""
        body: dict[str, Json] = {"id": channel, "resourceId": resource}
        try:
            await ask(self._client, "POST", "channels/stop", body=body)
        except NotFound:
            return


WAY = Way(service=SERVICE, following=GoogleFollowing, book=Google)


def _changes(found: Mapping[str, shapes.Event], cursor: str, stretch: Stretch) -> Changes:
    events = [each.neutral() for each in found.values()]
    here = [each for each in events if not each.is_over and stretch.holds(each)]
    kept = {each.id for each in here}
    gone = tuple(each.id for each in events if each.id not in kept)
    return Changes(events=tuple(here), gone=gone, cursor=cursor)
