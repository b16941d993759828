"""The whole program: a series is made, moved, and ended once through kills, as is an answer given."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import OWNER
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.graph_series import of_series
from tests.fakes.obedient import please
from tests.tools.calendar.test_whole import slow, told_by
from tests.tools.story import HEARD_SENT

WEEKLY = {
    "title": "Standup",
    "start": "2030-11-25 09:00",
    "guests": ["bob@example.org"],
    "repeat": {"every": "week", "times": 3},
}


async def test_a_series_is_made_and_moved_once_through_kills(tmp_path: Path) -> None:
    async with told_by(tmp_path, google := GoogleCalendar()) as told:
        await told.connect()
        question = await told.ask(please("calendar_create", WEEKLY))
        assert "every week on Monday, 3 times" in json.dumps(question) and google.events == {}
        slow(told, "POST")
        await told.decide(question)
        await told.killed(lambda: google.said("insert"))
        await told.told("It is in the calendar")
        (series,) = google.said("insert")
        second = google.of_series(series)[1]["id"]
        moved = {"event": second, "series": True, "start": "2030-12-03 10:00"}
        question = await told.ask(please("calendar_update", moved))
        shown = json.dumps(question)
        assert "the whole series, past and future" in shown
        assert "every week on Tuesday, 3 times" in shown
        slow(told, "PATCH")
        await told.decide(question)
        await told.killed(lambda: google.said("patch"))
        await told.told("Heard: [outcome]")
        starts = [each["start"]["dateTime"][:16] for each in google.of_series(series)]
        assert starts == ["2030-11-26T10:00", "2030-12-03T10:00", "2030-12-10T10:00"]
        assert google.said("patch") == [series] and len(google.said("insert")) == 1
        assert [mail for mail, _ in google.mails] == ["bob@example.org"] * 2


WHEN = {"dateTime": "2030-11-25T09:00:00+00:00", "timeZone": "UTC"}
ENDS = {"dateTime": "2030-11-25T09:30:00+00:00", "timeZone": "UTC"}
THIRD = "weekly_20301209T090000Z"
PART = {"event": THIRD, "following": True, "title": "Sit-down"}


def days(google: GoogleCalendar, series: str) -> list[str]:
    """On which days the events of a series are."""
    return [each["start"]["dateTime"][:10] for each in google.of_series(series)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("given", "verb", "did", "shown"),
    [
        (("calendar_cancel", {"event": "party1"}), "DELETE", "delete", "bob@example.org"),
        (
            ("calendar_cancel", {"event": THIRD, "following": True}),
            "PATCH", "patch", "all that follow it",
        ),
        (("calendar_update", PART), "POST", "insert", "all that follow it"),
        (("calendar_update", PART), "PATCH", "patch", "all that follow it"),
        (("calendar_respond", {"event": "theirs1", "answer": "yes"}), "PATCH", "patch", "yes"),
    ],
    ids=["cancel", "following", "parted, made", "parted, ended", "respond"],
)  # fmt: skip
async def test_an_event_is_cancelled_or_answered_once_through_a_kill(
    tmp_path: Path, given: tuple[str, dict[str, Any]], verb: str, did: str, shown: str
) -> None:
    async with told_by(tmp_path, google := GoogleCalendar()) as told:
        google.put("party1", attendees=[{"email": "bob@example.org"}])
        me = {"email": OWNER, "self": True, "responseStatus": "needsAction"}
        google.put("theirs1", organizer={"email": "bob@example.org"}, attendees=[me])
        rule = ["RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO;COUNT=4"]
        google.series("weekly", start=WHEN, end=ENDS, recurrence=rule)
        await told.connect()
        tool, arguments = given
        question = await told.ask(please(tool, arguments))
        assert shown in json.dumps(question) and google.book == []
        slow(told, verb)
        await told.decide(question)
        await told.killed(lambda: google.said(did))
        await told.told(HEARD_SENT)
    if not arguments.get("following"):
        assert google.book == [(did, arguments["event"])]
        return
    assert days(google, "weekly") == ["2030-11-25", "2030-12-02"]
    assert google.said("patch") == ["weekly"]
    for new in google.said("insert"):
        assert days(google, new) == ["2030-12-09", "2030-12-16"]
    assert len(google.book) == (1 if tool == "calendar_cancel" else 2)


MONDAYS = ["2030-11-25", "2030-12-02", "2030-12-09", "2030-12-16"]


def weekly(outlook: GraphCalendar) -> None:
    """Four Mondays with Bob."""
    outlook.series(
        "weekly", [f"{day}T09:00" for day in MONDAYS], minutes=30, attendees=("bob@example.org",)
    )
    rule = outlook.events["weekly"].body["recurrence"]
    rule["range"] |= {"type": "numbered", "numberOfOccurrences": 4}


def mondays(outlook: GraphCalendar, series: str) -> list[str]:
    """On which days the events of a series of Outlook are."""
    return [f"{each.start:%Y-%m-%d}" for each in of_series(outlook, series)]


@pytest.mark.parametrize(
    ("tool", "more", "verb", "did"),
    [
        pytest.param("calendar_cancel", {}, "PATCH", "update", marks=pytest.mark.long),
        ("calendar_update", {"title": "Sit-down"}, "POST", "create"),
        ("calendar_update", {"title": "Sit-down"}, "PATCH", "update"),
    ],
    ids=["following", "parted, made", "parted, ended"],
)
async def test_a_series_of_outlook_is_parted_once_through_a_kill_at_either_half(
    tmp_path: Path, tool: str, more: dict[str, str], verb: str, did: str
) -> None:
    async with told_by(tmp_path, outlook := GraphCalendar()) as told:
        weekly(outlook)
        await told.connect()
        third = {"event": "weekly.2", "following": True}
        question = await told.ask(please(tool, {**third, **more}))
        assert "all that follow it (2 events)" in json.dumps(question) and outlook.book == []
        slow(told, verb)
        await told.decide(question)
        at_death: list[object] = []

        def is_half_done() -> bool:
            at_death[:] = [outlook.said("update"), mondays(outlook, "weekly")]
            return bool(outlook.said(did))

        await told.killed(is_half_done)
        assert did == "update" or at_death == [[], MONDAYS], "the other half was not begun"
        await told.told(HEARD_SENT)
    assert mondays(outlook, "weekly") == MONDAYS[:2] and outlook.said("update") == ["weekly"]
    made = outlook.said("create")
    assert [mondays(outlook, new) for new in made] == ([MONDAYS[2:]] if more else [])
    mails = [event for _, event in outlook.mails]
    assert mails == [*made, "weekly"], "each half is told to the guest once"
