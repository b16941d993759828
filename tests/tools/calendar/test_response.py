"""Answering invitations, on the calendar that plays."""

from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import Conflict, Invalid, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import OWNER, Fault
from tests.tools.calendar.conftest import find, full
from tests.tools.kit import lines, refusal
from tools.calendar.response import TOOLS, Respond, calendar_respond, preview

(TOOL,) = TOOLS


@pytest.fixture
def event(google: GoogleCalendar) -> dict[str, Any]:
    """An invitation by Bob, to Ann and Eve."""
    return google.put(
        "party1",
        summary="Party",
        organizer={"email": "bob@example.org"},
        attendees=[
            {"email": OWNER, "self": True, "responseStatus": "needsAction"},
            {"email": "eve@example.org", "responseStatus": "accepted"},
        ],
    )


async def test_the_own_answer_is_given_once_and_nobody_else_s_is_touched(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, event="party1", answer="maybe", comment="late")
    assert isinstance(args, Respond)
    card = preview(args)
    assert lines(card)["Answer"] == "maybe" and card.recipients == ("bob@example.org",)
    for _ in range(2):
        outcome = await calendar_respond(ctx, args)
        assert outcome.state is EffectState.SENT
    mine, eve = event["attendees"]
    assert (mine["responseStatus"], mine["comment"]) == ("tentative", "late")
    assert eve["responseStatus"] == "accepted" and google.said("patch") == ["party1"]


@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_whose_receipt_is_lost_is_looked_up(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any], after: bool
) -> None:
    args = await full(ctx, TOOL, event="party1", answer="no")
    google.trouble.append(Fault(verb="PATCH", cut=True, after=after))
    with pytest.raises(VendorUnknown):
        await calendar_respond(ctx, args)
    assert ((await find(ctx, TOOL, args)) is not None) is after
    await calendar_respond(ctx, args)
    assert google.said("patch") == ["party1"]


async def test_a_yes_is_not_given_to_what_became_something_else(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any]
) -> None:
    args = await full(ctx, TOOL, event="party1", answer="yes")
    google.touch(event)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_respond(ctx, args)
    assert not any(each.startswith("PATCH") for each in google.asked)


async def test_a_change_between_the_look_and_the_answer_stops_it(
    google: GoogleCalendar, ctx: ToolContext, event: dict[str, Any], monkeypatch: Any
) -> None:
    args = await full(ctx, TOOL, event="party1", answer="yes")
    shown = google._shown

    def then_somebody(each: dict[str, Any]) -> dict[str, Any]:
        told = shown(each)
        google.touch(each)
        return told

    monkeypatch.setattr(google, "_shown", then_somebody)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await calendar_respond(ctx, args)
    assert google.book == []


async def test_what_is_no_invitation_is_not_answered(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put("theirs", organizer={"email": "bob@example.org"})
    google.put("own01", attendees=[{"email": OWNER, "self": True}])
    with pytest.raises(Invalid, match="not among the guests"):
        await full(ctx, TOOL, event="theirs", answer="yes")
    with pytest.raises(Invalid, match="own event"):
        await full(ctx, TOOL, event="own01", answer="yes")


def test_it_asks_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.outside) == (Risk.WRITE, Policy.READBACK, True)
    assert "yes" in refusal(Respond, event="party1", answer="perhaps")
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"event", "series", "answer", "comment", "calendar", "service"}
    assert all(name in TOOL.description for name in told)
