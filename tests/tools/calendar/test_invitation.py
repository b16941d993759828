"""Making events, on the calendar that plays: once, whatever goes wrong."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import (
    BotError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_calendar import GoogleCalendar
from tests.fakes.google_server import Fault
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import full, hasty, of
from tests.tools.kit import lines, refusal
from tools.calendar._google import event_id
from tools.calendar.invitation import TOOLS, NewEvent, calendar_create, preview

(TOOL,) = TOOLS
MEETING = {
    "title": "Budget",
    "start": "2026-11-23 14:00",
    "end": "2026-11-23T15:00",
    "guests": ["bob@example.org", "eve@example.org", "bob@example.org"],
    "meet": True,
    "location": "Room 3",
    "description": "Numbers & plans",
}


async def test_an_event_is_made_as_the_card_shows_it(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    assert isinstance(args, NewEvent)
    card = preview(args)
    shown = lines(card)
    assert shown["When"] == "Monday 23 November 2026, 14:00 to 15:00 (Europe/Berlin, UTC+01:00)"
    assert shown["Google account"] == "ann@example.com (primary)" and shown["Where"] == "Room 3"
    assert shown["Guests"] == "bob@example.org, eve@example.org"
    assert shown["Google Meet"] == "with a link" and "There" not in shown
    assert card.recipients == ("bob@example.org", "eve@example.org")
    outcome = await calendar_create(ctx, args)
    ((_, id_),) = google.events
    event = google.events["primary", id_]
    assert outcome.state is EffectState.SENT and outcome.vendor_ref == id_ == event_id(
        f"{ctx.tenant}:{ctx.key}"
    )
    assert "https://meet.google.com/" in str(outcome.data) and outcome.url == event["htmlLink"]
    assert event["start"]["dateTime"] == "2026-11-23T14:00:00+01:00"
    assert event["end"] == {"dateTime": "2026-11-23T15:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["summary"] == "Budget" and event["description"] == "Numbers & plans"
    assert [mail for mail, _ in google.mails] == ["bob@example.org", "eve@example.org"]


async def test_twice_the_same_deed_is_one_event_and_another_deed_another(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    first = await calendar_create(ctx, args)
    assert await calendar_create(ctx, args) == first
    assert len(google.said("insert")) == 1 and len(google.mails) == 2
    google.blind_to_ids = True  # as over there a moment after: not found, and taken
    with pytest.raises(VendorUnknown, match="does not show it yet"):
        await calendar_create(ctx, args)
    assert len(google.said("insert")) == 1
    google.blind_to_ids = False
    await calendar_create(replace(ctx, key="eff_2"), args)
    assert len(google.said("insert")) == 2


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Fault(verb="POST", status=503), 0),
        (Fault(verb="POST", status=500, after=True), 1),
        (Fault(verb="POST", cut=True), 0),
        (Fault(verb="POST", cut=True, after=True), 1),
        (Fault(verb="POST", half=True, after=True), 1),
        (Fault(verb="POST", status=307, headers={"Location": "https://evil.example/x"}), 0),
    ],
    ids=["503 before", "500 after", "cut before", "cut after", "half an answer", "redirect"],
)
async def test_an_event_whose_answer_is_lost_is_made_once(
    google: GoogleCalendar, ctx: ToolContext, fault: Fault, made: int
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    google.trouble.append(fault)
    with pytest.raises(VendorUnknown):
        await calendar_create(ctx, args)
    assert len(google.said("insert")) == made
    again = await calendar_create(ctx, args)
    assert again.state is EffectState.SENT and len(google.said("insert")) == 1
    assert len(google.mails) == 2, "nobody is invited twice"


async def test_an_answer_that_comes_too_late_is_no_second_event(
    google: GoogleCalendar, ctx: ToolContext, house: OAuthHouse
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    google.trouble.append(Fault(verb="POST", slow_s=1.0, after=True))
    with pytest.raises(VendorUnknown):
        await calendar_create(hasty(house), args)
    await calendar_create(ctx, args)
    assert len(google.said("insert")) == 1


async def test_what_was_made_and_cancelled_since_is_not_made_again(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    google.trouble.append(Fault(verb="POST", cut=True, after=True))
    with pytest.raises(VendorUnknown):
        await calendar_create(ctx, args)
    google.events["primary", event_id(f"{ctx.tenant}:{ctx.key}")]["status"] = "cancelled"
    assert "cancelled since" in str((await calendar_create(ctx, args)).data)
    assert len(google.said("insert")) == 1


async def test_a_meet_link_that_comes_a_moment_later_is_told(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.meet_late = True
    outcome = await calendar_create(ctx, await full(ctx, TOOL, **MEETING))
    assert "https://meet.google.com/" in str(outcome.data)


async def test_a_token_that_is_refused_is_renewed_once(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    google.expire()
    google.calls.clear()
    await calendar_create(ctx, args)
    assert google.calls["/token"] == 1 and len(google.said("insert")) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words", "again"),
    [
        (Fault(status=403, reason="rateLimitExceeded"), VendorRefused, "pause", 30.0),
        (Fault(status=403, reason="quotaExceeded"), VendorRefused, "pause", 30.0),
        (Fault(status=429, headers={"Retry-After": "7"}), VendorRefused, "pause", 7.0),
        (Fault(status=429, headers={"Retry-After": "soon"}), VendorRefused, "pause", 30.0),
        (Fault(status=403, reason="insufficientPermissions"), OperatorError, "ticks", None),
        (Fault(status=403, reason="accessNotConfigured"), OperatorError, "Enable it", None),
        (Fault(status=403, reason="forbiddenForNonOrganizer"), Forbidden, "may not", None),
        (Fault(status=404), NotFound, "no such event", None),
        (Fault(status=400, reason="invalid"), VendorRefused, "refused it .invalid", None),
        (Fault(status=401, times=2), OperatorError, "connects the account again", None),
    ],
    ids=lambda value: f"{value.status} {value.reason}" if isinstance(value, Fault) else "",
)
async def test_each_refusal_says_what_to_do_and_nothing_is_made(
    google: GoogleCalendar,
    ctx: ToolContext,
    fault: Fault,
    kind: type[BotError],
    words: str,
    again: float | None,
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    google.trouble.append(replace(fault, verb="POST"))
    with pytest.raises(kind, match=words) as error:
        await calendar_create(ctx, args)
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message and google.said("insert") == []


async def test_without_an_account_it_says_where_to_connect_one(house: OAuthHouse) -> None:
    for given in (of(house), of(house, agent="kelly")):
        with pytest.raises(
            OperatorError, match=r"https://house.example/admin/connections\S*#google"
        ):
            await full(given, TOOL, **MEETING)
    with pytest.raises(OperatorError, match="connects no calendars"):
        await full(of(house, settings=None), TOOL, **MEETING)


async def test_what_was_not_granted_is_named_with_the_link(
    google: GoogleCalendar, house: OAuthHouse
) -> None:
    google.faults.scopes = ["openid", "email", "https://www.googleapis.com/auth/calendar.readonly"]
    await house.connect()
    with pytest.raises(OperatorError, match=r"calendar.events.*admin/connections\S*#google"):
        await full(of(house), TOOL, **MEETING)


async def test_another_tenant_and_another_account_have_no_part_in_it(
    google: GoogleCalendar, ctx: ToolContext, house: OAuthHouse
) -> None:
    args = await full(ctx, TOOL, **MEETING)
    with pytest.raises(OperatorError, match="not connected"):
        await calendar_create(of(house, tenant=house.olga.tenant), args)
    other = args.model_copy(update={"account": "somebody-else"})
    with pytest.raises(Conflict, match="Another Google account"):
        await calendar_create(ctx, other)
    assert google.events == {}


async def test_a_calendar_that_may_only_be_read_is_refused_before_anybody_is_asked(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    google.roles["team@group.calendar.google.com"] = "reader"
    with pytest.raises(Forbidden, match="only read"):
        await full(ctx, TOOL, **MEETING, calendar="team@group.calendar.google.com")
    with pytest.raises(NotFound):
        await full(ctx, TOOL, **MEETING, calendar="nobody")
    google.roles["t#1/x@group.calendar.google.com"] = "writer"
    args = await full(ctx, TOOL, **MEETING, calendar="t#1/x@group.calendar.google.com")
    await calendar_create(ctx, args)
    assert [calendar for calendar, _ in google.events] == [args.calendar]  # type: ignore[attr-defined]


async def test_times_are_those_of_the_person_or_of_the_zone_that_is_named(
    google: GoogleCalendar, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, title="Call", start="2026-12-01 09:00", zone="America/New_York")
    assert isinstance(args, NewEvent)
    shown = lines(preview(args))
    assert shown["When"].startswith("Tuesday 1 December 2026, 15:00 to 15:30 (Europe/Berlin")
    assert shown["There"].startswith("Tuesday 1 December 2026, 09:00 to 09:30 (America/New_York")
    day = await full(ctx, TOOL, title="Trip", start="2026-12-24", end="2026-12-26")
    assert isinstance(day, NewEvent)
    assert "Thursday 24 December 2026 to Saturday 26" in lines(preview(day))["When"]
    await calendar_create(ctx, day)
    (event,) = google.events.values()
    assert (event["start"], event["end"]) == ({"date": "2026-12-24"}, {"date": "2026-12-27"})
    assert google.mails == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start": "2027-03-28 02:30"}, "no clock in Europe/Berlin shows"),
        ({"start": "2027-10-31 02:30"}, r"twice; write 2027-10-31 02:30\+02:00 or"),
        ({"start": "2026-11-01 10:00", "end": "2026-11-01 11:00"}, "time is over"),
        ({"start": "2026-12-01 10:00", "end": "2026-12-01 09:00"}, "before it begins"),
        ({"start": "2026-12-01", "end": "2026-12-01 09:00"}, "both whole days"),
    ],
)
async def test_a_time_that_does_not_fit_is_refused_before_anybody_is_asked(
    ctx: ToolContext, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await full(ctx, TOOL, title="Call", **given)


def test_arguments_that_do_not_fit_are_explained() -> None:
    for given, words in (
        ({"start": "tomorrow"}, "write a time like"),
        ({"start": "2026-02-30 10:00"}, "write a time like"),
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"guests": ["bob"]}, "no e-mail address"),
        ({"guests": ["b@x.org\nBcc: e@x.org"]}, "no e-mail address"),
        ({"guests": ["a@x.org"] * 51}, "at most 50"),
        ({"title": ""}, "at least 1"),
        ({"title": "a\x00b"}, "U+0000"),
        ({"title": "a\u202eb"}, "U+202E"),
        ({"description": "<b>x</b>"}, "plain words"),
        ({"unknown": 1}, "xtra"),
    ):
        assert words in refusal(NewEvent, **{"title": "x", "start": "2026-12-01 10:00", **given})


def test_it_asks_is_keyed_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.KEYED, True)
    assert TOOL.provider == "", "no sandbox stands in for it"
    told = TOOL.arguments.model_json_schema()["properties"]
    assert "account" not in told and set(told) >= {"title", "start", "guests", "meet"}
    assert all(name in TOOL.description for name in told)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-10-30 14:00", "2027-10-30 14:30"),
        ("2027-10-31 01:45", "2027-10-31 02:15+02:00"),
        ("2027-10-31 02:45+02:00", "2027-10-31 02:15+01:00"),
        ("2027-10-31 02:45+01:00", "2027-10-31 03:15"),
        ("2027-03-28 01:45", "2027-03-28 03:15"),
    ],
    ids=["usual", "ends in the hour that is twice", "within it", "after it", "over a gap"],
)
async def test_an_end_that_nobody_named_stands_on_the_card_as_clocks_show_it(
    google: GoogleCalendar, ctx: ToolContext, start: str, end: str
) -> None:
    args = await full(ctx, TOOL, title="Budget", start=start, zone="Europe/Berlin")
    assert lines(preview(args))["End"] == end
    begins, ends = args.span().times()
    assert ends.astimezone(UTC) - begins.astimezone(UTC) == timedelta(minutes=30)
