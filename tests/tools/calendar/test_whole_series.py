"""The whole program: a series is made, moved, and ended once through kills, as is an answer given."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import OWNER, Fault
from tests.fakes.obedient import Obedient, please
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import Program, wait_for
from tests.tools.calendar.test_whole import approve, connect, done, program, said

WEEKLY = {
    "title": "Standup",
    "start": "2030-11-25 09:00",
    "guests": ["bob@example.org"],
    "repeat": {"every": "week", "times": 3},
}


class Model(OpenAIServer):
    """It makes the series that is asked for, and moves it."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)
        self.second = ""

    def _reply(self, body: Body) -> Reply:
        words = json.dumps(body["messages"][-1]["content"])
        if "every Monday" in words and "outcome" not in words:
            return Reply(calls=[("calendar_create", json.dumps(WEEKLY))])
        if "all a day later" in words and "outcome" not in words:
            moved = {"event": self.second, "series": True, "start": "2030-12-03 10:00"}
            return Reply(calls=[("calendar_update", json.dumps(moved))])
        return Reply(text=f"Heard: {words}")


def pending(running: Program) -> dict[str, Any]:
    """The one question that waits."""
    _, listed = running.ask("GET", "/v1/approvals")
    (found,) = [each for each in listed["items"] if each["state"] == "pending"]
    return dict(found)


async def test_a_series_is_made_and_moved_once_through_kills(tmp_path: Path) -> None:
    async with GoogleCalendar() as google, Model() as model:
        running = await asyncio.to_thread(program(tmp_path, google, model).started)
        run: Any = asyncio.to_thread
        try:
            await connect(running, google)
            talk = await run(running.say, "every Monday with Bob")
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(pending, running)
            assert "every week on Monday, 3 times" in json.dumps(asked) and google.events == {}
            google.trouble.append(Fault(verb="POST", slow_s=3.0, after=True))
            await run(approve, running, asked)
            await done(google, "insert")
            running.stop(signal.SIGKILL)  # it is made, and the answer is on its way
            running = await run(program(tmp_path, google, model).started)
            await run(wait_for, said(running, talk, "It is in the calendar"), 40.0)
            (series,) = google.said("insert")
            first = google.of_series(series)
            model.second = first[1]["id"]
            talk = await run(running.say, "all a day later")
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(pending, running)
            shown = json.dumps(asked)
            assert "the whole series, past and future" in shown
            assert "every week on Tuesday, 3 times" in shown
            google.trouble.append(Fault(verb="PATCH", slow_s=3.0, after=True))
            await run(approve, running, asked)
            await done(google, "patch")
            running.stop(signal.SIGKILL)
            running = await run(program(tmp_path, google, model).started)
            await run(wait_for, said(running, talk, "Heard:"), 40.0)
        finally:
            running.stop()
        starts = [each["start"]["dateTime"][:16] for each in google.of_series(series)]
        assert starts == ["2030-11-26T10:00", "2030-12-03T10:00", "2030-12-10T10:00"]
        assert google.said("patch") == [series] and len(google.said("insert")) == 1
        assert [mail for mail, _ in google.mails] == ["bob@example.org"] * 2
        assert google.mistakes == [] and model.violations == []


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
    async with GoogleCalendar() as google, Obedient() as model:
        google.put("party1", attendees=[{"email": "bob@example.org"}])
        me = {"email": OWNER, "self": True, "responseStatus": "needsAction"}
        google.put("theirs1", organizer={"email": "bob@example.org"}, attendees=[me])
        rule = ["RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO;COUNT=4"]
        google.series("weekly", start=WHEN, end=ENDS, recurrence=rule)
        running = await asyncio.to_thread(program(tmp_path, google, model).started)
        run: Any = asyncio.to_thread
        try:
            await connect(running, google)
            tool, told = given
            talk = await run(running.say, please(tool, told))
            await run(wait_for, said(running, talk, "Waiting for your yes"))
            asked = await run(pending, running)
            assert shown in json.dumps(asked) and google.book == []
            google.trouble.append(Fault(verb=verb, slow_s=3.0, after=True))
            await run(approve, running, asked)
            await done(google, did)
            running.stop(signal.SIGKILL)  # it is done, and the answer is on its way
            running = await run(program(tmp_path, google, model).started)
            await run(wait_for, said(running, talk, '"state":"sent"'), 40.0)
        finally:
            running.stop()
        assert google.mistakes == [] and model.violations == []
        if not told.get("following"):
            assert google.book == [(did, told["event"])]
            return
        assert days(google, "weekly") == ["2030-11-25", "2030-12-02"]
        assert google.said("patch") == ["weekly"]
        for new in google.said("insert"):
            assert days(google, new) == ["2030-12-09", "2030-12-16"]
        assert len(google.book) == (1 if tool == "calendar_cancel" else 2)
