"""A server that plays the Outlook calendar of one account on Microsoft Graph, with its OAuth.

    async with GraphCalendar() as outlook:
        outlook.put("evt1", subject="Budget", attendees=("bob@example.org",))
        outlook.trouble.append(Fault(verb="POST", status=503, after=True))

Bodies and answers are judged by the published description (`microsoft-graph.json`). It is derived
and lacks query parameters, extended properties of events, one calendar by its id, and delta: those
are held to a sheet of facts from learn.microsoft.com (read 2026-11-21; see `graph_events.py`, `graph_views.py`).
What a client should not have sent stands in `mistakes`. `book` is what really happened there.
"""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web

from tests.fakes import graph_events as rules
from tests.fakes.google_server import Fault
from tests.fakes.graph_events import OURS, OWNER, Body, Event, Refused
from tests.fakes.graph_series import expand, of_series
from tests.fakes.graph_views import Views, query_misfits
from tests.fakes.graph_watch import Bell, EventSubscriptions
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openapi import described

API = described("microsoft-graph")
ROOT = "/v1.0"
BLOB = "<div>________ Microsoft Teams meeting <a href='{url}'>Join</a></div>"
_ANSWERS = {"accept": "accepted", "decline": "declined", "tentativelyAccept": "tentativelyAccepted"}
_EVENTS = re.compile(r"me(?:/calendar|/calendars/(?P<calendar>[^/]+))?/events")
_VIEW = re.compile(
    r"me(?:/calendar|/calendars/(?P<calendar>[^/]+))?/calendarView(?P<delta>/delta)?"
)
_ONE = re.compile(
    r"me/(?:calendar/|calendars/[^/]+/)?events/(?P<id>[^/]+)(?:/(?P<deed>[A-Za-z]+))?"
)
_CALENDAR = re.compile(r"me/calendar(?:s/(?P<calendar>[^/]+))?")
MAIN = "AAMkAGcal0="
Spans = list[tuple[datetime, datetime]]


class GraphCalendar(OAuthServer):
    """Microsoft, as far as a calendar needs it."""

    def __init__(self) -> None:
        super().__init__("microsoft")
        self.events: dict[str, Event] = {}
        self.calendars = {MAIN: {"name": "Calendar", "canEdit": True}}
        self.busy: dict[str, Spans] = {}
        """Other people's times, by address; who is not in it cannot be seen."""
        self.trouble: list[Fault] = []
        self.book: list[tuple[str, str]] = []
        """What changed, and which event."""
        self.mails: list[tuple[str, str]] = []
        """Who got mail, and about which event."""
        self.asked: list[str] = []
        self.teams_late = False
        """The link comes with a later look."""
        self.repeat_conflicts = False
        """A repeated transactionId is answered with 409, and not with what it made."""
        self.keeps_declined = True
        """Off: what is declined leaves the calendar, as people may choose."""
        self.gone: list[tuple[int, str]] = []
        self.version = 0
        self.views = Views(self)
        self.bell = Bell()
        """Calls the app's webhooks: `bell.webhook_via`, `bell.told`."""
        self.subscriptions = EventSubscriptions(self.bell, "T-1")
        self._serials = count(1)

    async def __aenter__(self) -> Self:
        await self.bell.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self.bell.__aexit__(*error)
        await super().__aexit__(*error)

    # --- what a test orders --------------------------------------------------------------------

    def put(
        self,
        id_: str,
        start: str = "2026-11-23T13:00",
        minutes: int = 60,
        *,
        calendar: str = MAIN,
        organizer: str = OWNER,
        attendees: tuple[str, ...] = (),
        **more: Any,
    ) -> Event:
        """An event that was there before; `start`: in UTC; `organizer`: another one invites us."""
        begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
        told = [OWNER, *attendees] if organizer != OWNER else list(attendees)
        body = _fresh(id_, organizer) | {"attendees": [_guest(each) for each in told]}
        body |= {"subject": "Budget", **more}
        made = Event(id_, calendar, begins, begins + timedelta(minutes=minutes), body)
        self.events[id_] = made
        self.touch(made, "created")
        return made

    def series(self, id_: str, starts: list[str], **more: Any) -> list[Event]:
        """A series that was there before: its master, and an event for each of its times."""
        day = starts[0][:10]
        pattern = {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
            "range": {"type": "noEnd", "startDate": day},
        }
        self.put(id_, starts[0], **more).body |= {"type": "seriesMaster", "recurrence": pattern}
        found = []
        for n, start in enumerate(starts):
            one = self.put(f"{id_}.{n}", start, **more)
            one.body |= {"type": "occurrence", "seriesMasterId": id_}
            found.append(one)
        return found

    def touch(self, event: Event, kind: str = "updated") -> None:
        """Somebody has changed it."""
        self.version += 1
        event.version = self.version
        self.bell.spawn(self.subscriptions.changed(event, kind))

    def take(self, event: Event) -> None:
        """It leaves the calendar."""
        self.version += 1
        del self.events[event.id]
        self.gone.append((self.version, event.id))
        self.bell.spawn(self.subscriptions.changed(event, "deleted"))

    def call_off(self, id_: str) -> Event:
        """Somebody else calls their event off: it stays with us, marked."""
        event = self.events[id_]
        event.body |= {"isCancelled": True, "subject": f"Canceled: {event.body['subject']}"}
        self.touch(event)
        return event

    def said(self, what: str) -> list[str]:
        """The events to which that happened: create, update, delete, cancel, accept …"""
        return [id_ for did, id_ in self.book if did == what]

    # --- what it serves ------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if request.path in (f"{ROOT}/me", "/") or not request.path.startswith(f"{ROOT}/"):
            return await super()._api(request)
        verb, path = request.method, unquote(request.raw_path.partition("?")[0])
        path = path.removeprefix(f"{ROOT}/")
        self.asked.append(f"{verb} {path}")
        self.seen.append(dict(request.headers))
        if self.faults.redirect_to:
            return web.Response(status=302, headers={"Location": self.faults.redirect_to})
        text = await request.text()
        fault = self._fault(verb)
        try:
            self._let_in(request)
            if fault and not fault.after:
                return await self._fail(request, fault, {})
            status, told = await self._work(request, path, self._judged(request, path, text))
        except Refused as error:
            return web.json_response(error.body, status=error.status)
        self._judge_answer(verb, path, status, told)
        if fault:
            return await self._fail(request, fault, told)
        return web.Response(status=status) if told is None else web.json_response(told, status=status)  # fmt: skip

    def _judged(self, request: web.Request, path: str, text: str) -> Any:
        """The body, held to the description and to the facts."""
        verb = request.method
        self.mistakes.extend(query_misfits(path, dict(request.query)))
        if not text:
            return {} if verb == "POST" else None
        try:
            body = json.loads(text)
        except ValueError:
            raise Refused(400, "RequestBodyRead") from None
        if not isinstance(body, dict) or request.content_type != "application/json":
            self.mistakes.append(f"{verb} {path}: the body is no object of JSON")
            raise Refused(400, "RequestBodyRead")
        bare = {k: v for k, v in body.items() if k != "singleValueExtendedProperties"}
        found = list(API.body_misfits(verb, f"/{path}", bare))
        if "events" in path.split("/")[-2:]:
            found += rules.wrong_body(body)
        self.mistakes.extend(f"{verb} {path}: {each}" for each in found)
        if found:
            raise Refused(400, "RequestBodyRead", "; ".join(found))
        return body

    def _judge_answer(self, verb: str, path: str, status: int, told: Any) -> None:
        if API.operation(verb, f"/{path}") is None:
            return  # what the description lacks: see above
        if isinstance(told, dict):
            told = {k: v for k, v in told.items() if k != "singleValueExtendedProperties"}
            if "value" in told:
                told["value"] = [
                    {k: v for k, v in each.items() if k != "singleValueExtendedProperties"}
                    for each in told["value"]
                ]
        found = API.answer_misfits(verb, f"/{path}", status, told)
        self.mistakes.extend(f"the answer to {verb} {path}: {each}" for each in found)

    def _let_in(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        issued = self.access.get(token)
        if issued is None or not issued.alive:
            raise Refused(401, "InvalidAuthenticationToken")
        needed = {"Calendars.ReadWrite"}
        if request.method == "GET" or request.path.endswith(("getSchedule", "findMeetingTimes")):
            needed |= {"Calendars.Read"}
        if not needed.intersection(issued.consent.scopes):
            raise Refused(403, "ErrorAccessDenied")

    def _fault(self, verb: str) -> Fault | None:
        for fault in self.trouble:
            if fault.times and fault.verb in ("", verb):
                fault.times -= 1
                return fault
        return None

    async def _fail(self, request: web.Request, fault: Fault, told: Any) -> web.StreamResponse:
        if fault.slow_s:
            await asyncio.sleep(fault.slow_s)
        if fault.cut:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if fault.half:
            text = json.dumps(told or {"id": "x"})
            return web.Response(text=text[: len(text) // 2], content_type="application/json")
        error = Refused(fault.status or 200, fault.reason)
        return web.json_response(error.body, status=error.status, headers=fault.headers)

    async def _work(self, request: web.Request, path: str, body: Any) -> tuple[int, Any]:
        verb = request.method
        if path.partition("/")[0] == "subscriptions":
            return await self.subscriptions.serve(verb, path, body)
        if path in ("me/calendar/getSchedule", "me/findMeetingTimes") and verb == "POST":
            return 200, getattr(self.views, path.rpartition("/")[2])(request, body)
        if path == "me/calendars" and verb == "GET":
            return 200, {"value": [self._calendar(id_) for id_ in self.calendars]}
        if found := _VIEW.fullmatch(path):
            if verb == "GET":
                calendar = self._known(found["calendar"])
                look = self.views.delta if found["delta"] else self.views.view
                return 200, look(request, calendar)
        elif found := _EVENTS.fullmatch(path):
            calendar = self._known(found["calendar"])
            if verb == "GET":
                return 200, self.views.listed(request, calendar)
            if verb == "POST":
                return 201, self._insert(request, calendar, body)
        elif found := _ONE.fullmatch(path):
            return self._one(request, found["id"], found["deed"] or "", body)
        elif (found := _CALENDAR.fullmatch(path)) and verb == "GET":
            return 200, self._calendar(self._known(found["calendar"]))
        self.mistakes.append(f"{verb} {path} is not described")
        raise Refused(404, "UnknownError")

    def _known(self, calendar: str | None) -> str:
        if calendar is not None and calendar not in self.calendars:
            raise Refused(404, "ErrorItemNotFound")
        return calendar or MAIN

    def _calendar(self, id_: str) -> Body:
        owner = {"name": "Ann", "address": OWNER}
        return {"id": id_, "isDefaultCalendar": id_ == MAIN, "owner": owner, **self.calendars[id_]}

    def _one(self, request: web.Request, id_: str, deed: str, body: Any) -> tuple[int, Any]:
        event, verb = self.events.get(id_), request.method
        if event is None:
            raise Refused(404, "ErrorItemNotFound")
        if deed == "instances" and verb == "GET":
            return 200, self.views.instances(request, event)
        if deed:
            if verb != "POST" or deed not in (*_ANSWERS, "cancel"):
                self.mistakes.append(f"{verb} {deed} is not played here")
                raise Refused(404, "UnknownError")
            self._cancel(event) if deed == "cancel" else self._answer(event, deed, body)
            return 202, None
        if verb == "GET":
            return 200, self.views.show(request, event)
        if not self.calendars[event.calendar]["canEdit"]:
            raise Refused(403, "ErrorAccessDenied")
        if (etag := request.headers.get("If-Match")) and etag not in ("*", event.etag):
            raise Refused(412, "ErrorIrresolvableConflict")
        if verb == "DELETE":
            self.book.append(("delete", id_))
            self._tell(event, event.guests if event.is_ours else [])
            for each in (event, *of_series(self, id_)):
                self.take(each)
            return 204, None
        if verb != "PATCH":
            raise Refused(405, "Request_BadRequest")
        return 200, self._update(request, event, body)

    def _insert(self, request: web.Request, calendar: str, body: Body) -> Body:
        if not self.calendars[calendar]["canEdit"]:
            raise Refused(403, "ErrorAccessDenied")
        if lacking := {"start", "end"} - set(body):
            self.mistakes.append(f"a new event lacks {sorted(lacking)}")
            raise Refused(400, "ErrorPropertyValidationFailure")
        if key := body.get("transactionId"):
            for event in self.events.values():
                if event.body["transactionId"] == key:
                    if self.repeat_conflicts:
                        raise Refused(409, "ErrorDuplicateTransactionId")
                    return self.views.show(request, event)
        id_ = f"AAMkAGev{next(self._serials):04}-_="
        now = datetime.now(UTC)
        made = Event(id_, calendar, now, now, _fresh(id_, OWNER))
        self._write(made, body)
        self.events[id_] = made
        expand(self, made, body)
        self.touch(made, "created")
        self._tell(made, made.guests)
        self.book.append(("create", id_))
        return self.views.show(request, made)

    def _update(self, request: web.Request, event: Event, body: Body) -> Body:
        if "transactionId" in body:
            self.mistakes.append("transactionId is set when an event is made, not later")
        if not event.is_ours and OURS & set(body):
            raise Refused(403, "ErrorAccessDenied")
        before = event.guests
        self._write(event, body)
        expand(self, event, body)
        self.touch(event)
        if event.is_ours:
            self._tell(event, list(dict.fromkeys([*before, *event.guests])))
        if event.body["type"] == "occurrence":
            event.body["type"] = "exception"
        self.book.append(("update", event.id))
        return self.views.show(request, event)

    def _write(self, event: Event, told: Body) -> None:
        """Fill in what was said; all of it or nothing. Raises Refused."""
        body = dict(told)
        properties = rules.properties_of(body)
        times = {name: rules.read_time(body[name]) for name in ("start", "end") if name in body}
        new = Event(event.id, event.calendar, event.start, event.end, {})
        for name, when in times.items():
            setattr(new, name, when)
        if body.get("isAllDay", event.body["isAllDay"]) and times:
            rules.whole_days(new, body)
        if new.end < new.start:
            words = "The end time you entered occurs before the start time."
            raise Refused(400, "ErrorPropertyValidationFailure", words)
        event.start, event.end = new.start, new.end
        event.properties |= properties
        known = {each["emailAddress"]["address"]: each for each in event.body["attendees"]}
        for name in ("start", "end"):
            body.pop(name, None)
        if "attendees" in body:
            body["attendees"] = [
                known.get(each["emailAddress"]["address"]) or _guest(**each["emailAddress"])
                for each in body["attendees"] or ()
            ]
        if "body" in body and event.body["onlineMeeting"]:
            url = event.body["onlineMeeting"]["joinUrl"]
            if url not in body["body"].get(
                "content", ""
            ):  # its text has gone, and with it the link
                event.body |= {"onlineMeeting": None, "isOnlineMeeting": False}
        event.body |= body
        if body.get("isOnlineMeeting") and not event.body["onlineMeeting"]:
            url = f"https://teams.microsoft.com/l/meetup-join/{event.id.strip('=_-')}"
            content = event.body["body"]["content"] + BLOB.format(url=url)
            event.body["onlineMeeting"] = {"joinUrl": url}
            event.body["body"] = {"contentType": "html", "content": content}
            if self.teams_late:
                self.views.late.add(event.id)

    def _cancel(self, event: Event) -> None:
        if not event.is_ours:
            words = (
                "Your request can't be completed. You need to be an organizer to cancel a meeting."
            )
            raise Refused(400, "ErrorCalendarIsNotOrganizer", words)
        self.book.append(("cancel", event.id))
        self._tell(event, event.guests)
        self.take(event)

    def _answer(self, event: Event, deed: str, body: Body) -> None:
        if event.is_ours:
            words = "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer."  # fmt: skip
            raise Refused(400, "ErrorInvalidRequest", words)
        if body.get("proposedNewTime") and not event.body["allowNewTimeProposals"]:
            raise Refused(400, "ErrorInvalidRequest", "The organizer takes no other times.")
        status = {"response": _ANSWERS[deed], "time": "2026-11-21T12:00:00Z"}
        event.body["responseStatus"] = status
        for each in event.body["attendees"]:
            if each["emailAddress"]["address"] == OWNER:
                each["status"] = status
        self.book.append((deed, event.id))
        if body.get("sendResponse", True):
            self._tell(event, [event.body["organizer"]["emailAddress"]["address"]])
        if deed == "decline" and not self.keeps_declined:
            self.take(event)
        else:
            self.touch(event)

    def _tell(self, event: Event, whom: list[str]) -> None:
        self.mails += [(each, event.id) for each in whom]


def _guest(address: str, name: str = "") -> Body:
    return {
        "emailAddress": {"address": address, "name": name or address},
        "type": "required",
        "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
    }


def _fresh(id_: str, organizer: str) -> Body:
    """An event about which nothing is said yet."""
    mine = organizer == OWNER
    return {
        "subject": "", "isAllDay": False, "isCancelled": False, "isOrganizer": mine,
        "isOnlineMeeting": False, "onlineMeeting": None, "onlineMeetingProvider": "unknown",
        "attendees": [], "location": {"displayName": ""}, "showAs": "busy",
        "body": {"contentType": "html", "content": ""}, "type": "singleInstance",
        "organizer": {"emailAddress": {"name": organizer, "address": organizer}},
        "responseStatus": {"response": "organizer" if mine else "notResponded",
                           "time": "0001-01-01T00:00:00Z"},
        "responseRequested": True, "allowNewTimeProposals": True, "transactionId": None,
        "seriesMasterId": None, "recurrence": None, "iCalUId": f"04000000{id_}",
        "webLink": f"https://outlook.office365.com/owa/?itemid={id_}",
    }  # fmt: skip
