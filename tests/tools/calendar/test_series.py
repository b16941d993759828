"""Events that repeat, in both calendars that play: made once, changed and cancelled one or all."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tests.fakes import graph_calendar, graph_series
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import GraphCalendar
from tests.tools.calendar.conftest import EVENINGS, find, full
from tests.tools.kit import lines, refusal
from tools.calendar import cancellation, change, invitation, response

(CREATE,), (CANCEL,) = invitation.TOOLS, cancellation.TOOLS
(UPDATE,), (RESPOND,) = change.TOOLS, response.TOOLS
WEEKLY = {
    "title": "Standup",
    "start": "2026-11-23 09:00",
    "guests": ["bob@example.org"],
    "repeat": {"every": "week", "times": 4},
}
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Diary:
    """One calendar and a call in it."""

    server: GoogleCalendar | GraphCalendar
    ctx: ToolContext
    made: str = "insert"
    changed: str = "patch"
    fault: Any = Fault

    def starts(self, series: str) -> list[str]:
        """When the events of a series are, on the clocks of Berlin."""
        if isinstance(self.server, GraphCalendar):
            found = [each.start for each in graph_series.of_series(self.server, series)]
        else:
            told = [each["start"] for each in self.server.of_series(series)]
            found = [datetime.fromisoformat(each["dateTime"]) for each in told]
        return [f"{each.astimezone(BERLIN):%m-%d %H:%M}" for each in found]

    def ids(self, series: str) -> list[str]:
        """Their ids."""
        if isinstance(self.server, GraphCalendar):
            return [each.id for each in graph_series.of_series(self.server, series)]
        return [each["id"] for each in self.server.of_series(series)]

    async def make(self, **more: Any) -> str:
        """A series, by the tool; returns its id."""
        given = {**WEEKLY, **more}
        outcome = await CREATE.perform(self.ctx, await full(self.ctx, CREATE, **given))
        return outcome.vendor_ref


@pytest.fixture(params=["google", "outlook"])
def diary(request: pytest.FixtureRequest) -> Diary:
    """Either calendar."""
    if request.param == "google":
        ctx = request.getfixturevalue("ctx")
        return Diary(request.getfixturevalue("google"), ctx)
    desk = request.getfixturevalue("desk")
    server = request.getfixturevalue("outlook")
    return Diary(server, desk, "create", "update", graph_calendar.Fault)


MONDAYS = ["11-23 09:00", "11-30 09:00", "12-07 09:00", "12-14 09:00"]


@pytest.mark.parametrize(
    ("start", "repeat", "words", "first"),
    [
        ("2026-11-23 09:00", {"every": "week", "times": 4}, "every week on Monday, 4 times", MONDAYS),
        (
            "2026-11-23 09:00",
            {"every": "week", "interval": 2, "days": ["thursday", "monday"], "until": "2026-12-10"},
            "every 2 weeks on Monday, Thursday, until Thursday 10 December 2026",
            ["11-23 09:00", "11-26 09:00", "12-07 09:00", "12-10 09:00"],
        ),
        ("2026-11-24 23:30", {"every": "day", "times": 2}, "every day, 2 times",
         ["11-24 23:30", "11-25 23:30"]),
        ("2026-11-27 09:00", {"every": "month", "nth": "last", "times": 3},
         "every month on the last Friday, 3 times", ["11-27 09:00", "12-25 09:00", "01-29 09:00"]),
        ("2026-12-08 09:00", {"every": "month", "nth": "second", "until": "2027-01-12"},
         "every month on the second Tuesday, until Tuesday 12 January 2027",
         ["12-08 09:00", "01-12 09:00"]),
        ("2026-11-28 09:00", {"every": "month", "times": 2}, "every month on day 28, 2 times",
         ["11-28 09:00", "12-28 09:00"]),
        ("2026-12-24 16:00", {"every": "year", "times": 2}, "every year on 24 December, 2 times",
         ["12-24 16:00", "12-24 16:00"]),
    ],
)  # fmt: skip
async def test_a_series_is_made_as_the_card_says_it(
    diary: Diary, start: str, repeat: dict[str, Any], words: str, first: list[str]
) -> None:
    args = await full(diary.ctx, CREATE, **{**WEEKLY, "start": start, "repeat": repeat})
    assert CREATE.preview
    assert lines(CREATE.preview(args))["Repeats"] == f"{words} (Europe/Berlin)"
    outcome = await CREATE.perform(diary.ctx, args)
    assert diary.starts(outcome.vendor_ref) == first
    assert len(diary.server.said(diary.made)) == 1
    assert [who for who, _ in diary.server.mails] == ["bob@example.org"]


async def test_a_series_without_an_end_keeps_its_clocks_over_the_change_of_them(
    diary: Diary,
) -> None:
    series = await diary.make(repeat={"every": "week"}, start="2026-11-23 00:30")
    starts = diary.starts(series)
    assert len(starts) > 30 and {each[6:] for each in starts} == {"00:30"}


async def test_whole_days_repeat_too(diary: Diary) -> None:
    repeat = {"every": "month", "until": "2027-02-01"}
    args = await full(diary.ctx, CREATE, title="Rent", start="2026-12-01", repeat=repeat)
    assert CREATE.preview
    shown = lines(CREATE.preview(args))["Repeats"]
    assert shown == "every month on day 1, until Monday 1 February 2027"
    series = (await CREATE.perform(diary.ctx, args)).vendor_ref
    assert len(diary.ids(series)) == 3


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
async def test_a_series_whose_answer_is_lost_is_made_once(
    diary: Diary, after: bool, made: int
) -> None:
    args = await full(diary.ctx, CREATE, **WEEKLY)
    diary.server.trouble.append(diary.fault(verb="POST", cut=True, after=after))
    with pytest.raises(VendorUnknown):
        await CREATE.perform(diary.ctx, args)
    assert len(diary.server.said(diary.made)) == made
    for _ in range(2):
        series = (await CREATE.perform(diary.ctx, args)).vendor_ref
    assert diary.starts(series) == MONDAYS and len(diary.server.said(diary.made)) == 1
    assert len(diary.server.mails) == 1, "nobody is invited twice"


async def test_one_is_cancelled_or_all_and_the_card_says_which(diary: Diary) -> None:
    series = await diary.make()
    second, third = diary.ids(series)[1:3]
    args = await full(diary.ctx, CANCEL, event=second)
    assert CANCEL.preview
    assert lines(CANCEL.preview(args))["Cancels"] == "this one of its series"
    await CANCEL.perform(diary.ctx, args)
    assert diary.starts(series) == [MONDAYS[0], *MONDAYS[2:]]
    whole = await full(diary.ctx, CANCEL, event=third, series=True)
    assert lines(CANCEL.preview(whole))["Cancels"] == "the whole series, past and future"
    await CANCEL.perform(diary.ctx, whole)
    assert diary.starts(series) == []


async def test_one_is_moved_and_the_others_stay(diary: Diary) -> None:
    series = await diary.make()
    args = await full(diary.ctx, UPDATE, event=diary.ids(series)[1], start="2026-12-01 11:00")
    assert UPDATE.preview
    assert lines(UPDATE.preview(args))["Changes"] == "this one of its series"
    assert UPDATE.preview(args).warnings == ()
    await UPDATE.perform(diary.ctx, args)
    assert sorted(diary.starts(series)) == [MONDAYS[0], "12-01 11:00", *MONDAYS[2:]]


async def test_a_whole_series_moves_as_the_one_that_was_named(diary: Diary) -> None:
    series = await diary.make()
    third = diary.ids(series)[2]
    args = await full(diary.ctx, UPDATE, event=third, series=True, start="2026-12-09 10:15")
    assert UPDATE.preview
    card = UPDATE.preview(args)
    shown = lines(card)
    assert shown["Changes"] == "the whole series, past and future"
    assert shown["Repeats"] == "every week on Wednesday, 4 times (Europe/Berlin)"
    assert shown["Will be"].startswith("Wednesday 25 November 2026, 10:15 to 10:45")
    assert "alone" in card.warnings[0]
    again = await full(diary.ctx, UPDATE, **args.model_dump(exclude_none=True))
    assert again == args, "asked anew, as after an edit, it does not move twice"
    await UPDATE.perform(diary.ctx, args)
    wednesdays = ["11-25 10:15", "12-02 10:15", "12-09 10:15", "12-16 10:15"]
    assert diary.starts(series) == wednesdays
    await UPDATE.perform(diary.ctx, args)
    assert len(diary.server.said(diary.changed)) == 1


async def test_a_series_moves_from_where_it_has_the_one_that_was_moved_alone(diary: Diary) -> None:
    series = await diary.make()
    one = diary.ids(series)[1]
    alone = await full(diary.ctx, UPDATE, event=one, start="2026-12-01 11:00")
    await UPDATE.perform(diary.ctx, alone)
    args = await full(diary.ctx, UPDATE, event=one, series=True, start="2026-12-01 10:00")
    await UPDATE.perform(replace_key(diary), args)
    tuesdays = ["11-24 10:00", "12-01 10:00", "12-08 10:00", "12-15 10:00"]
    assert diary.starts(series) == tuesdays


@pytest.mark.parametrize(("after", "did"), [(False, 0), (True, 1)])
async def test_a_series_that_was_moved_without_an_answer_is_looked_up(
    diary: Diary, after: bool, did: int
) -> None:
    series = await diary.make()
    given = {"event": diary.ids(series)[0], "series": True, "start": "2026-11-23 10:00"}
    args = await full(diary.ctx, UPDATE, **given)
    diary.server.trouble.append(diary.fault(verb="PATCH", cut=True, after=after))
    with pytest.raises(VendorUnknown):
        await UPDATE.perform(diary.ctx, args)
    looked = await find(diary.ctx, UPDATE, args)
    assert (looked is not None) is bool(did)
    await UPDATE.perform(diary.ctx, args)
    assert len(diary.server.said(diary.changed)) == 1
    assert [each[6:] for each in diary.starts(series)] == ["10:00"] * 4


async def test_a_series_ends_goes_on_otherwise_or_gets_other_words(diary: Diary) -> None:
    series = await diary.make(repeat={"every": "week", "days": ["monday", "friday"]})
    one = {"event": diary.ids(series)[0], "series": True}
    await UPDATE.perform(diary.ctx, await full(diary.ctx, UPDATE, **one, until="2026-12-04"))
    assert diary.starts(series) == ["11-23 09:00", "11-27 09:00", "11-30 09:00", "12-04 09:00"]
    one["event"] = diary.ids(series)[0]
    daily = {"every": "day", "interval": 3, "times": 2}
    args = await full(replace_key(diary), UPDATE, **one, repeat=daily)
    await UPDATE.perform(replace_key(diary), args)
    assert diary.starts(series) == ["11-23 09:00", "11-26 09:00"]
    title = await full(diary.ctx, UPDATE, event=series, series=True, title="Sit-down")
    assert UPDATE.preview and UPDATE.preview(title).warnings == ()


def replace_key(diary: Diary) -> ToolContext:
    """The call of another deed."""
    return replace(diary.ctx, key="eff_2")


async def test_a_single_event_becomes_a_series(diary: Diary) -> None:
    made = await diary.make(repeat=None)
    args = await full(diary.ctx, UPDATE, event=made, repeat={"every": "week", "times": 2})
    await UPDATE.perform(diary.ctx, args)
    assert diary.starts(made) == MONDAYS[:2]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"start": "2026-11-24 09:00", "repeat": {"every": "week", "days": ["monday"]}}, "Tuesday"),
        ({"start": "2026-11-30 09:00", "repeat": {"every": "month"}}, "Not every month"),
        ({"start": "2026-11-23 09:00", "repeat": {"every": "month", "nth": "last"}}, "not on the"),
        ({"start": "2028-02-29 09:00", "repeat": {"every": "year"}}, "29 February"),
        ({"repeat": {"every": "week", "until": "2026-11-22"}}, "over before"),
        ({"end": "2026-11-25 09:00", "repeat": {"every": "day"}}, "last into the next"),
        ({"start": "2027-10-31 02:30+02:00", "repeat": {"every": "day"}}, "clocks change"),
    ],
)
async def test_a_series_that_calendars_would_read_differently_is_not_asked_for(
    diary: Diary, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await full(diary.ctx, CREATE, **{**WEEKLY, **more})


@pytest.mark.parametrize(
    ("repeat", "start", "words"),
    [
        ({"every": "month"}, "2026-11-30", "Not every month"),
        ({"every": "week", "days": ["monday", "friday"]}, "2026-11-24", "Tuesday"),
        ({"every": "month", "nth": "fourth"}, "2026-11-30", "not on the"),
        ({"every": "week", "until": "2026-12-14"}, "2026-12-21", "over before"),
    ],
)
async def test_an_edit_of_the_start_is_held_to_the_rule_like_a_proposal(
    diary: Diary, repeat: dict[str, Any], start: str, words: str
) -> None:
    made = await full(diary.ctx, CREATE, **{**WEEKLY, "repeat": repeat})
    single = await diary.make(repeat=None)
    moved = await full(diary.ctx, UPDATE, event=single, repeat=repeat)
    for args in (made, moved):
        edited = {"start": f"{start} 09:00", "end": f"{start} 09:30"}
        with pytest.raises(ValidationError, match=words):
            type(args).model_validate(args.model_dump(exclude_none=True) | edited)


async def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(diary: Diary) -> None:
    series = await diary.make()
    one = diary.ids(series)[1]
    single = await CREATE.perform(
        replace_key(diary), await full(diary.ctx, CREATE, title="x", start="2026-11-24 09:00")
    )
    for given, words in (
        ({"event": series, "title": "x"}, "Say series: true"),
        ({"event": one, "until": "2026-12-04"}, "one event of a series"),
        ({"event": one, "series": True, "start": "2026-12-01"}, "whole days"),
        ({"event": one, "series": True, "until": "2026-11-01"}, "over before"),
        ({"event": single.vendor_ref, "until": "2026-12-04"}, "does not repeat"),
    ):
        with pytest.raises(Invalid, match=words):
            await full(diary.ctx, UPDATE, **given)


async def test_a_rule_that_cannot_be_said_here_is_not_rewritten(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    zone = {"timeZone": "Europe/Berlin"}
    for id_, rule in (
        ("odd01", ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1"]),
        ("odd02", ["RRULE:FREQ=WEEKLY", "EXDATE:20261130T130000Z"]),
        ("odd03", ["RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO"]),
        ("odd04", ["RRULE:FREQ=HOURLY"]),
        ("odd05", ["RRULE:FREQ=WEEKLY;COUNT=1000"]),
    ):
        event = google.put(id_, recurrence=rule)
        event["start"] |= zone
        with pytest.raises(Invalid, match="cannot be said here"):
            await full(ctx, UPDATE, event=id_, series=True, start="2026-11-24 09:00")
    args = await full(
        ctx, UPDATE, event="odd01", series=True, start="2026-11-24 09:00", repeat={"every": "week"}
    )
    await UPDATE.perform(ctx, args)
    assert google.events["primary", "odd01"]["recurrence"] == ["RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=TU"]


async def test_a_series_of_another_zone_keeps_its_clocks_when_it_only_ends(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.put(
        "weekly",
        **EVENINGS,
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"],
    )
    args = await full(ctx, UPDATE, event="weekly", series=True, until="2026-12-14")
    assert UPDATE.preview
    shown = lines(UPDATE.preview(args))
    until = "every week on Monday, until Monday 14 December 2026 (America/New_York)"
    assert shown["Repeats"] == until
    await UPDATE.perform(ctx, args)
    assert len(google.of_series("weekly")) == 4
    later = await full(
        replace(ctx, zone="America/New_York"),
        UPDATE,
        event="weekly",
        series=True,
        start="2026-11-23 20:30",
    )
    assert lines(UPDATE.preview(later))["Repeats"] == until, "the last day is one of its zone"
    assert google.events["primary", "weekly"]["start"]["timeZone"] == "America/New_York"


async def test_a_series_moved_on_the_clocks_of_another_zone_keeps_its_days(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    """Monday and Tuesday evening in New York are Tuesday and Wednesday morning in Berlin."""
    google.put(
        "weekly",
        **EVENINGS,
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20261209T045959Z"],
    )
    given = {"event": "weekly", "series": True, "start": "2026-11-24 03:00"}
    args = await full(ctx, UPDATE, **given)
    assert UPDATE.preview
    shown = lines(UPDATE.preview(args))["Repeats"]
    on = "every week on Tuesday, Wednesday, until Wednesday 9 December 2026 (Europe/Berlin)"
    assert shown == on
    google.events["primary", "weekly"]["recurrence"] = ["RRULE:FREQ=MONTHLY;BYDAY=4MO"]
    with pytest.raises(Invalid, match="Say repeat as well"):
        await full(ctx, UPDATE, **given)


async def test_an_invitation_to_a_series_is_answered_for_one_or_for_all(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    more = {"organizer": {"email": "bob@example.org"}}
    guests = [{"email": "ann@example.com", "self": True, "responseStatus": "needsAction"}]
    google.put("weekly", attendees=guests, recurrence=["RRULE:FREQ=WEEKLY"], **more)
    google.put("weekly_1", attendees=guests, recurringEventId="weekly", **more)
    one = await full(ctx, RESPOND, event="weekly_1", answer="yes")
    all_ = await full(ctx, RESPOND, event="weekly_1", answer="yes", series=True)
    assert RESPOND.preview
    assert lines(RESPOND.preview(one))["Answers"] == "this one of its series"
    assert lines(RESPOND.preview(all_))["Answers"] == "the whole series, past and future"
    await RESPOND.perform(ctx, all_)
    assert google.said("patch") == ["weekly"]
    with pytest.raises(Invalid, match="Say series: true"):
        await full(ctx, RESPOND, event="weekly", answer="yes")


def test_rules_that_say_two_things_are_explained() -> None:
    for repeat, words in (
        ({"every": "week", "until": "2026-12-01", "times": 2}, "not both"),
        ({"every": "week", "until": "friday"}, "write the last day"),
        ({"every": "month", "days": ["monday"]}, "days go with"),
        ({"every": "week", "nth": "last"}, "nth goes with"),
        ({"every": "week", "days": []}, "which days"),
        ({"every": "hour"}, "day"),
        ({"every": "week", "times": 1}, "greater"),
        ({"every": "week", "interval": 0}, "greater"),
        ({"every": "week", "rrule": "FREQ=DAILY"}, "xtra"),
    ):
        assert words in refusal(
            invitation.NewEvent, title="x", start="2026-12-01 10:00", repeat=repeat
        )
