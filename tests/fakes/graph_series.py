"""How the played Outlook calendar keeps a series: its master, and an event for each of its times.

https://learn.microsoft.com/graph/api/resources/patternedrecurrence (read 2026-11-22). A series whose
rule or times change is laid out anew: what was changed alone is as the others again [believed].
"""

from datetime import datetime
from typing import TYPE_CHECKING

from tests.fakes.graph_events import Body, Event, Refused, zone_of
from tests.fakes.series import Wrong, of_pattern

if TYPE_CHECKING:
    from tests.fakes.graph_calendar import GraphCalendar


def of_series(server: "GraphCalendar", id_: str) -> list[Event]:
    """The events of a series that are on, the earliest first."""
    found = [each for each in server.events.values() if each.body["seriesMasterId"] == id_]
    return sorted(found, key=lambda each: each.start)


def expand(server: "GraphCalendar", event: Event, said: Body) -> None:
    """Lay a series out, when something was said of its rule or its times. Raises Refused."""
    rule = event.body["recurrence"]
    if not rule or not {"recurrence", "start", "end"} & set(said):
        return
    zone = zone_of(said["start"]["timeZone"] if "start" in said else "UTC")
    first = event.start.astimezone(zone)
    try:
        starts = of_pattern(rule, first)
    except Wrong as error:
        server.mistakes.append(str(error))
        raise Refused(400, "ErrorInvalidRecurrence") from None
    for each in of_series(server, event.id):
        server.take(each)
    event.body["type"] = "seriesMaster"
    for number, start in enumerate(starts):
        _lay(server, event, f"{event.id}.{number}", start)


def _lay(server: "GraphCalendar", master: Event, id_: str, start: datetime) -> None:
    begins = start.astimezone(master.start.tzinfo)
    body = {**master.body, "type": "occurrence", "seriesMasterId": master.id, "recurrence": None}
    body |= {"transactionId": None, "originalStart": f"{begins:%Y-%m-%dT%H:%M:%SZ}"}
    ends = begins + (master.end - master.start)
    server.events[id_] = Event(id_, master.calendar, begins, ends, body)
    server.touch(server.events[id_], "created")
