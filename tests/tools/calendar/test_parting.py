"""One event of a series and all that follow it are changed in one deed, in both calendars that play."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Conflict, Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.graph_events import Event
from tests.fakes.series import of_lines
from tests.tools.calendar.conftest import EVENINGS, find, full
from tests.tools.calendar.test_series import BERLIN, CANCEL, MONDAYS, UPDATE, Diary, diary
from tests.tools.kit import lines
from tools.calendar._google_rule import written
from tools.calendar._moment import Span
from tools.calendar._repeat import Repeat
from tools.calendar.change import Change

__all__ = ["diary"]


def parting(diary: Diary) -> ToolContext:
    """The call of another deed than the one that made the series."""
    return replace(diary.ctx, key="eff_2")


def new_of(diary: Diary, series: str) -> str:
    """The series that a parting made."""
    (made,) = [each for each in diary.server.said(diary.made) if each != series]
    return made


def touch(diary: Diary, series: str, **more: Any) -> None:
    """Somebody changes a series: `more` of it, or a guest's answer."""
    if isinstance(diary.server, GraphCalendar):
        event: Any = diary.server.events[series]
        event.body |= more
    else:
        event = diary.server.events["primary", series]
        event |= more
    diary.server.touch(event)


async def asked(diary: Diary, series: str, n: int = 2, **more: Any) -> Change:
    """What is asked about from an event of a series on."""
    given = {"event": diary.ids(series)[n], "following": True, **more}
    args = await full(parting(diary), UPDATE, **given)
    assert isinstance(args, Change)
    return args


async def test_one_and_all_that_follow_are_moved_and_renamed_as_the_card_says(diary: Diary) -> None:
    series = await diary.make()
    args = await asked(diary, series, title="Sit-down", start="2026-12-08 10:00")
    assert UPDATE.preview
    card = UPDATE.preview(args)
    shown = lines(card)
    assert shown["Changes"] == "this one of its series and all that follow it (2 events)"
    stays = "2 events: every week on Monday, until Sunday 6 December 2026 (Europe/Berlin)"
    assert shown["Stays"] == stays and shown["Is now"].startswith("Monday 7 December 2026, 09:00")
    assert shown["Repeats"] == "every week on Tuesday, 2 times (Europe/Berlin)"
    assert shown["Will be"].startswith("Tuesday 8 December 2026, 10:00 to 10:30")
    assert "mail" in shown["Guests get"] and card.recipients == ("bob@example.org",)
    assert card.warnings == () and "Alone till now" not in shown
    again = await full(parting(diary), UPDATE, **args.model_dump(exclude_none=True))
    assert again == args, "asked anew, as after an edit, it means the same"
    assert diary.starts(series) == MONDAYS
    for _ in range(2):
        outcome = await UPDATE.perform(parting(diary), args)
        assert outcome.state is EffectState.SENT
    new = new_of(diary, series)
    assert outcome.vendor_ref == new and new in str(outcome.data)
    assert diary.starts(series) == MONDAYS[:2]
    assert diary.starts(new) == ["12-08 10:00", "12-15 10:00"]
    assert len(diary.server.said(diary.made)) == 2 and diary.server.said(diary.changed) == [series]


async def test_guests_of_google_get_one_mail_and_the_others_know_that_the_old_one_ends(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    diary = Diary(google, ctx)
    series = await diary.make(guests=["bob@example.org", "eve@elsewhere.example"])
    google.outsiders = {"eve@elsewhere.example"}
    google.mails.clear()
    args = await asked(diary, series, title="Sit-down", add_guests=["new@example.org"])
    await UPDATE.perform(parting(diary), args)
    new = new_of(diary, series)
    invited = ["bob@example.org", "eve@elsewhere.example", "new@example.org"]
    assert google.mails == [*((who, new) for who in invited), ("eve@elsewhere.example", series)]


async def test_guests_of_outlook_get_both_mails_once_and_the_card_says_so(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    diary = Diary(outlook, desk, "create", "update")
    series = await diary.make()
    outlook.mails.clear()
    args = await asked(diary, series, title="Sit-down")
    assert UPDATE.preview and "two mails each" in lines(UPDATE.preview(args))["Guests get"]
    for _ in range(2):
        await UPDATE.perform(parting(diary), args)
    bob = "bob@example.org"
    assert outlook.mails == [(bob, new_of(diary, series)), (bob, series)]


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "more",
    [{"status": 503}, {"cut": True}, {"cut": True, "after": True}, {"half": True, "after": True}],
    ids=["503", "cut", "cut after", "half"],
)
async def test_whatever_breaks_off_between_no_event_is_lost_and_each_half_is_done_once(
    diary: Diary, verb: str, more: dict[str, Any]
) -> None:
    series = await diary.make()
    args = await asked(diary, series, start="2026-12-07 10:00")
    diary.server.mails.clear()
    diary.server.trouble.append(diary.fault(verb=verb, **more))
    with pytest.raises(VendorUnknown):
        await UPDATE.perform(parting(diary), args)
    made = [each for each in diary.server.said(diary.made) if each != series]
    later = [each for id_ in (series, *made) for each in diary.starts(id_) if each > "12-07"]
    assert {each[:5] for each in later} == {"12-07", "12-14"}, "nothing is missing meanwhile"
    is_done = verb == "PATCH" and bool(more.get("after"))
    assert (await find(parting(diary), UPDATE, args) is not None) is is_done
    assert (await UPDATE.perform(parting(diary), args)).state is EffectState.SENT
    assert diary.starts(series) == MONDAYS[:2]
    assert diary.starts(new_of(diary, series)) == ["12-07 10:00", "12-14 10:00"]
    assert diary.server.said(diary.changed) == [series]
    assert len([who for who, id_ in diary.server.mails if id_ != series]) == 1
    assert await find(parting(diary), UPDATE, args)


async def test_what_somebody_changed_since_the_card_is_not_parted(diary: Diary) -> None:
    series = await diary.make()
    args = await asked(diary, series, title="Sit-down")
    touch(diary, series)
    with pytest.raises(Conflict, match="Somebody has changed"):
        await UPDATE.perform(parting(diary), args)
    assert await find(parting(diary), UPDATE, args) is None, "surely nothing was done"
    assert diary.server.said(diary.made) == [series] and diary.starts(series) == MONDAYS


async def test_a_guest_who_answers_between_the_halves_stops_nothing(diary: Diary) -> None:
    series = await diary.make()
    args = await asked(diary, series, title="Sit-down")
    diary.server.trouble.append(diary.fault(verb="PATCH", cut=True))
    with pytest.raises(VendorUnknown):
        await UPDATE.perform(parting(diary), args)
    touch(diary, series)
    assert await find(parting(diary), UPDATE, args) is None
    await UPDATE.perform(parting(diary), args)
    assert diary.starts(series) == MONDAYS[:2] and len(diary.server.said(diary.made)) == 2


async def test_who_changes_the_rule_between_the_halves_is_not_overruled(diary: Diary) -> None:
    series = await diary.make()
    args = await asked(diary, series, title="Sit-down")
    diary.server.trouble.append(diary.fault(verb="PATCH", cut=True))
    with pytest.raises(VendorUnknown):
        await UPDATE.perform(parting(diary), args)
    daily = await full(
        diary.ctx, UPDATE, event=series, series=True, repeat={"every": "day", "times": 9}
    )
    await UPDATE.perform(replace(diary.ctx, key="eff_3"), daily)
    for again in (UPDATE.perform(parting(diary), args), find(parting(diary), UPDATE, args)):
        with pytest.raises(VendorUnknown, match="stands there twice.*Look at both"):
            await again
    assert len(diary.starts(series)) == 9, "what somebody else decided stays"


async def test_a_new_series_that_somebody_took_off_is_not_made_again(diary: Diary) -> None:
    series = await diary.make()
    args = await asked(diary, series, title="Sit-down")
    await UPDATE.perform(parting(diary), args)
    whole = await full(diary.ctx, CANCEL, event=new_of(diary, series), series=True)
    await CANCEL.perform(replace(diary.ctx, key="eff_3"), whole)
    outcome = await UPDATE.perform(parting(diary), args)
    assert "taken off since" in str(outcome.data) and len(diary.server.said(diary.made)) == 2


async def test_what_was_changed_alone_is_named_and_becomes_as_the_others(diary: Diary) -> None:
    series = await diary.make(repeat={"every": "week", "times": 6})
    ids = diary.ids(series)
    moved = await full(diary.ctx, UPDATE, event=ids[3], start="2026-12-15 11:00")
    await UPDATE.perform(diary.ctx, moved)
    await CANCEL.perform(diary.ctx, await full(diary.ctx, CANCEL, event=ids[4]))
    early = await full(diary.ctx, UPDATE, event=ids[0], title="Kick-off")
    await UPDATE.perform(diary.ctx, early)
    args = await asked(diary, series, location="Room 2")
    assert UPDATE.preview
    card = UPDATE.preview(args)
    shown = lines(card)
    assert shown["Changes"].endswith("(3 events)") and shown["Stays"].startswith("2 events")
    assert shown["Alone till now"] == (
        "Monday 14 December 2026 (is Tuesday 15 December 2026, 11:00 to 11:30 (Europe/Berlin, "
        "UTC+01:00)); Monday 21 December 2026 (cancelled)"
    )
    assert shown["Alone before it"] == "Monday 23 November 2026 (has its own title)"
    assert "the cancelled ones take place again" in card.warnings[0] and len(card.warnings) == 2
    await UPDATE.perform(parting(diary), args)
    mondays = ["12-07 09:00", "12-14 09:00", "12-21 09:00", "12-28 09:00"]
    assert diary.starts(new_of(diary, series)) == mondays
    ending = await full(diary.ctx, CANCEL, event=diary.ids(series)[1], following=True)
    assert CANCEL.preview
    assert lines(CANCEL.preview(ending))["Cancels"].endswith("(1 event)")


async def test_a_series_without_an_end_goes_on_without_one(diary: Diary) -> None:
    series = await diary.make(
        repeat={"every": "week", "interval": 2, "days": ["monday", "thursday"]}
    )
    args = await asked(diary, series, start="2026-12-07 10:00")
    assert UPDATE.preview
    shown = lines(UPDATE.preview(args))
    assert shown["Changes"].endswith("(without an end)")
    assert shown["Repeats"].startswith("every 2 weeks on Monday, Thursday, without an end")
    await UPDATE.perform(parting(diary), args)
    assert diary.starts(series) == ["11-23 09:00", "11-26 09:00"]
    assert diary.starts(new_of(diary, series))[:3] == ["12-07 10:00", "12-10 10:00", "12-21 10:00"]


async def test_from_there_on_it_may_end_or_repeat_otherwise(diary: Diary) -> None:
    series = await diary.make()
    one = await asked(diary, series, until="2026-12-18")
    assert UPDATE.preview
    shown = lines(UPDATE.preview(one))["Repeats"]
    assert shown == "every week on Monday, until Friday 18 December 2026 (Europe/Berlin)"
    args = await asked(diary, series, repeat={"every": "day", "times": 3})
    await UPDATE.perform(parting(diary), args)
    assert diary.starts(new_of(diary, series)) == ["12-07 09:00", "12-08 09:00", "12-09 09:00"]


@pytest.mark.parametrize(
    ("n", "more", "words"),
    [
        (0, {"title": "x"}, "the first of its series"),
        (3, {"title": "x"}, "the last of its series"),
        (2, {"start": "2026-12-07"}, "whole days"),
        (2, {"start": "2026-11-01 09:00"}, "time is over"),
        (2, {"until": "2026-12-01"}, "over before"),
    ],
)
async def test_what_parts_nothing_is_refused_before_anybody_is_asked(
    diary: Diary, n: int, more: dict[str, Any], words: str
) -> None:
    series = await diary.make()
    with pytest.raises(Invalid, match=words):
        await asked(diary, series, n, **more)


async def test_what_a_model_says_of_the_rest_parts_nothing(diary: Diary) -> None:
    series = await diary.make()
    rest = {"start": "2026-11-24 10:00", "end": "2026-11-24 11:00", "zone": "UTC"}
    rest |= {"repeat": {"every": "day"}}
    more = {"rest": rest, "first": "other", "stays": "all", "alone": ["x"], "new_link": True}
    args = await full(diary.ctx, UPDATE, event=series, series=True, title="Sit-down", **more)
    assert UPDATE.preview and "Stays" not in lines(UPDATE.preview(args))
    await UPDATE.perform(parting(diary), args)
    assert diary.server.said(diary.made) == [series] and diary.starts(series) == MONDAYS


async def test_google_s_new_series_takes_along_what_the_old_one_had(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    guests = [
        {"email": "ann@example.com", "self": True, "responseStatus": "accepted"},
        {"email": "bob@example.org", "optional": True, "responseStatus": "declined"},
    ]
    kept = {
        "description": "Bring the <b>books</b>",
        "location": "Room 1",
        "visibility": "private",
        "transparency": "transparent",
        "colorId": "7",
        "guestsCanInviteOthers": False,
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
    }
    third = google.series(
        "weekly",
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"],
        attendees=guests,
        hangoutLink="https://meet.google.com/old-link-xyz",
        attachments=[{"fileUrl": "https://drive.google.com/x"}],
        **kept,
    )[2]
    diary = Diary(google, ctx)
    args = await full(ctx, UPDATE, event=third["id"], following=True, title="Sit-down")
    assert UPDATE.preview
    card = UPDATE.preview(args)
    assert lines(card)["Google Meet"] == "another link than till now"
    assert "files stay" in card.warnings[0]
    await UPDATE.perform(parting(diary), args)
    new = google.events["primary", google.said("insert")[0]]
    assert {name: new[name] for name in kept} == kept and new["summary"] == "Sit-down"
    assert new["attendees"] == [guests[0], {"email": "bob@example.org", "optional": True}]
    assert new["hangoutLink"] != "https://meet.google.com/old-link-xyz"
    assert new["start"]["dateTime"] == "2026-12-07T14:00:00+01:00"


async def test_outlook_s_new_series_takes_along_what_the_old_one_had(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    diary = Diary(outlook, desk, "create", "update")
    series = await diary.make(meet=True, location="Room 1", description="Bring the books")
    old: Event = outlook.events[series]
    kept = {"sensitivity": "private", "showAs": "tentative", "categories": ["Team"]}
    kept |= {"importance": "high", "reminderMinutesBeforeStart": 5}
    old.body |= kept
    outlook.touch(old)
    args = await asked(diary, series, start="2026-12-07 10:00")
    assert UPDATE.preview
    assert lines(UPDATE.preview(args))["Microsoft Teams"] == "another link than till now"
    await UPDATE.perform(parting(diary), args)
    new = outlook.events[new_of(diary, series)].body
    assert {name: new[name] for name in kept} == kept
    assert new["location"]["displayName"] == "Room 1" and new["subject"] == "Standup"
    assert new["body"]["content"].count("________") == 1, "the words of one Teams link"
    assert new["body"]["content"].startswith("Bring the books")
    assert new["onlineMeeting"]["joinUrl"] != old.body["onlineMeeting"]["joinUrl"]


@pytest.mark.parametrize(
    "more",
    [{"attendeesOmitted": True}, {"conferenceData": {"conferenceId": "zoom"}}],
    ids=["hidden guests", "another service"],
)
async def test_a_series_of_which_no_like_can_be_made_is_not_parted(
    google: GoogleCalendar, ctx: ToolContext, more: dict[str, Any]
) -> None:
    third = google.series("weekly", recurrence=["RRULE:FREQ=WEEKLY"], **more)[2]
    with pytest.raises(Invalid, match="Change it"):
        await full(ctx, UPDATE, event=third["id"], following=True, title="x")


async def test_a_series_of_another_zone_is_parted_on_its_own_days(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    """Monday evening in New York is Tuesday morning in Berlin."""
    third = google.series(
        "weekly",
        **EVENINGS,
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=4"],
    )[2]
    diary = Diary(google, ctx)
    renamed = await full(ctx, UPDATE, event=third["id"], following=True, title="x")
    assert UPDATE.preview
    assert lines(UPDATE.preview(renamed))["Repeats"].startswith("every week on Monday, 2 times (Am")
    given = {"event": third["id"], "following": True, "start": "2026-12-08 03:00"}
    args = await full(ctx, UPDATE, **given)
    assert lines(UPDATE.preview(args))["Repeats"].startswith("every week on Tuesday, 2 times (Eur")
    await UPDATE.perform(parting(diary), args)
    (new,) = google.said("insert")
    assert diary.starts(new) == ["12-08 03:00", "12-15 03:00"]
    assert diary.starts("weekly") == ["11-24 02:00", "12-01 02:00"]


async def test_far_away_events_are_counted_by_the_rule_and_that_is_said(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    """Daily since 2020; single events are looked at two years before and behind."""
    zone = {"timeZone": "Europe/Berlin"}
    google.put(
        "daily",
        start={"dateTime": "2020-01-01T09:00:00+01:00", **zone},
        end={"dateTime": "2020-01-01T09:30:00+01:00", **zone},
        recurrence=["RRULE:FREQ=DAILY"],
    )
    for day in (7, 9):
        slot = {"dateTime": f"2026-12-{day:02}T09:00:00+01:00", **zone}
        ends = {"dateTime": f"2026-12-{day:02}T09:30:00+01:00", **zone}
        more = {"start": slot, "end": ends, "originalStartTime": slot}
        google.put(f"on{day}", recurringEventId="daily", **more)
    args = await full(ctx, UPDATE, event="on7", following=True, title="x")
    assert isinstance(args, Change) and args.stays == "about 1802 events"
    assert args.follows == "without an end" and args.before_alone
    assert args.before_alone[-1] == "none before 7 December 2024 was looked at"
    not_seen = "none after 9 December 2026 was looked at"
    assert args.alone == ["Tuesday 8 December 2026 (cancelled)", not_seen]
    daily = google.events["primary", "daily"]
    daily["recurrence"] = ["RRULE:FREQ=DAILY;UNTIL=20301231T080000Z"]
    args = await full(ctx, UPDATE, event="on7", following=True, title="x")
    assert isinstance(args, Change) and args.follows == "about 1485 events"


@pytest.mark.parametrize(
    ("start", "given"),
    [
        ("2026-11-23", {"every": "day", "interval": 3}),
        ("2026-11-26", {"every": "week", "interval": 2, "days": ["monday", "thursday"]}),
        ("2026-11-27", {"every": "month", "nth": "last"}),
        ("2026-12-08", {"every": "month", "interval": 2, "nth": "second"}),
        ("2026-11-28", {"every": "month", "interval": 5}),
        ("2026-12-24", {"every": "year"}),
        ("2026-11-23", {"every": "week", "until": "2026-12-20"}),
        ("2026-11-23", {"every": "week", "times": 3}),
    ],
)
def test_days_are_counted_as_calendars_count_them(start: str, given: dict[str, Any]) -> None:
    rule, span = Repeat.model_validate(given), Span(start=start, end=start, zone="Europe/Berlin")
    first = datetime.fromisoformat(start).replace(tzinfo=BERLIN)
    theirs = [each.date() for each in of_lines(written(rule, span), first, whole_day=True)]
    ours = rule.falls(first.date())
    assert [next(ours) for _ in theirs] == theirs
    assert next(ours, None) is None or not (rule.until or rule.times)
