"""A server that plays Google Calendar for one account, with the OAuth that leads to it.

Every request is held against Google's published description, and every answer too; what does not
fit stands in `mistakes`. What the description does not say (409, 410, 412, a Meet link that comes a
moment later, who may change what) is from Google's guides. `book` is what really happened there.
"""

import json
import re
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from aiohttp import web

from tests.fakes.discovery import discovered
from tests.fakes.google_follow import Follow
from tests.fakes.google_server import OWNER, Body, G, GoogleServer, Refused, read_json
from tests.fakes.series import Wrong, of_lines

_ID = re.compile(r"[a-v0-9]{5,1024}")
READ, WRITE = f"{G}calendar.readonly", f"{G}calendar.events"


class GoogleCalendar(GoogleServer):
    """Google, as far as a calendar needs it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[tuple[str, str], Body] = {}
        self.busy: dict[str, list[tuple[str, str]]] = {"primary": []}
        self.roles = {"primary": "owner"}
        self.book: list[tuple[str, str]] = []
        """What changed, and which event."""
        self.mails: list[tuple[str, str]] = []
        """Who got mail, and about which event."""
        self.meet_late = False
        self.blind_to_ids = False
        """A look-up does not find what was just made, as may happen over there."""
        self.outsiders: set[str] = set()
        """Guests whose calendar is not Google's: whoever is told `externalOnly` tells them."""
        self._versions = count(1)
        self.follow = Follow(self)
        """Its sync tokens and channels; `follow.bell.webhook_via`: where the app really listens."""

    async def __aenter__(self) -> Self:
        await self.follow.bell.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self.follow.bell.__aexit__(*error)
        await super().__aexit__(*error)

    def put(self, id_: str, calendar: str = "primary", **more: Any) -> Body:
        """An event that was there before."""
        me = {"email": OWNER, "self": True}
        made: Body = {
            "id": id_,
            "status": "confirmed",
            "summary": "Budget",
            "start": {"dateTime": "2026-11-23T14:00:00+01:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2026-11-23T15:00:00+01:00", "timeZone": "Europe/Berlin"},
            "organizer": me,
            "creator": me,
            "htmlLink": f"https://www.google.com/calendar/event?eid={id_}",
            **more,
        }
        self.events[calendar, id_] = made
        self.touch(made)
        return made

    def series(self, id_: str, **more: Any) -> list[Body]:
        """A series that was there before; returns its events."""
        self._expand("primary", self.put(id_, **more))
        return self.of_series(id_)

    def touch(self, event: Body) -> None:
        """Somebody has changed it."""
        event["etag"] = f'"{next(self._versions)}"'
        self.follow.changed()

    def said(self, what: str) -> list[str]:
        """The events to which that happened."""
        return [id_ for did, id_ in self.book if did == what]

    # --- what it serves ------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/calendar/v3/"):
            return await super()._api(request)
        verb, path = request.method, request.raw_path.partition("?")[0]
        body, query = read_json(await request.read()), dict(request.query)
        spec = discovered("google-calendar-v3")
        self.mistakes.extend(spec.request_misfits(verb, path, query, body))

        def work() -> web.Response:
            told = self._work(request, path.removeprefix("/calendar/v3/"), body)
            self.mistakes.extend(spec.answer_misfits(verb, path, told))
            return web.Response(status=204) if told is None else web.json_response(told)

        is_read = verb == "GET" or path.endswith(("freeBusy", "/watch", "/stop"))
        return await self.serve(request, (WRITE, READ) if is_read else (WRITE,), work)

    def _work(self, request: web.Request, path: str, body: Any) -> Any:
        verb = request.method
        if path == "freeBusy":
            return self._free_busy(body)
        if found := re.fullmatch(r"users/me/calendarList/(.+)", path):
            return self._entry(unquote(found[1]))
        if path == "channels/stop":
            return self.follow.stop(body)
        found = re.fullmatch(r"calendars/([^/]+)/events(?:/([^/]+))?(?:/instances)?", path)
        calendar, id_ = (unquote(each or "") for each in found.groups()) if found else ("", "")
        if calendar not in self.roles:
            raise Refused(404, "notFound")
        if id_ == "watch":
            return self.follow.watch(calendar, body)
        if not id_ and "syncToken" in request.query:
            return self.follow.since(request.query)
        if not id_:
            return self._listed(request) if verb == "GET" else self._insert(calendar, request, body)
        event = self.events.get((calendar, id_))
        if event is None or (self.blind_to_ids and verb == "GET"):
            raise Refused(404, "notFound")
        if verb == "GET" and path.endswith("/instances"):
            return self._instances(request, event)
        if verb == "GET":
            return self._shown(event)
        if (etag := request.headers.get("If-Match")) and etag != event["etag"]:
            raise Refused(412, "conditionNotMet")
        return self._change(request, event, body)

    def _entry(self, calendar: str) -> Body:
        if calendar not in self.roles:
            raise Refused(404, "notFound")
        name = OWNER if calendar == "primary" else calendar
        role = self.roles[calendar]
        return {"id": name, "summary": name, "accessRole": role, "timeZone": "Europe/Berlin"}

    def _free_busy(self, body: Body) -> Body:
        told: Body = {}
        for item in body["items"]:
            if item["id"] not in self.busy:
                errors = [{"domain": "global", "reason": "notFound"}]
                told[item["id"]] = {"errors": errors, "busy": []}
            else:
                spans = self.busy[item["id"]]
                told[item["id"]] = {"busy": [{"start": a, "end": b} for a, b in spans]}
        span = {"timeMin": body["timeMin"], "timeMax": body["timeMax"]}
        return {"kind": "calendar#freeBusy", **span, "calendars": told}

    def _listed(self, request: web.Request) -> Body:
        query = request.query
        if query.get("orderBy") == "startTime" and query.get("singleEvents") != "true":
            raise Refused(400, "invalid")
        least, most = (datetime.fromisoformat(query[name]) for name in ("timeMin", "timeMax"))
        found = [
            event
            for event in self.events.values()
            if event["status"] != "cancelled" and "recurrence" not in event
            if _time(event["end"]) > least and _time(event["start"]) < most
            if query.get("q", "").lower() in event.get("summary", "").lower()
        ]
        found.sort(key=lambda event: _time(event["start"]))
        size, at = int(query.get("maxResults", "250")), int(query.get("pageToken", "0"))
        shown = [self._shown(event) for event in found[at : at + size]]
        told: Body = {"kind": "calendar#events", "items": shown}
        if len(found) > at + size:
            told["nextPageToken"] = str(at + size)
        elif "orderBy" not in query:
            told["nextSyncToken"] = self.follow.token()
        return told

    def _instances(self, request: web.Request, event: Body) -> Body:
        """The events of a series; the times may be left out."""
        query, found = request.query, self.of_series(event["id"])
        if "timeMin" in query:
            least = datetime.fromisoformat(query["timeMin"])
            found = [each for each in found if _time(each["end"]) > least]
        if "timeMax" in query:
            most = datetime.fromisoformat(query["timeMax"])
            found = [each for each in found if _time(each["start"]) < most]
        size, at = int(query.get("maxResults", "250")), int(query.get("pageToken", "0"))
        told: Body = {"kind": "calendar#events", "items": found[at : at + size]}
        return told | ({"nextPageToken": str(at + size)} if len(found) > at + size else {})

    def _insert(self, calendar: str, request: web.Request, body: Body) -> Body:
        id_ = body.get("id", "")
        if not _ID.fullmatch(id_):
            raise Refused(400, "invalid")
        if (calendar, id_) in self.events:
            raise Refused(409, "duplicate")
        if self.roles[calendar] not in ("owner", "writer"):
            raise Refused(403, "requiredAccessLevel")
        event = self.put(id_, calendar, **_filled({}, body))
        self._expand(calendar, event)
        self._meet(event, request)
        self._tell(event, request)
        self.book.append(("insert", id_))
        return self._shown(event)

    def _expand(self, calendar: str, event: Body) -> None:
        """Put the events of a series there; those that it had go. A start of one needs a zone."""
        lines = event.get("recurrence")
        if lines is None:
            return
        starts, ends = event["start"], event["end"]
        day = "date" in starts
        if not day and "timeZone" not in starts:
            self.mistakes.append("the start of a series has a timeZone")
            raise Refused(400, "required")
        zone = ZoneInfo(starts.get("timeZone", "UTC"))
        first, last = (_time(each) for each in (starts, ends))
        try:
            found = of_lines(lines, first.astimezone(zone), whole_day=day)
        except Wrong as error:
            self.mistakes.append(str(error))
            raise Refused(400, "invalid") from None
        for each in self.of_series(event["id"]):
            del self.events[calendar, each["id"]]
        rest = {k: v for k, v in event.items() if k not in ("recurrence", "extendedProperties")}
        for each in found:
            form = f"{each:%Y%m%d}" if day else f"{each.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            slot, end = _said(each, starts), _said(each + (last - first), ends)
            more = {"start": slot, "originalStartTime": slot, "end": end}
            id_ = f"{event['id']}_{form}"
            self.events[calendar, id_] = {
                **rest,
                **more,
                "id": id_,
                "recurringEventId": event["id"],
            }
            self.touch(self.events[calendar, id_])

    def of_series(self, id_: str) -> list[Body]:
        """The events of a series that are on, the earliest first."""
        mine = [each for each in self.events.values() if each.get("recurringEventId") == id_]
        found = [each for each in mine if each["status"] != "cancelled"]
        return sorted(found, key=lambda each: _time(each["start"]))

    def _change(self, request: web.Request, event: Body, body: Any) -> Any:
        if event["status"] == "cancelled":
            raise Refused(410, "deleted")
        before = json.dumps(event, sort_keys=True)
        if request.method == "DELETE":
            for each in (event, *self.of_series(event["id"])):
                each["status"] = "cancelled"
            what: Any = None
        else:
            if body.pop("attendeesOmitted", False):
                body["attendees"] = _answered(event, body["attendees"])
            elif not event["organizer"].get("self") and not event.get("guestsCanModify"):
                raise Refused(403, "forbiddenForNonOrganizer")
            _filled(event, body)
            if {"recurrence", "start", "end"} & set(body):
                where = next(calendar for calendar, id_ in self.events if id_ == event["id"])
                self._expand(where, event)
            self._meet(event, request)
            what = event
        if json.dumps(event, sort_keys=True) != before:
            self.touch(event)
        self._tell(event, request)
        self.book.append((request.method.lower(), event["id"]))
        return what and self._shown(what)

    def _meet(self, event: Body, request: web.Request) -> None:
        wanted = event.get("conferenceData", {}).get("createRequest")
        if wanted and request.query.get("conferenceDataVersion") != "1":
            event.pop("conferenceData")
        elif wanted and not self.meet_late:
            event["hangoutLink"] = "https://meet.google.com/abc-defg-hij"

    def _tell(self, event: Body, request: web.Request) -> None:
        whom = request.query.get("sendUpdates")
        for guest in event.get("attendees", ()):
            if whom == "all" or (whom == "externalOnly" and guest["email"] in self.outsiders):
                self.mails.append((guest["email"], event["id"]))

    def _shown(self, event: Body) -> Body:
        told = dict(event)
        if self.meet_late and "conferenceData" in event:
            event["hangoutLink"] = "https://meet.google.com/abc-defg-hij"
        return told


def _filled(event: Body, body: Body) -> Body:
    """A patch: null takes away, objects are filled in, arrays are put in place."""
    for name, value in body.items():
        if value is None:
            event.pop(name, None)
        elif isinstance(value, dict):
            event[name] = _filled(dict(event.get(name, {})), value)
        else:
            event[name] = value
    return event


def _answered(event: Body, answers: list[Body]) -> list[Body]:
    told = {each["email"]: each for each in answers}
    return [{**each, **told.get(each["email"], {})} for each in event.get("attendees", [])]


def _said(when: datetime, like: Body) -> Body:
    """A time as it stands in an event."""
    zone = {"timeZone": like["timeZone"]} if "timeZone" in like else {}
    if "date" in like:
        return {"date": f"{when:%Y-%m-%d}"}
    return {"dateTime": when.isoformat(), **zone}


def _time(told: Body) -> datetime:
    if "date" in told:
        return datetime.fromisoformat(told["date"]).replace(tzinfo=UTC)
    return datetime.fromisoformat(told["dateTime"])
