"""Cancelling events, on the calendar that plays."""

from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import Conflict, Invalid, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.tools.calendar.conftest import find, full
from tests.tools.kit import lines
from tools.calendar.cancellation import TOOLS, Cancel, calendar_cancel, preview

(TOOL,) = TOOLS
BOB = {"email": "bob@example.org", "responseStatus": "accepted"}


@pytest.fixture
def event(google: GoogleCalendar) -> dict[str, Any]:
    """An event of Ann's with a guest."""
    return google.put("budget1", attendees=[BOB])


async def test_an_event_is_cancelled_once_and_its_guests_are_told(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, event="budget1")
    assert isinstance(args, Cancel)
    card = preview(args)
    assert lines(card)["Guests"] == "bob@example.org" == card.recipients[0]
    assert "Monday 23 November 2026" in lines(card)["Is now"] and "Cancels" not in lines(card)
    for _ in range(2):
        outcome = await calendar_cancel(ctx, args)
        assert (outcome.state, outcome.data) == (EffectState.SENT, "It is cancelled.")
    assert google.said("delete") == ["budget1"] and len(google.mails) == 1


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Fault(verb="DELETE", status=500), False),
        (Fault(verb="DELETE", status=500, after=True), True),
        (Fault(verb="DELETE", cut=True, after=True), True),
        (Fault(verb="DELETE", cut=True), False),
    ],
    ids=["500", "500 after", "cut after", "cut"],
)
async def test_a_cancelling_whose_answer_is_lost_is_looked_up(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any], fault: Fault, is_done: bool
) -> None:
    args = await full(ctx, TOOL, event="budget1")
    google.trouble.append(fault)
    with pytest.raises(VendorUnknown):
        await calendar_cancel(ctx, args)
    looked = await find(ctx, TOOL, args)
    assert (looked is not None) is is_done
    if looked is None:
        await calendar_cancel(ctx, args)
    assert google.said("delete") == ["budget1"] and len(google.mails) == 1


async def test_an_event_that_is_gone_at_the_last_moment_is_gone(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, event="budget1")
    google.trouble.append(Fault(verb="DELETE", status=410, reason="deleted"))
    assert "already" in str((await calendar_cancel(ctx, args)).data)
    del google.events["primary", "budget1"]
    assert "not in the calendar" in str((await calendar_cancel(ctx, args)).data)


async def test_what_was_moved_since_is_not_cancelled(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, event="budget1")
    google.touch(event)
    assert await find(ctx, TOOL, args) is None
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_cancel(ctx, args)
    assert not any(each.startswith("DELETE") for each in google.asked)
    google.trouble.append(Fault(verb="DELETE", status=412))
    again = await full(ctx, TOOL, event="budget1")
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_cancel(ctx, again)
    assert google.said("delete") == [] and event["status"] == "confirmed"


async def test_a_change_between_the_look_and_the_cancelling_stops_it(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any], monkeypatch: Any
) -> None:
    args = await full(ctx, TOOL, event="budget1")
    shown = google._shown

    def then_somebody(each: dict[str, Any]) -> dict[str, Any]:
        told = shown(each)
        google.touch(each)
        return told

    monkeypatch.setattr(google, "_shown", then_somebody)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_cancel(ctx, args)
    assert google.book == [] and event["status"] == "confirmed"


async def test_one_of_a_series_and_the_whole_series_are_told_apart(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put("weekly", recurrence=["RRULE:FREQ=WEEKLY"])
    google.put("weekly_20261123T130000Z", recurringEventId="weekly")
    one = await full(ctx, TOOL, event="weekly_20261123T130000Z")
    assert isinstance(one, Cancel) and "this one" in lines(preview(one))["Cancels"]
    whole = await full(ctx, TOOL, event="weekly_20261123T130000Z", series=True)
    assert isinstance(whole, Cancel) and whole.event == "weekly"
    assert "whole series" in lines(preview(whole))["Cancels"]
    with pytest.raises(Invalid, match="whole series"):
        await full(ctx, TOOL, event="weekly")
    await calendar_cancel(ctx, one)
    assert google.said("delete") == ["weekly_20261123T130000Z"]


async def test_another_s_event_is_declined_and_not_cancelled(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put("theirs", organizer={"email": "bob@example.org"})
    with pytest.raises(Invalid, match="calendar_respond"):
        await full(ctx, TOOL, event="theirs")


def test_it_asks_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"event", "series", "following", "calendar", "service"}
    assert all(name in TOOL.description for name in told)
