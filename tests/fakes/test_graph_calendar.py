"""The Outlook calendar that plays is strict: what Graph does not describe is a mistake."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from bot.core.errors import VendorUnknown
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import API, GraphCalendar
from tests.fakes.graph_subscriptions import FORGERIES, soon
from tests.fakes.graph_views import asked_by
from tests.fakes.oauth_house import OAuthHouse
from tests.published import needs

TIMES = {
    "start": {"dateTime": "2026-11-23T14:00:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2026-11-23T15:00:00", "timeZone": "W. Europe Standard Time"},
}
GUEST = {"emailAddress": {"address": "bob@example.org"}, "type": "required"}
TEAMS = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
MARK = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name botJob"
SPAN = {"startDateTime": "2026-11-23T00:00:00Z", "endDateTime": "2026-11-30T00:00:00Z"}


class Caller:
    """Asks as our client does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(
        self, verb: str, path: str, body: Any = None, query: Any = None, **headers: str
    ) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        page = await self._client.call(verb, f"/v1.0/{path}", body=body, query=query, headers=named)
        return page.status, json.loads(page.body or b"null")


@pytest.fixture
async def outlook() -> AsyncIterator[GraphCalendar]:
    async with GraphCalendar() as server:
        yield server


@pytest.fixture
async def ask(tmp_path: Path, outlook: GraphCalendar) -> AsyncIterator[Caller]:
    async with OAuthHouse(tmp_path, outlook) as house:
        await house.connect()
        yield Caller(await house.connections.accounts.client(house.tenant.id, "microsoft"))


def one(id_: str) -> str:
    return f"me/events/{quote(id_, safe='')}"


@needs("microsoft-graph.json")
@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("me/events", {**TIMES, "titel": "x"}, "titel"),
        ("me/events", {**TIMES, "subject": 1}, "is not valid under"),
        ("me/events", {**TIMES, "attendees": [{"mail": "x"}]}, "mail"),
        ("me/events", {**TIMES, "attendees": [{"emailAddress": {}}]}, "no address"),
        ("me/events", {**TIMES, "onlineMeetingProvider": "zoom"}, "zoom"),
        ("me/events", {**TIMES, "organizer": GUEST}, "cannot be written"),
        ("me/events", {**TIMES, "isOnlineMeeting": True}, "onlineMeetingProvider"),
        ("me/events", {"start": TIMES["start"]}, "lacks"),
        ("me/events", {**TIMES, "body": "words"}, "is not valid under"),
        ("me/calendar/getSchedule", {"people": ["x"]}, "people"),
        ("me/findMeetingTimes", {"meetingDuration": 30}, "is not valid under"),
        ("me/event", TIMES, "is not described"),
        ("subscriptions", {"resource": "me/messages"}, ""),
    ],
)
async def test_what_is_not_described_is_refused(
    ask: Caller, outlook: GraphCalendar, path: str, body: Any, words: str
) -> None:
    status, told = await ask("POST", path, body)
    assert status in (400, 404) and outlook.events == {}
    assert list(API.misfits(API.schema("odata.error"), told)) == []
    if words:
        assert any(words in each for each in outlook.mistakes), outlook.mistakes


@pytest.mark.parametrize("name", ["$search", "timeMin", "$skiptoken"])
async def test_a_parameter_that_is_not_there_is_a_mistake(
    ask: Caller, outlook: GraphCalendar, name: str
) -> None:
    await ask("GET", "me/calendarView", query={**SPAN, name: "x"})
    assert any(name in each for each in outlook.mistakes)


async def test_an_event_is_made_shown_in_a_zone_and_found_again(
    ask: Caller, outlook: GraphCalendar
) -> None:
    mark = [{"id": MARK, "value": "job-1"}]
    body = {**TIMES, **TEAMS, "subject": "Budget", "attendees": [GUEST]}
    body |= {"transactionId": "t-1", "singleValueExtendedProperties": mark}
    status, made = await ask("POST", "me/events", body)
    assert status == 201 and outlook.mails == [("bob@example.org", made["id"])]
    assert made["start"] == {"dateTime": "2026-11-23T13:00:00.0000000", "timeZone": "UTC"}
    assert made["transactionId"] == "t-1" and made["isOrganizer"]
    assert made["onlineMeeting"]["joinUrl"] in made["body"]["content"]
    zone = 'outlook.timezone="America/New_York"'
    _, shown = await ask("GET", one(made["id"]), Prefer=zone)
    assert shown["end"]["dateTime"].startswith("2026-11-23T09:00")
    for value, found in (("job-1", 1), ("job-2", 0)):
        has = f"ep/id eq '{MARK}' and ep/value eq '{value}'"
        wanted = f"singleValueExtendedProperties/Any(ep: {has})"
        _, told = await ask("GET", "me/events", query={"$filter": wanted})
        assert len(told["value"]) == found
    expand = f"singleValueExtendedProperties($filter=id eq '{MARK}')"
    _, told = await ask("GET", one(made["id"]), query={"$expand": expand})
    assert told["singleValueExtendedProperties"] == mark
    _, told = await ask("GET", "me/events", query={"$filter": "transactionId eq 't-1'"})
    assert told["error"]["code"] == "ErrorInvalidProperty"
    assert outlook.mistakes == []


async def test_a_transaction_makes_one_event(ask: Caller, outlook: GraphCalendar) -> None:
    body = {**TIMES, "transactionId": "t-1"}
    first = await ask("POST", "me/events", body)
    assert await ask("POST", "me/events", body) == first and len(outlook.events) == 1
    outlook.repeat_conflicts = True
    assert (await ask("POST", "me/events", body))[0] == 409 and len(outlook.events) == 1
    await ask("POST", "me/events", {**body, "transactionId": "t-2"})
    assert outlook.said("create") == list(outlook.events) and len(outlook.events) == 2


async def test_another_s_change_is_not_overwritten(ask: Caller, outlook: GraphCalendar) -> None:
    event = outlook.put("evt1=", attendees=("bob@example.org",))
    old = event.etag
    assert (await ask("PATCH", one("evt1="), {"subject": "x"}, If_Match=old))[0] == 200
    assert (await ask("PATCH", one("evt1="), {"subject": "y"}, If_Match=old))[0] == 412
    assert (await ask("DELETE", one("evt1="), If_Match=old))[0] == 412
    assert (await ask("GET", one("evt1=")))[1]["subject"] == "x"
    assert (await ask("DELETE", one("evt1="), If_Match=event.etag))[0] == 204
    assert (await ask("GET", one("evt1=")))[0] == 404 and len(outlook.mails) == 2


async def test_a_text_without_its_link_loses_the_link(ask: Caller, outlook: GraphCalendar) -> None:
    outlook.teams_late = True
    _, made = await ask("POST", "me/events", {**TIMES, **TEAMS})
    assert made["onlineMeeting"] is None
    _, made = await ask("GET", one(made["id"]))
    assert made["onlineMeeting"]["joinUrl"]
    kept = {"contentType": "html", "content": f"<p>new</p>{made['body']['content']}"}
    _, told = await ask("PATCH", one(made["id"]), {"body": kept})
    assert told["onlineMeeting"] == made["onlineMeeting"]
    lost = {"contentType": "text", "content": "new"}
    _, told = await ask("PATCH", one(made["id"]), {"body": lost})
    assert told["onlineMeeting"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"end": {"dateTime": "2026-11-23T13:00:00", "timeZone": "Europe/Berlin"}}, "ErrorPropertyValidationFailure"),
        ({"end": {"dateTime": "2026-11-23T15:00:00Z", "timeZone": "UTC"}}, "ErrorInvalidRequest"),
        ({"end": {"dateTime": "2026-11-23T15:00:00", "timeZone": "Mars"}}, "TimeZoneNotSupportedException"),
        ({"isAllDay": True}, "ErrorInvalidRequest"),
    ],
)  # fmt: skip
async def test_times_are_held_to_the_rules(ask: Caller, changes: Any, code: str) -> None:
    status, told = await ask("POST", "me/events", {**TIMES, **changes})
    assert status == 400 and told["error"]["code"] == code


async def test_a_whole_day_is_not_moved(ask: Caller, outlook: GraphCalendar) -> None:
    day = {name: {"dateTime": f"2026-12-2{n}T00:00:00", "timeZone": "Asia/Tokyo"}
           for name, n in (("start", 4), ("end", 5))}  # fmt: skip
    _, made = await ask("POST", "me/events", {**day, "isAllDay": True})
    assert made["start"] == {"dateTime": "2026-12-24T00:00:00.0000000", "timeZone": "UTC"}
    assert outlook.mistakes == []


async def test_only_an_organizer_cancels_and_only_a_guest_answers(
    ask: Caller, outlook: GraphCalendar
) -> None:
    outlook.put("own", attendees=("bob@example.org",))
    outlook.put("theirs", organizer="eve@example.org")
    assert (await ask("POST", f"{one('theirs')}/cancel", {"comment": "x"}))[0] == 400
    assert (await ask("POST", f"{one('own')}/accept", {}))[0] == 400
    assert (await ask("PATCH", one("theirs"), {"subject": "x"}))[0] == 403
    assert (await ask("PATCH", one("theirs"), {"showAs": "free"}))[0] == 200
    assert outlook.mails == []
    assert (await ask("POST", f"{one('theirs')}/tentativelyAccept", {"comment": "x"}))[0] == 202
    _, shown = await ask("GET", one("theirs"))
    assert shown["responseStatus"]["response"] == "tentativelyAccepted"
    assert (await ask("POST", f"{one('own')}/cancel", {}))[0] == 202
    assert [who for who, _ in outlook.mails] == ["eve@example.org", "bob@example.org"]
    assert (await ask("POST", f"{one('own')}/cancel", {}))[0] == 404
    outlook.keeps_declined = False
    assert (await ask("POST", f"{one('theirs')}/decline", {"sendResponse": False}))[0] == 202
    assert (await ask("GET", one("theirs")))[0] == 404 and len(outlook.mails) == 2
    assert outlook.book == [("update", "theirs"), ("tentativelyAccept", "theirs"), ("cancel", "own"), ("decline", "theirs")]  # fmt: skip


async def test_a_view_shows_the_events_of_a_series_and_goes_on(
    ask: Caller, outlook: GraphCalendar
) -> None:
    outlook.series("daily", [f"2026-11-{day}T09:00" for day in (23, 24, 25, 30)])
    outlook.put("out", "2026-12-24T09:00")
    query = {**SPAN, "$top": "2", "$orderby": "start/dateTime", "$select": "subject,start"}
    _, told = await ask("GET", "me/calendarView", query=query)
    assert [each["id"] for each in told["value"]] == ["daily.0", "daily.1"]
    assert "body" not in told["value"][0]
    assert told["@odata.nextLink"].startswith("https://graph.microsoft.com/v1.0/me/calendarView?")
    _, told = await ask("GET", "me/calendarView", query=asked_by(told["@odata.nextLink"]))
    assert [each["id"] for each in told["value"]] == ["daily.2"] and len(told) == 1
    _, told = await ask("GET", "me/events")
    assert [each["id"] for each in told["value"]] == ["daily", "out"]
    assert (await ask("GET", "me/calendarView"))[0] == 400
    _, told = await ask("PATCH", one("daily.1"), {"subject": "other"})
    assert told["type"] == "exception" and outlook.mistakes == []


async def test_delta_tells_what_changed_and_what_is_too_old(
    ask: Caller, outlook: GraphCalendar
) -> None:
    for n in range(3):
        outlook.put(f"evt{n}")
    path = "me/calendarView/delta"
    _, told = await ask("GET", path, query=SPAN, Prefer="odata.maxpagesize=2")
    assert len(told["value"]) == 2
    _, told = await ask("GET", path, query=asked_by(told["@odata.nextLink"]))
    assert len(told["value"]) == 1
    link = asked_by(told["@odata.deltaLink"])
    outlook.take(outlook.events["evt0"])
    outlook.put("far", "2027-11-23T13:00")
    outlook.touch(outlook.events["evt1"])
    _, told = await ask("GET", path, query=link)
    assert [each["id"] for each in told["value"]] == ["evt0", "far", "evt1"]
    assert [("@removed" in each) for each in told["value"]] == [True, True, False]
    _, told = await ask("GET", path, query=asked_by(told["@odata.deltaLink"]))
    assert told["value"] == []
    outlook.views.forget_deltas()
    assert (await ask("GET", path, query=link))[0] == 410


async def test_it_says_who_is_free_and_whom_it_does_not_know(
    ask: Caller, outlook: GraphCalendar
) -> None:
    outlook.put("evt1", "2026-11-23T09:00", 30)
    day = datetime(2026, 11, 23, tzinfo=UTC)
    outlook.busy["bob@example.org"] = [(day.replace(hour=10), day.replace(hour=11))]
    span = {"startTime": {"dateTime": "2026-11-23T09:00:00", "timeZone": "UTC"},
            "endTime": {"dateTime": "2026-11-23T12:00:00", "timeZone": "UTC"}}  # fmt: skip
    names = ["ann@example.com", "bob@example.org", "nobody@example.org"]
    _, told = await ask("POST", "me/calendar/getSchedule", {**span, "schedules": names})
    assert [each["availabilityView"] for each in told["value"]] == ["200000", "002200", ""]
    assert told["value"][2]["error"]["responseCode"] == "ErrorMailRecipientNotFound"
    slot = {"start": span["startTime"], "end": span["endTime"]}
    wanted = {"attendees": [GUEST], "timeConstraint": {"timeSlots": [slot]}}
    _, told = await ask("POST", "me/findMeetingTimes", {**wanted, "meetingDuration": "PT1H"})
    (found,) = told["meetingTimeSuggestions"]
    assert found["meetingTimeSlot"]["start"]["dateTime"].startswith("2026-11-23T11:00")
    assert outlook.mistakes == []


async def test_subscriptions_shake_hands_tell_and_end(ask: Caller, outlook: GraphCalendar) -> None:
    heard: list[Any] = []

    async def hook(request: web.Request) -> web.Response:
        if word := request.query.get("validationToken"):
            return web.Response(text=word)
        heard.append(await request.json())
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    outlook.bell.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
    wanted = {
        "changeType": "created,updated,deleted",
        "resource": "me/events",
        "notificationUrl": "https://house.example/hook",
        "clientState": "s3cret",
        "expirationDateTime": soon(4_000),
    }
    try:
        too_long = {**wanted, "expirationDateTime": soon(4_300)}
        assert (await ask("POST", "subscriptions", too_long))[0] == 400
        status, made = await ask("POST", "subscriptions", wanted)
        assert status == 201 and made["clientState"] is None
        outlook.put("evt1")
        await outlook.bell.settled()
        (notice,) = heard.pop()["value"]
        assert notice["clientState"] == "s3cret" and notice["resourceData"]["id"] == "evt1"
        assert notice["changeType"] == "created" and "subject" not in json.dumps(notice)
        for kind in FORGERIES:
            assert (await outlook.subscriptions.forge(kind, "ann@example.com")).is_taken
        where = f"subscriptions/{made['id']}"
        status, _ = await ask("PATCH", where, {"expirationDateTime": soon(4_200)})
        assert status == 200
        assert (await ask("DELETE", where))[0] == 204 and (await ask("GET", where))[0] == 404
    finally:
        await runner.cleanup()


async def test_faults_strike_before_and_after_the_work(ask: Caller, outlook: GraphCalendar) -> None:
    outlook.trouble.append(Fault(verb="POST", status=503, headers={"Retry-After": "7"}))
    assert (await ask("POST", "me/events", TIMES))[0] == 503 and outlook.events == {}
    outlook.trouble.append(Fault(verb="POST", status=500, after=True))
    assert (await ask("POST", "me/events", TIMES))[0] == 500 and len(outlook.events) == 1
    outlook.trouble.append(Fault(cut=True))
    with pytest.raises(VendorUnknown):
        await ask("GET", "me/events")
    outlook.expire()
    assert (await ask("GET", "me/calendars"))[1]["value"][0]["isDefaultCalendar"]
    assert (await ask("GET", "me/calendar"))[1]["owner"]["address"] == "ann@example.com"
    assert (await ask("GET", "me/calendars/other/events"))[0] == 404
