"""One event of a series and all that follow, cancelled in both calendars; and zones as Windows says them."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tzlocal.windows_tz import win_tz

from bot.core.effect import EffectState
from bot.core.errors import Conflict, Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tests.fakes import graph_calendar
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import GraphCalendar
from tests.tools.calendar.conftest import EVENINGS, find, full
from tests.tools.calendar.test_series import CANCEL, MONDAYS, UPDATE, Diary, replace_key
from tests.tools.kit import lines, refusal
from tools.calendar._windows_zones import known_zone
from tools.calendar.cancellation import Cancel


@pytest.fixture(params=["google", "outlook"])
def diary(request: pytest.FixtureRequest) -> Diary:
    """Either calendar."""
    if request.param == "google":
        ctx = request.getfixturevalue("ctx")
        return Diary(request.getfixturevalue("google"), ctx, fault=Fault)
    desk, server = request.getfixturevalue("desk"), request.getfixturevalue("outlook")
    return Diary(server, desk, "create", "update", graph_calendar.Fault)


async def test_one_and_all_that_follow_are_cancelled_as_the_card_says(diary: Diary) -> None:
    series = await diary.make()
    third = diary.ids(series)[2]
    args = await full(diary.ctx, CANCEL, event=third, following=True)
    assert CANCEL.preview
    card = CANCEL.preview(args)
    shown = lines(card)
    assert shown["Cancels"] == "this one of its series and all that follow it (2 events)"
    assert shown["Is now"].startswith("Monday 7 December 2026, 09:00")
    until = "2 events: every week on Monday, until Sunday 6 December 2026 (Europe/Berlin)"
    assert shown["Stays"] == until and card.warnings == ()
    assert card.recipients == ("bob@example.org",) and diary.starts(series) == MONDAYS
    again = await full(diary.ctx, CANCEL, **args.model_dump(exclude_none=True))
    assert again == args, "asked anew, as after an edit, it means the same"
    ctx = replace_key(diary)
    for _ in range(2):
        assert (await CANCEL.perform(ctx, args)).state is EffectState.SENT
    assert diary.starts(series) == MONDAYS[:2]
    assert len(diary.server.said(diary.changed)) == 1 and diary.server.said("delete") == []


@pytest.mark.parametrize(
    ("more", "is_done"),
    [
        ({"status": 503}, False),
        ({"cut": True}, False),
        ({"cut": True, "after": True}, True),
        ({"half": True, "after": True}, True),
    ],
)
async def test_an_ending_whose_answer_is_lost_is_looked_up_and_done_once(
    diary: Diary, more: Any, is_done: bool
) -> None:
    series = await diary.make()
    args = await full(diary.ctx, CANCEL, event=diary.ids(series)[1], following=True)
    ctx = replace_key(diary)
    diary.server.trouble.append(diary.fault(verb="PATCH", **more))
    with pytest.raises(VendorUnknown):
        await CANCEL.perform(ctx, args)
    looked = await find(ctx, CANCEL, args)
    assert (looked is not None) is is_done
    await CANCEL.perform(ctx, args)
    assert diary.starts(series) == MONDAYS[:1] and len(diary.server.said(diary.changed)) == 1


async def test_what_somebody_changed_since_is_not_ended(diary: Diary) -> None:
    series = await diary.make()
    args = await full(diary.ctx, CANCEL, event=diary.ids(series)[1], following=True)
    title = await full(diary.ctx, UPDATE, event=series, series=True, title="Sit-down")
    await UPDATE.perform(replace(diary.ctx, key="eff_3"), title)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await CANCEL.perform(replace_key(diary), args)
    with pytest.raises(VendorUnknown, match="somebody meanwhile"):
        await find(diary.ctx, CANCEL, args)
    assert len(diary.ids(series)) == 4


async def test_what_does_not_follow_anything_is_refused_before_anybody_is_asked(
    diary: Diary,
) -> None:
    series = await diary.make()
    single = await diary_event(diary)
    for event, words in (
        (diary.ids(series)[0], "the first of its series"),
        (series, "Name one event of a series"),
        (single, "Name one event of a series"),
    ):
        with pytest.raises(Invalid, match=words):
            await full(diary.ctx, CANCEL, event=event, following=True)
    assert "not both" in refusal(Cancel, event="x", series=True, following=True)


async def test_what_a_model_says_of_the_rest_is_not_done_in_place_of_cancelling(
    diary: Diary,
) -> None:
    rest = {
        "start": "2026-11-24 10:00",
        "end": "2026-11-24 11:00",
        "zone": "Europe/Berlin",
        "repeat": {"every": "day"},
    }
    series, single = await diary.make(), await diary_event(diary)
    for given in ({"event": single}, {"event": series, "series": True}):
        args = await full(diary.ctx, CANCEL, **given, rest=rest, first="other")
        assert CANCEL.preview and "Stays" not in lines(CANCEL.preview(args))
        await CANCEL.perform(replace_key(diary), args)
        assert diary.server.said(diary.changed) == []
    assert diary.starts(series) == []


async def diary_event(diary: Diary) -> str:
    """A single event."""
    made = replace(diary, ctx=replace(diary.ctx, key="eff_9"))
    return await made.make(repeat=None)


async def test_a_series_of_another_zone_ends_on_the_days_of_its_own(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    """Monday evening in New York is Tuesday morning in Berlin: the last that stays is a Monday."""
    zone = "America/New_York"
    third = google.series(
        "weekly",
        **EVENINGS,
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=4"],
    )[2]
    args = await full(ctx, CANCEL, event=third["id"], following=True)
    assert CANCEL.preview
    stays = lines(CANCEL.preview(args))["Stays"]
    assert (
        stays == "2 events: every week on Monday, until Sunday 6 December 2026 (America/New_York)"
    )
    await CANCEL.perform(ctx, args)
    assert google.events["primary", "weekly"]["start"]["timeZone"] == zone
    starts = [each["start"]["dateTime"][:16] for each in google.of_series("weekly")]
    assert starts == ["2026-11-23T20:00", "2026-11-30T20:00"]


def pacific(outlook: GraphCalendar, zone: str) -> str:
    """Mondays at eight in the evening in Los Angeles: in Berlin that is Tuesday, at five."""
    outlook.series("weekly", [f"2026-{day}T04:00" for day in ("11-24", "12-01", "12-08")])
    for id_, event in outlook.events.items():
        event.body["originalStartTimeZone"] = event.body["originalEndTimeZone"] = zone
        event.body["originalStart"] = f"{event.start:%Y-%m-%dT%H:%M:%SZ}"
        if id_ == "weekly":
            event.body["recurrence"]["range"]["startDate"] = "2026-11-23"
    return "weekly.2"


async def test_a_series_in_a_zone_of_windows_keeps_its_days(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    third = pacific(outlook, "Pacific Standard Time")
    ends = await full(desk, UPDATE, event=third, series=True, until="2026-12-14")
    assert UPDATE.preview and CANCEL.preview
    told = lines(UPDATE.preview(ends))["Repeats"]
    assert told == "every week on Monday, until Monday 14 December 2026 (America/Los_Angeles)"
    moved = await full(desk, UPDATE, event=third, series=True, start="2026-12-08 06:00")
    assert lines(UPDATE.preview(moved))["Repeats"].startswith("every week on Tuesday")
    args = await full(desk, CANCEL, event=third, following=True)
    stays = lines(CANCEL.preview(args))["Stays"]
    assert stays.endswith("until Sunday 6 December 2026 (America/Los_Angeles)")
    assert stays.startswith("2 events: every week on Monday")
    await CANCEL.perform(desk, args)
    rule = outlook.events["weekly"].body["recurrence"]
    assert rule["range"] == {"type": "endDate", "startDate": "2026-11-23", "endDate": "2026-12-06"}
    assert rule["pattern"]["daysOfWeek"] == ["monday"]


async def test_a_series_in_a_zone_that_nobody_knows_is_not_shifted_but_refused(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    third = pacific(outlook, "Customized Time Zone 7")
    for tool, given in (
        (UPDATE, {"series": True, "until": "2026-12-14"}),
        (UPDATE, {"series": True, "start": "2026-12-08 06:00"}),
        (CANCEL, {"following": True}),
    ):
        with pytest.raises(Invalid, match="Customized Time Zone 7.*could shift"):
            await full(desk, tool, event=third, **given)
    assert await full(desk, UPDATE, event=third, series=True, title="Later")
    assert await full(desk, UPDATE, event=third, start="2026-12-08 06:00")


def test_every_zone_of_windows_is_known_by_the_clocks_that_it_shows() -> None:
    """Against tzlocal's table, which is made of Unicode's; names of one zone may differ."""
    days = [datetime(2026, month, 15) for month in range(1, 13)]
    for name, theirs in win_tz.items():
        ours = ZoneInfo(known_zone(name))
        for day in days:
            wanted = day.replace(tzinfo=ZoneInfo(theirs)).utcoffset()
            assert day.replace(tzinfo=ours).utcoffset() == wanted, name
    assert known_zone("Central Standard Time (Mexico)") == "America/Mexico_City"
    assert known_zone("Europe/Berlin") == "Europe/Berlin"
    for name in ("", "Pacific", "My Standard Time", "../etc", "Customized Time Zone"):
        assert known_zone(name) == ""


@pytest.mark.parametrize(
    ("until", "follows"),
    [
        ("99991231T235959Z", "without an end"),
        ("99991231T000000Z", "without an end"),
        ("29991231T080000Z", "for more than fifty years"),
        ("20310101T045959Z", "about 1498 events"),
    ],
)
async def test_a_series_that_outlives_everybody_is_parted_and_holds_nobody_up(
    google: GoogleCalendar, ctx: ToolContext, until: str, follows: str
) -> None:
    rule = f"RRULE:FREQ=DAILY;UNTIL={until}"
    there = google.series("daily", **EVENINGS, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    google.events["primary", "daily"]["recurrence"] = [rule]
    began = time.process_time()
    args = await full(ctx, CANCEL, event=there[2]["id"], following=True)
    assert time.process_time() - began < 0.5
    assert isinstance(args, Cancel) and args.follows == follows


async def test_a_series_that_others_ended_a_second_before_its_next_event_gets_none_more(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    """Calendars of other makers part a series so: UNTIL lies on the day of an event that is none."""
    rule = "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261215T005959Z"
    there = google.series("weekly", **EVENINGS, recurrence=[rule])
    diary = Diary(google, ctx)
    assert diary.starts("weekly") == ["11-24 02:00", "12-01 02:00", "12-08 02:00"]
    args = await full(ctx, UPDATE, event=there[1]["id"], following=True, title="x")
    assert args.follows == "2 events"  # type: ignore[attr-defined]
    await UPDATE.perform(replace(ctx, key="eff_2"), args)
    (new,) = google.said("insert")
    assert diary.starts(new) == ["12-01 02:00", "12-08 02:00"]
