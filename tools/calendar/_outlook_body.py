"""What is wished of an event, as Microsoft Graph takes it.

https://learn.microsoft.com/graph/api/resources/event (read 2026-11-21)
"""

from datetime import UTC, datetime

from bot.core.canonical import Json
from tools.calendar._book import Wish
from tools.calendar._moment import Span
from tools.calendar._outlook_rule import written


def guest(address: str) -> Json:
    """Somebody who is invited."""
    return {"emailAddress": {"address": address}, "type": "required"}


def time_of(when: datetime, zone: str) -> Json:
    """A time as Graph takes it: clocks of a zone, without an offset."""
    shown = when.astimezone(UTC) if zone == "UTC" else when
    return {"dateTime": f"{shown:%Y-%m-%dT%H:%M:%S}", "timeZone": zone}


def _span(span: Span) -> dict[str, Json]:
    """Start and end. In UTC where clocks show a time twice: nothing else tells which is meant."""
    begins, ends = span.times()
    if span.is_day:
        return {
            "isAllDay": True,
            "start": time_of(begins.replace(tzinfo=None), span.zone),
            "end": time_of(ends.replace(tzinfo=None), span.zone),
        }
    twice = any(
        each.utcoffset() != each.replace(fold=1 - each.fold).utcoffset() for each in (begins, ends)
    )
    zone = "UTC" if twice else span.zone
    return {"isAllDay": False, "start": time_of(begins, zone), "end": time_of(ends, zone)}


def body_of(wish: Wish, mark: str, key: str) -> dict[str, Json]:
    """What is wished as Graph takes it, with a mark of ours."""
    told: Json = {"id": mark, "value": key}
    made: dict[str, Json] = {"singleValueExtendedProperties": [told]}
    if wish.title is not None:
        made["subject"] = wish.title
    if wish.location is not None:
        made["location"] = {"displayName": wish.location}
    if wish.description is not None:
        made["body"] = {"contentType": "text", "content": wish.description}
    if wish.span:
        made |= _span(wish.span)
        if wish.repeat:
            made["recurrence"] = written(wish.repeat, wish.span)
    if wish.add:
        made["attendees"] = [guest(each) for each in dict.fromkeys(wish.add)]
    if wish.meet:
        made |= {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
    return made
