"""Who is free, and times that fit everybody, on the calendar that plays."""

from datetime import UTC, datetime, time, timedelta

import pytest

from bot.core.errors import Invalid, OperatorError
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import of
from tests.tools.kit import refusal
from tools.calendar._slots import Hours, Wanted, slots
from tools.calendar.availability import (
    TOOLS,
    FindTime,
    LookFree,
    calendar_find_time,
    calendar_free_busy,
)

NEW_YORK = {"email": "bob@example.org", "zone": "America/New_York"}


async def test_busy_times_are_told_without_words_and_the_unseen_is_not_free(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.busy["bob@example.org"] = [("2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z")]
    people = ["bob@example.org", "eve@example.org"]
    told = str((await calendar_free_busy(ctx, LookFree(people=people))).data).splitlines()
    assert "bob@example.org: busy Monday 23 November 2026, 14:00 to 15:00 (Europe" in told[0]
    assert told[1] == "- eve@example.org: Google does not show this calendar."
    own = str((await calendar_free_busy(ctx, LookFree())).data)
    assert own == "- ann@example.com: free all the time"


async def test_a_time_is_found_across_zones_around_what_is_taken(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    # At work together: 15:00 to 17:00 in Berlin. Ann is busy until 15:20, Bob from 16:30.
    google.busy["primary"] = [("2026-11-23T13:00:00Z", "2026-11-23T14:20:00Z")]
    google.busy["bob@example.org"] = [("2026-11-23T15:30:00Z", "2026-11-23T18:00:00Z")]
    args = FindTime.model_validate(
        {"people": [NEW_YORK], "start": "2026-11-23", "end": "2026-11-23", "minutes": 30}
    )
    told = str((await calendar_find_time(ctx, args)).data).splitlines()
    assert len(told) == 2
    assert "15:30 to 16:00 (Europe/Berlin" in told[0] and "09:30 to 10:00 (America" in told[0]
    assert "16:00 to 16:30 (Europe/Berlin" in told[1]


async def test_who_cannot_be_seen_is_named(google: GoogleCalendar, ctx: ToolContext) -> None:
    args = FindTime.model_validate({"people": [{"email": "eve@example.org"}]})
    told = str((await calendar_find_time(ctx, args)).data)
    assert "Not looked into, because Google does not show it: eve@example.org." in told
    assert "Saturday" not in told and "Monday 23 November 2026, 09:00" in told
    google.busy["primary"] = [("2026-11-01T00:00:00Z", "2026-12-30T00:00:00Z")]
    assert "no time that fits" in str((await calendar_find_time(ctx, args)).data)


async def test_what_is_over_is_not_offered(ctx: ToolContext) -> None:
    args = FindTime.model_validate({"start": "2026-11-20", "end": "2026-11-21", "weekends": True})
    told = str((await calendar_find_time(ctx, args)).data)
    assert "20 November" not in told and "Saturday 21 November 2026, 13:15" in told


def _all(zones: list[str], day: datetime, **more: bool) -> list[str]:
    hours = Hours(opens=time(9), closes=time(17), **more)
    span = {"start": day, "end": day + timedelta(days=1), "length": timedelta(hours=1)}
    wanted = Wanted(zones=zones, hours=hours, **span)  # type: ignore[arg-type]
    return [f"{start:%H:%M}" for start, _ in slots(wanted, [], 50)]


@pytest.mark.parametrize(
    ("zones", "day", "first", "count"),
    [
        (["UTC"], datetime(2026, 11, 23, tzinfo=UTC), "09:00", 8),
        (["Europe/Berlin", "America/New_York"], datetime(2026, 11, 23, tzinfo=UTC), "14:00", 2),
        (["Asia/Kathmandu"], datetime(2026, 11, 23, tzinfo=UTC), "03:15", 8),
        (["Europe/Berlin", "Pacific/Auckland"], datetime(2026, 11, 23, tzinfo=UTC), "", 0),
        (["Europe/Berlin"], datetime(2027, 3, 29, tzinfo=UTC), "07:00", 8),
        (["Europe/Berlin"], datetime(2026, 11, 22, tzinfo=UTC), "", 0),
    ],
    ids=["one", "an ocean", "45 minutes", "never", "summer", "a Sunday"],
)
def test_hours_are_held_on_everybody_s_own_clocks(
    zones: list[str], day: datetime, first: str, count: int
) -> None:
    found = _all(zones, day)
    assert len(found) == count and (not first or found[0] == first)


def test_a_weekend_is_fine_where_it_is_wanted() -> None:
    assert len(_all(["UTC"], datetime(2026, 11, 22, tzinfo=UTC), weekends=True)) == 8


async def test_too_long_a_time_and_no_account_are_said(ctx: ToolContext, house: OAuthHouse) -> None:
    with pytest.raises(Invalid, match="31 days"):
        await calendar_free_busy(ctx, LookFree(start="2026-12-01", end="2027-01-15"))
    stranger = of(house, tenant=house.olga.tenant)
    for asked in (
        calendar_free_busy(stranger, LookFree()),
        calendar_find_time(stranger, FindTime()),
    ):
        with pytest.raises(OperatorError, match="Connect it here"):
            await asked


def test_they_run_unasked_and_are_described() -> None:
    assert "time of the day" in refusal(FindTime, opens="soon")
    for tool in TOOLS:
        assert (tool.risk, tool.egress) == (Risk.READ, False)
        assert all(
            name in tool.description for name in tool.arguments.model_json_schema()["properties"]
        )
