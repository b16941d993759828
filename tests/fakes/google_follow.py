"""How the played Google Calendar tells what changed: sync tokens, and channels that call the app.

https://developers.google.com/workspace/calendar/api/guides/sync and .../guides/push (read
2026-11-21): a token goes alone, one that is too old is answered with 410; a channel says hello, then
that something exists, without a word of what; it cannot be prolonged. Requests are held to the
published description besides.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from tests.fakes.google_server import Body, Refused
from tests.fakes.graph_watch import Bell
from tests.fakes.played import Told

if TYPE_CHECKING:
    from tests.fakes.google_calendar import GoogleCalendar

MOST = timedelta(days=7)
_NEVER_WITH = {"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty"}
_NEVER_WITH |= {"timeMin", "timeMax", "updatedMin"}
_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")


class Follow:
    """What one account's calendar tells."""

    def __init__(self, server: "GoogleCalendar") -> None:
        self._server = server
        self.bell = Bell()
        self.channels: dict[str, Body] = {}
        """Those that live, by id."""
        self.stopped: list[str] = []
        self.is_deaf = False
        """While it is, changes are not told."""
        self._least = 0
        self._numbers = count(1)

    def forget_tokens(self) -> None:
        """Every token is too old: 410, begin again."""
        self._least = self._version + 1

    @property
    def _version(self) -> int:
        return max((_number(event) for event in self._server.events.values()), default=0)

    def token(self) -> str:
        """Where the changes stand now."""
        return f"sync-{max(self._version, self._least)}"

    def since(self, query: Mapping[str, str]) -> Body:
        """What changed since a token, deleted events as well."""
        if bad := _NEVER_WITH.intersection(query):
            self._server.mistakes.append(f"{sorted(bad)} do not go with a syncToken")
            raise Refused(400, "invalid")
        found = re.fullmatch(r"sync-(\d+)", query["syncToken"])
        if found is None or int(found[1]) < self._least:
            raise Refused(410, "fullSyncRequired")
        changed = [e for e in self._server.events.values() if _number(e) > int(found[1])]
        told = [
            {"id": e["id"], "status": "cancelled", "etag": e["etag"]}
            if e["status"] == "cancelled"
            else dict(e)
            for e in sorted(changed, key=_number)
        ]
        return {"kind": "calendar#events", "items": told, "nextSyncToken": self.token()}

    def watch(self, calendar: str, body: Body) -> Body:
        """Make a channel, and say hello."""
        id_, url = str(body.get("id", "")), str(body.get("address", ""))
        if not _ID.fullmatch(id_) or body.get("type") != "web_hook":
            raise Refused(400, "required")
        if not url.startswith("https://"):
            raise Refused(400, "push.webhookUrlNotHttps")
        if id_ in self.channels or id_ in self.stopped:
            raise Refused(400, "channelIdNotUnique")
        now = datetime.now(UTC)
        asked = int(body.get("expiration") or (now + MOST).timestamp() * 1000)
        until = min(asked, int((now + MOST).timestamp() * 1000))
        made = {"kind": "api#channel", "id": id_, "resourceId": f"res-{calendar}"}
        made |= {
            "resourceUri": f"https://www.googleapis.com/calendar/v3/calendars/{calendar}/events"
        }
        made["expiration"] = str(until)
        if "token" in body:
            made["token"] = body["token"]
        self.channels[id_] = {**made, "address": url}
        self.bell.spawn(self.tell(id_, "sync"))
        return made

    def stop(self, body: Body) -> None:
        """End a channel."""
        made = self.channels.get(str(body.get("id")))
        if made is None or made["resourceId"] != body.get("resourceId"):
            raise Refused(404, "channelNotFound")
        self.stopped.append(self.channels.pop(made["id"])["id"])

    def changed(self) -> None:
        """Something changed: every channel says so."""
        for id_ in [] if self.is_deaf else list(self.channels):
            self.bell.spawn(self.tell(id_, "exists"))

    async def tell(self, id_: str, state: str, **forged: str) -> Told:
        """Call the app; `forged`: other headers than a channel's own, by their last word."""
        made = self.channels[id_]
        head = {
            "X-Goog-Channel-ID": id_,
            "X-Goog-Channel-Token": str(made.get("token", "")),
            "X-Goog-Resource-ID": made["resourceId"],
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(next(self._numbers)),
        }
        names = {"token": "X-Goog-Channel-Token", "channel": "X-Goog-Channel-ID"}
        names["resource"] = "X-Goog-Resource-ID"
        head |= {names[name]: value for name, value in forged.items()}
        return await self.bell.tell(made["address"], b"", head)


def _number(event: Body) -> int:
    return int(event["etag"].strip('"'))
