"""Changing events, on the calendar that plays: only as they were shown, and once."""

from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import Conflict, Invalid, NotFound, OperatorError, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import find, full, hasty, of
from tests.tools.kit import lines, refusal
from tools.calendar.change import TOOLS, Change, calendar_update, preview

(TOOL,) = TOOLS
BOB = {"email": "bob@example.org", "responseStatus": "accepted", "comment": "gladly"}
EVE = {"email": "eve@example.org", "responseStatus": "needsAction"}
MOVE = {"event": "budget1", "start": "2026-11-24 09:30"}


@pytest.fixture
def event(google: GoogleCalendar) -> dict[str, Any]:
    """An event of Ann's with two guests."""
    return google.put("budget1", attendees=[dict(BOB), dict(EVE)], location="Room 3")


async def test_an_event_is_moved_and_stays_as_long(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    assert isinstance(args, Change)
    card = preview(args)
    shown = lines(card)
    assert shown["Event"] == "Budget" and "Monday 23 November 2026, 14:00" in shown["Is now"]
    assert shown["Will be"].startswith("Tuesday 24 November 2026, 09:30 to 10:30 (Europe/Berlin")
    assert shown["Google account"] == "ann@example.com (primary)"
    assert card.recipients == ("bob@example.org", "eve@example.org")
    outcome = await calendar_update(ctx, args)
    assert outcome.state is EffectState.SENT and outcome.url == event["htmlLink"]
    assert event["start"]["dateTime"] == "2026-11-24T09:30:00+01:00"
    assert event["end"]["dateTime"] == "2026-11-24T10:30:00+01:00"
    assert event["location"] == "Room 3" and event["attendees"] == [BOB, EVE]
    assert [mail for mail, _ in google.mails] == ["bob@example.org", "eve@example.org"]


async def test_guests_come_and_go_and_the_others_keep_their_answers(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    given = {"add_guests": ["zoe@example.org", "BOB@example.org"], "remove_guests": [EVE["email"]]}
    args = await full(ctx, TOOL, event="budget1", title="Plans", meet=True, **given)
    assert isinstance(args, Change)
    assert lines(preview(args))["Take off"] == "eve@example.org"
    await calendar_update(ctx, args)
    assert event["attendees"] == [BOB, {"email": "zoe@example.org"}]
    assert event["summary"] == "Plans" and event["hangoutLink"]


async def test_what_another_changed_meanwhile_is_not_overwritten(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    event["start"]["dateTime"] = "2026-11-23T16:00:00+01:00"
    google.touch(event)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_update(ctx, args)
    assert event["start"]["dateTime"].startswith("2026-11-23T16")
    assert not any(each.startswith("PATCH") for each in google.asked)


async def test_a_change_between_the_look_and_the_change_is_not_overwritten(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any], monkeypatch: Any
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    shown = google._shown

    def then_somebody(each: dict[str, Any]) -> dict[str, Any]:
        told = shown(each)
        google.touch(each)
        return told

    monkeypatch.setattr(google, "_shown", then_somebody)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_update(ctx, args)
    assert google.book == []


async def test_twice_the_same_deed_changes_and_tells_once(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    first = await calendar_update(ctx, args)
    assert await calendar_update(ctx, args) == first
    assert google.said("patch") == ["budget1"] and len(google.mails) == 2


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Fault(verb="PATCH", status=503), False),
        (Fault(verb="PATCH", status=500, after=True), True),
        (Fault(verb="PATCH", cut=True), False),
        (Fault(verb="PATCH", cut=True, after=True), True),
        (Fault(verb="PATCH", half=True, after=True), True),
        (Fault(verb="PATCH", slow_s=1.0, after=True), True),
        (Fault(verb="PATCH", status=302, headers={"Location": "https://evil.example/"}), False),
    ],
    ids=["503", "500 after", "cut", "cut after", "half", "late", "redirect"],
)
async def test_a_change_whose_answer_is_lost_is_looked_up_and_done_once(
    google: GoogleCalendar,
    ctx: ToolContext,
    house: OAuthHouse,
    event: dict[str, Any],
    fault: Fault,
    is_done: bool,
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    assert await find(ctx, TOOL, args) is None
    google.trouble.append(fault)
    with pytest.raises(VendorUnknown):
        await calendar_update(hasty(house), args)
    looked = await find(ctx, TOOL, args)
    assert (looked is not None) is is_done
    if looked is None:
        await calendar_update(ctx, args)
    assert google.said("patch") == ["budget1"] and len(google.mails) == 2


async def test_a_look_up_that_cannot_tell_says_so(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    google.touch(event)
    with pytest.raises(VendorUnknown, match="somebody meanwhile"):
        await find(ctx, TOOL, args)


async def test_what_may_not_be_changed_is_refused_before_anybody_is_asked(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put("theirs", organizer={"email": "bob@example.org"})
    google.put("weekly", recurrence=["RRULE:FREQ=WEEKLY"])
    google.put("over1", status="cancelled")
    google.put("many1", attendeesOmitted=True)
    google.put("day01", start={"date": "2026-12-01"}, end={"date": "2026-12-03"})
    at = {"start": "2026-11-24 09:30"}
    for given, words in (
        ({"event": "theirs", **at}, "Only the organizer"),
        ({"event": "weekly", **at}, "Say series: true"),
        ({"event": "over1", **at}, "cancelled already"),
        ({"event": "many1", "add_guests": ["a@x.org"]}, "more guests"),
        ({"event": "day01", **at}, "Give the end"),
    ):
        with pytest.raises(Invalid, match=words):
            await full(ctx, TOOL, **given)
    with pytest.raises(NotFound):
        await full(ctx, TOOL, event="nobody", title="x")
    google.put("open1", organizer={"email": "bob@example.org"}, guestsCanModify=True)
    await calendar_update(ctx, await full(ctx, TOOL, event="open1", title="Ours"))
    days = await full(ctx, TOOL, event="day01", start="2026-12-08")
    await calendar_update(ctx, days)
    assert google.events["primary", "day01"]["end"] == {"date": "2026-12-10"}


async def test_an_event_that_cannot_be_held_to_its_state_is_not_changed(
    ctx: ToolContext, event: dict[str, Any]
) -> None:
    event.pop("etag")
    with pytest.raises(VendorUnknown, match="which state"):
        await full(ctx, TOOL, **MOVE)


async def test_a_day_becomes_a_time(google: GoogleCalendar, ctx: ToolContext) -> None:
    google.put("day01", start={"date": "2026-12-01"}, end={"date": "2026-12-02"})
    times = {"start": "2026-12-01 09:00", "end": "2026-12-01 10:00"}
    await calendar_update(ctx, await full(ctx, TOOL, event="day01", **times))
    assert "date" not in google.events["primary", "day01"]["start"]


async def test_another_tenant_has_no_part_in_it(
    ctx: ToolContext, house: OAuthHouse, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, **MOVE)
    stranger = of(house, tenant=house.olga.tenant)
    with pytest.raises(OperatorError, match="not connected"):
        await calendar_update(stranger, args)
    with pytest.raises(OperatorError, match="not connected"):
        await find(stranger, TOOL, args)


def test_arguments_that_do_not_fit_are_explained() -> None:
    assert "what is to be changed" in refusal(Change, event="budget1")
    assert "cannot be empty" in refusal(Change, event="budget1", title=" ")
    assert "start with end" in refusal(Change, event="budget1", end="2026-12-01", title="x")
    assert "pattern" in refusal(Change, event="../x", title="x")
    assert (TOOL.risk, TOOL.policy, TOOL.outside) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert "etag" not in told and all(name in TOOL.description for name in told)
