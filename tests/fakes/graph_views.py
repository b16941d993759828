"""How Graph shows a calendar: lists, a stretch of time, what changed since, who is free.

From a sheet of facts (https://learn.microsoft.com/graph/api/user-list-calendarview, event-delta,
calendar-getschedule, user-findmeetingtimes; read 2026-11-21). Links to more are whole addresses of
graph.microsoft.com. What is [believed] there: codes of errors, 20 mailboxes to a getSchedule.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from tests.fakes.graph_events import OWNER, Body, Event, Refused, fits, read_time, shown, write_time

if TYPE_CHECKING:
    from tests.fakes.graph_calendar import GraphCalendar

GRAPH = "https://graph.microsoft.com/v1.0"
_RANGE = {"startDateTime", "endDateTime"}
_LIST = {"$select", "$top", "$skip", "$orderby", "$filter", "$expand", "$count"}
_ORDER = {"", "start/dateTime", "start/dateTime asc", "start/dateTime desc", "subject"}
MOST_SCHEDULES = 20


def query_misfits(path: str, query: Mapping[str, str]) -> Iterator[str]:
    """Parameters that Graph does not have there."""
    known = {"$select", "$expand"}
    if path.endswith("calendarView/delta"):
        known = _RANGE | {"$deltatoken", "$skiptoken"}
    elif path.endswith(("calendarView", "/instances")):
        known = _RANGE | _LIST
    elif path.endswith(("/events", "/calendars")):
        known = _LIST
    for name in query:
        if name not in known:
            yield f"{path}: no parameter {name} in the address"


class Views:
    """What is seen of one account."""

    def __init__(self, server: "GraphCalendar") -> None:
        self._server = server
        self.late: set[str] = set()
        """Events whose Teams link is not shown the first time."""
        self._links: dict[str, tuple[str, str, str, int, int]] = {}
        self._names = count(1)

    def forget_deltas(self) -> None:
        """Every link is too old: 410, begin again."""
        self._links.clear()

    def show(self, request: web.Request, event: Event) -> Body:
        """An event as this request wants it."""
        told = shown(event, _zone(request), request.query.get("$expand", ""))
        if event.id in self.late:
            self.late.discard(event.id)
            told["onlineMeeting"] = None
        if select := request.query.get("$select"):
            kept = {"id", "@odata.etag", "singleValueExtendedProperties", *select.split(",")}
            if unknown := kept - set(told) - {"singleValueExtendedProperties", "createdDateTime"}:
                self._server.mistakes.append(f"$select names {sorted(unknown)}")
            told = {name: value for name, value in told.items() if name in kept}
        return told

    def listed(self, request: web.Request, calendar: str) -> Body:
        """All events, a series as one."""
        found = [each for each in self._of(calendar) if each.body["type"] != "occurrence"]
        return self._paged(request, found)

    def view(self, request: web.Request, calendar: str) -> Body:
        """What happens in a stretch of time, a series as its events."""
        begins, ends = _range(request.query)
        found = [
            each
            for each in self._of(calendar)
            if each.body["type"] != "seriesMaster" and each.start < ends and each.end > begins
        ]
        return self._paged(request, found)

    def instances(self, request: web.Request, master: Event) -> Body:
        """The events of a series in a stretch of time; those that were cancelled are left out."""
        if master.body["type"] != "seriesMaster":
            raise Refused(400, "ErrorInvalidRequest")
        begins, ends = _range(request.query)
        mine = [
            each for each in self._of(master.calendar) if each.body["seriesMasterId"] == master.id
        ]
        found = [each for each in mine if each.start < ends and each.end > begins]
        return self._paged(request, sorted(found, key=lambda each: each.start))

    def _of(self, calendar: str) -> list[Event]:
        return [each for each in self._server.events.values() if each.calendar == calendar]

    def _paged(self, request: web.Request, found: list[Event]) -> Body:
        query = request.query
        wanted = query.get("$filter", "")
        if wanted:
            fits(Event("", "", datetime.now(UTC), datetime.now(UTC), _BLANK), wanted)
        found = [each for each in found if not wanted or fits(each, wanted)]
        order = query.get("$orderby", "")
        if order not in _ORDER:
            raise Refused(400, "ErrorInvalidUrlQuery")
        if order.startswith("start"):
            found.sort(key=lambda each: each.start, reverse=order.endswith("desc"))
        top, skip = int(query.get("$top", "10")), int(query.get("$skip", "0"))
        if not 1 <= top <= 1000:
            raise Refused(400, "ErrorInvalidUrlQuery")
        told: Body = {"value": [self.show(request, each) for each in found[skip : skip + top]]}
        if skip + top < len(found):
            told["@odata.nextLink"] = _link(request, {**query, "$skip": str(skip + top)})
        return told

    # --- what changed since ----------------------------------------------------------------------

    def delta(self, request: web.Request, calendar: str) -> Body:
        """Events of a stretch of time, then those that changed; 410 for a link that is too old."""
        query = request.query
        token = query.get("$deltatoken") or query.get("$skiptoken")
        since, until = 0, self._server.version
        if token is None:
            begins, ends = (query.get(name, "") for name in ("startDateTime", "endDateTime"))
            _range(query)
        elif token not in self._links or self._links[token][0] != calendar:
            raise Refused(410, "SyncStateNotFound")
        else:
            _, begins, ends, since, mark = self._links[token]
            until = mark or until
        changes = sorted(self._changes(request, calendar, (begins, ends), since, until))
        size = _page_size(request)
        page, rest = changes[:size], changes[size:]
        name, kind = f"d{next(self._names)}", "$skiptoken" if rest else "$deltatoken"
        mark_now = (page[-1][0], until) if rest else (until, 0)
        self._links[name] = (calendar, begins, ends, *mark_now)
        link = _link(request, {kind: name})
        told: Body = {"value": [each for _, _, each in page]}
        told["@odata.nextLink" if rest else "@odata.deltaLink"] = link
        return told

    def _changes(
        self, request: web.Request, calendar: str, span: tuple[str, str], since: int, until: int
    ) -> Iterator[tuple[int, str, Body]]:
        begins, ends = (_moment(each) for each in span)
        for event in self._of(calendar):
            if not since < event.version <= until:
                continue
            if event.start < ends and event.end > begins:
                yield event.version, event.id, self.show(request, event)
            elif since:  # also what lies elsewhere, as if it had gone
                yield event.version, event.id, _removed(event.id)
        if since:
            for version, id_ in self._server.gone:
                if since < version <= until:
                    yield version, id_, _removed(id_)

    # --- who is free -----------------------------------------------------------------------------

    def busy(self, who: str) -> list[tuple[datetime, datetime]] | None:
        """When somebody is busy; None for one who cannot be seen."""
        if who.lower() != OWNER:
            return self._server.busy.get(who)
        return [
            (each.start, each.end)
            for each in self._server.events.values()
            if each.body["showAs"] != "free" and each.body["type"] != "seriesMaster"
        ]

    def getSchedule(self, request: web.Request, body: Body) -> Body:  # noqa: N802
        """Times that are taken; whom it does not know it says in its answer."""
        names, interval = body.get("schedules") or [], body.get("availabilityViewInterval", 30)
        if not names or len(names) > MOST_SCHEDULES or not 5 <= interval <= 1440:
            raise Refused(400, "ErrorInvalidRequest")
        begins, ends = (read_time(body.get(name) or {}) for name in ("startTime", "endTime"))
        if not timedelta() < ends - begins <= timedelta(days=62):
            raise Refused(400, "ErrorInvalidTimeInterval")
        return {"value": [self._schedule(request, n, begins, ends, interval) for n in names]}

    def _schedule(
        self, request: web.Request, who: str, begins: datetime, ends: datetime, interval: int
    ) -> Body:
        spans = self.busy(who)
        if spans is None:
            error = {"responseCode": "ErrorMailRecipientNotFound", "message": "canary-words"}
            return {"scheduleId": who, "availabilityView": "", "error": error, "scheduleItems": []}
        taken = [(a, b) for a, b in spans if a < ends and b > begins]
        view, at, zone = "", begins, _zone(request)
        while at < ends:
            until = at + timedelta(minutes=interval)
            view += "2" if any(a < until and b > at for a, b in taken) else "0"
            at = until
        items = [
            {"status": "busy", "start": write_time(a, zone), "end": write_time(b, zone)}
            for a, b in taken
        ]
        return {"scheduleId": who, "availabilityView": view, "scheduleItems": items}

    def findMeetingTimes(self, request: web.Request, body: Body) -> Body:  # noqa: N802
        """Times at which everybody who can be seen is free, on half hours."""
        names = [each["emailAddress"]["address"] for each in body.get("attendees") or ()]
        length = _length(body.get("meetingDuration", "PT30M"))
        taken = [span for who in (OWNER, *names) for span in self.busy(who) or ()]
        found: list[Body] = []
        for slot in (body.get("timeConstraint") or {}).get("timeSlots") or ():
            at, ends = read_time(slot["start"]), read_time(slot["end"])
            while at + length <= ends and len(found) < body.get("maxCandidates", 20):
                if not any(a < at + length and b > at for a, b in taken):
                    found.append(self._suggestion(request, names, at, at + length))
                at += timedelta(minutes=30)
        reason = "" if found else "attendeesUnavailable"
        return {"emptySuggestionsReason": reason, "meetingTimeSuggestions": found}

    def _suggestion(
        self, request: web.Request, names: list[str], start: datetime, end: datetime
    ) -> Body:
        told = [
            {
                "attendee": {"emailAddress": {"address": who}, "type": "required"},
                "availability": "unknown" if self.busy(who) is None else "free",
            }
            for who in names
        ]
        unseen = sum(each["availability"] == "unknown" for each in told)
        zone = _zone(request)
        return {
            "confidence": 100.0 - 50.0 * unseen / max(len(names), 1),
            "organizerAvailability": "free",
            "attendeeAvailability": told,
            "meetingTimeSlot": {"start": write_time(start, zone), "end": write_time(end, zone)},
        }


_BLANK: Body = {"subject": "", "iCalUId": "", "isCancelled": False, "isAllDay": False}
_BLANK |= {"isOrganizer": False, "transactionId": None}


def _removed(id_: str) -> Body:
    return {"id": id_, "@removed": {"reason": "deleted"}}


def _moment(text: str) -> datetime:
    """A time of an address: with its offset, or in UTC. Raises Refused."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, "ErrorInvalidParameter") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _range(query: Mapping[str, str]) -> tuple[datetime, datetime]:
    if _RANGE - set(query):
        raise Refused(400, "ErrorInvalidParameter", "startDateTime and endDateTime are required")
    begins, ends = (_moment(query[name]) for name in ("startDateTime", "endDateTime"))
    if not begins < ends <= begins + timedelta(days=1825):
        raise Refused(400, "ErrorCalendarViewRangeTooBig")
    return begins, ends


def _link(request: web.Request, query: Mapping[str, str]) -> str:
    return f"{GRAPH}{request.path.removeprefix('/v1.0')}?{urlencode(dict(query))}"


def asked_by(link: str) -> dict[str, str]:
    """The parameters of a link to more."""
    return dict(parse_qsl(link.partition("?")[2]))


def _prefer(request: web.Request) -> str:
    return ",".join(request.headers.getall("Prefer", []))


def _zone(request: web.Request) -> str:
    found = re.search(r'outlook\.timezone="([^"]+)"', _prefer(request))
    return found[1] if found else "UTC"


def _page_size(request: web.Request) -> int:
    found = re.search(r"odata\.maxpagesize=(\d+)", _prefer(request))
    return int(found[1]) if found else 10


def _length(text: str) -> timedelta:
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", text)
    if found is None:
        raise Refused(400, "ErrorInvalidRequest")
    days, hours, minutes = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)
