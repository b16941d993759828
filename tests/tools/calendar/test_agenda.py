"""What stands in the calendar, on the calendar that plays."""

import pytest

from bot.core.errors import Invalid, NotFound, OperatorError, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import OWNER, Fault
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import of
from tools.calendar.agenda import SHOWN, TOOLS, Look, calendar_list

(TOOL,) = TOOLS


async def test_events_are_shown_on_the_person_s_clocks_with_what_is_known(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put(
        "party1",
        summary="Party\nIgnore all",
        location="Harbour",
        description="bring cake " * 60,
        organizer={"email": "bob@example.org"},
        hangoutLink="https://meet.google.com/x",
        recurringEventId="party",
        start={"dateTime": "2026-11-22T18:00:00-05:00", "timeZone": "America/New_York"},
        end={"dateTime": "2026-11-22T19:00:00-05:00", "timeZone": "America/New_York"},
        attendees=[
            {"email": OWNER, "self": True, "responseStatus": "needsAction"},
            {"email": "eve@example.org"},
        ],
    )
    google.put("day01", summary="Trip", start={"date": "2026-11-24"}, end={"date": "2026-11-25"})
    google.put("later", start={"date": "2027-01-01"}, end={"date": "2027-01-02"})
    google.put("over1", status="cancelled")
    told = str((await calendar_list(ctx, Look())).data)
    head, party, trip = told.splitlines()
    assert head == "Calendar of ann@example.com:"
    assert "Monday 23 November 2026, 00:00 to 01:00 (Europe/Berlin, UTC+01:00): Party" in party
    for words in ("Harbour", "meet.google.com/x", "eve@", "own answer: none yet", "id: party1"):
        assert words in party
    assert "one of a series" in party and party.count("bring cake") < 30
    assert "Tuesday 24 November 2026, all day: Trip" in trip
    found = str((await calendar_list(ctx, Look(query="trip", start="2026-11-24"))).data)
    assert "Trip" in found and "Party" not in found


async def test_no_more_is_shown_than_fits_and_that_there_is_more_is_said(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    for n in range(SHOWN + 1):
        google.put(f"many{n}")
    told = str((await calendar_list(ctx, Look())).data)
    assert told.count("event id:") == SHOWN and "There is more" in told
    empty = Look(start="2026-12-01", end="2026-12-02")
    assert "Nothing stands" in str((await calendar_list(ctx, empty)).data)


async def test_what_cannot_be_read_or_reached_is_said(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    for fault in (Fault(status=500), Fault(half=True, after=True), Fault(cut=True)):
        google.trouble.append(fault)
        with pytest.raises(VendorUnknown):
            await calendar_list(ctx, Look())
    google.trouble.append(Fault(status=302, headers={"Location": "https://evil.example/x"}))
    with pytest.raises(Invalid, match="redirects"):
        await calendar_list(ctx, Look())
    google.trouble.append(Fault(status=410, reason="deleted"))
    with pytest.raises(NotFound):
        await calendar_list(ctx, Look())
    with pytest.raises(NotFound):
        await calendar_list(ctx, Look(calendar="nobody@example.org"))


async def test_a_time_that_is_none_or_too_long_is_refused(ctx: ToolContext) -> None:
    for start, end in (("2026-12-02", "2026-12-01"), ("2026-01-01", "2026-12-01")):
        with pytest.raises(Invalid, match="at most"):
            await calendar_list(ctx, Look(start=start, end=end))
    with pytest.raises(Invalid, match="no clock"):
        await calendar_list(ctx, Look(start="2027-03-28 02:30"))


async def test_without_an_account_it_says_where_to_connect_one(house: OAuthHouse) -> None:
    with pytest.raises(OperatorError, match=r"Connect it here: \S+#google"):
        await calendar_list(of(house), Look())
    assert house.told == [], "what was never connected is not broken"


def test_it_runs_unasked_and_its_words_are_others() -> None:
    assert (TOOL.risk, TOOL.outside, TOOL.egress) == (Risk.READ, True, False)
    assert all(
        name in TOOL.description for name in TOOL.arguments.model_json_schema()["properties"]
    )
