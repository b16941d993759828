"""Events as Graph keeps and shows them: times in zones, filters, what may be written.

From https://learn.microsoft.com/graph/api/resources/event and a sheet of vendors' facts (read
2026-11-21). Times come without an offset, with a zone beside them; they are given back in UTC
unless `Prefer: outlook.timezone` says another. A whole day is midnight to midnight and not moved.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Body = dict[str, Any]
OWNER = "ann@example.com"
WINDOWS = {
    "UTC": "UTC",
    "W. Europe Standard Time": "Europe/Berlin",
    "GMT Standard Time": "Europe/London",
    "Eastern Standard Time": "America/New_York",
    "Pacific Standard Time": "America/Los_Angeles",
}
"""A few of Windows' names, which Graph takes beside those of the IANA."""
OURS = {"attendees", "start", "end", "subject", "body", "location", "locations", "recurrence"}
OURS |= {"isOnlineMeeting", "onlineMeetingProvider", "isAllDay", "allowNewTimeProposals"}
"""What belongs to the organizer."""
THEIRS = {"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "bodyPreview", "type"}
THEIRS |= {"hasAttachments", "iCalUId", "isCancelled", "isDraft", "isOrganizer", "onlineMeeting"}
THEIRS |= {"onlineMeetingUrl", "organizer", "originalStart", "responseStatus", "webLink"}
THEIRS |= {"seriesMasterId", "cancelledOccurrences", "instances", "attachments"}
"""What Graph writes itself."""
_PROPERTY = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*\1/id eq '((?:[^']|'')*)'"
    r"\s+and\s+\1/value eq '((?:[^']|'')*)'\s*\)",
    re.IGNORECASE,
)
_PROPERTY_ID = re.compile(r"String \{[0-9a-fA-F-]{36}\} Name .+")
_CLAUSE = re.compile(r"([\w/]+)\s+(eq|ge|gt|le|lt)\s+('(?:[^']|'')*'|true|false)")
_EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '((?:[^']|'')*)'\)")
_FORM = "%Y-%m-%dT%H:%M:%S.0000000"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, words: str = "") -> None:
        super().__init__(code)
        self.status, self.code = status, code
        self.words = words or f"canary-words {code}"

    @property
    def body(self) -> Body:
        """As Graph writes it."""
        return {"error": {"code": self.code, "message": self.words, "innerError": {}}}


@dataclass
class Event:
    """One event of one calendar; `body`: all but its times, as Graph has it."""

    id: str
    calendar: str
    start: datetime
    end: datetime
    body: Body
    properties: dict[str, str] = field(default_factory=dict)
    version: int = 0

    @property
    def etag(self) -> str:
        """Which state it is in."""
        return f'W/"{self.change_key}"'

    @property
    def change_key(self) -> str:
        """The same without its wrapping."""
        return f"chg{self.version:04}"

    @property
    def is_ours(self) -> bool:
        """Whether the account has called for it."""
        return bool(self.body["isOrganizer"])

    @property
    def guests(self) -> list[str]:
        """Whom it is shared with, the account and its organizer left out."""
        found = [each["emailAddress"]["address"] for each in self.body["attendees"]]
        return [each for each in found if each != OWNER]


def zone_of(name: str) -> ZoneInfo:
    """A zone by its name. Raises Refused."""
    try:
        return ZoneInfo(WINDOWS.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(400, "TimeZoneNotSupportedException") from None


def read_time(told: Body) -> datetime:
    """A dateTimeTimeZone in UTC. Raises Refused."""
    text = str(told.get("dateTime"))
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?", text, re.ASCII):
        raise Refused(400, "ErrorInvalidRequest", f"canary-words {text} is no time without offset")
    when = datetime.fromisoformat(text[:19])
    return when.replace(tzinfo=zone_of(str(told.get("timeZone")))).astimezone(UTC)


def whole_days(event: Event, body: Body) -> None:
    """Hold a whole day to its midnights, and leave them unmoved. Raises Refused."""
    for name in ("start", "end"):
        if name in body:
            when = datetime.fromisoformat(str(body[name]["dateTime"])[:19])
            if (when.hour, when.minute, when.second) != (0, 0, 0):
                words = "The Event.Start property for an all-day event needs to be set to midnight."
                raise Refused(400, "ErrorInvalidRequest", words)
            setattr(event, name, when.replace(tzinfo=UTC))
    if body.get("start", {}).get("timeZone") != body.get("end", {}).get("timeZone"):
        raise Refused(400, "ErrorInvalidRequest", "All-day events begin and end in one zone.")


def write_time(when: datetime, zone: str, *, unmoved: bool = False) -> Body:
    """The same as Graph gives it back."""
    shown = when if unmoved else when.astimezone(zone_of(zone))
    return {"dateTime": shown.strftime(_FORM), "timeZone": zone}


def shown(event: Event, zone: str, expand: str = "") -> Body:
    """An event as an answer has it."""
    day = bool(event.body.get("isAllDay"))
    text = re.sub(r"<[^>]+>", "", event.body["body"]["content"]).strip()
    told: Body = {
        **event.body,
        "@odata.etag": event.etag,
        "id": event.id,
        "changeKey": event.change_key,
        "bodyPreview": text[:255],
        "start": write_time(event.start, zone, unmoved=day),
        "end": write_time(event.end, zone, unmoved=day),
    }
    if found := _EXPAND.fullmatch(expand):
        name = found[1]
        kept = [{"id": name, "value": event.properties[name]}] if name in event.properties else []
        if kept:
            told["singleValueExtendedProperties"] = kept
    return told


def properties_of(body: Body) -> dict[str, str]:
    """The extended properties of a body, taken out of it. Raises Refused."""
    found = {}
    for each in body.pop("singleValueExtendedProperties", ()):
        if set(each) != {"id", "value"} or not _PROPERTY_ID.fullmatch(str(each["id"])):
            raise Refused(400, "ErrorInvalidProperty", "canary-words extended property")
        found[str(each["id"])] = str(each["value"])
    return found


def wrong_body(body: Body) -> Iterator[str]:
    """What no client should write, beside what the description says."""
    if bad := sorted(THEIRS & set(body)):
        yield f"{', '.join(bad)} cannot be written"
    for each in body.get("attendees") or ():
        if set(each) - {"emailAddress", "type", "status", "proposedNewTime"}:
            yield "an attendee has emailAddress, type and status"
        if "@" not in str((each.get("emailAddress") or {}).get("address")):
            yield "an attendee has no address"
    if body.get("isOnlineMeeting") and not body.get("onlineMeetingProvider"):
        yield "isOnlineMeeting comes with its onlineMeetingProvider"
    if len(str(body.get("subject", ""))) > 255:
        yield "a subject is at most 255 long"


def fits(event: Event, wanted: str) -> bool:
    """Whether an event fits a `$filter`. Raises Refused for one that Graph does not know."""
    rest, is_right = wanted, True
    for found in _PROPERTY.finditer(wanted):
        rest = rest.replace(found[0], "")
        is_right &= event.properties.get(found[2].replace("''", "'")) == found[3].replace("''", "'")
    for found in _CLAUSE.finditer(rest):
        is_right &= _holds(event, found[1], found[2], found[3])
    if re.sub(r"\band\b", "", _CLAUSE.sub("", rest), flags=re.IGNORECASE).strip():
        raise Refused(400, "ErrorInvalidUrlQueryFilter")
    return is_right


def _holds(event: Event, name: str, how: str, text: str) -> bool:
    wanted = text.strip("'").replace("''", "'")
    if name in ("start/dateTime", "end/dateTime"):
        mine = getattr(event, name[: name.index("/")])
        when = datetime.fromisoformat(wanted)
        other = when.replace(tzinfo=when.tzinfo or UTC)
        return bool({"ge": mine >= other, "gt": mine > other, "le": mine <= other,
                     "lt": mine < other, "eq": mine == other}[how])  # fmt: skip
    if name in ("subject", "iCalUId") and how == "eq":
        return bool(event.body[name] == wanted)
    if name in ("isCancelled", "isAllDay", "isOrganizer") and how == "eq":
        return bool(event.body[name]) is (wanted == "true")
    # `transactionId` can be read and not asked for.
    raise Refused(400, "ErrorInvalidProperty")
