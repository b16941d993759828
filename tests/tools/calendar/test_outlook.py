"""The verbs on the Outlook calendar that plays: looking, who is free, and making events once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.effect import EffectState
from bot.core.errors import (
    BotError,
    Forbidden,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import ToolContext
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import GraphCalendar
from tests.fakes.graph_events import OWNER
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import full, hasty, of
from tests.tools.kit import lines
from tools.calendar import invitation
from tools.calendar._outlook import _Schedule, _times
from tools.calendar._outlook_event import MADE
from tools.calendar.agenda import SHOWN, Look, calendar_list
from tools.calendar.availability import (
    FindTime,
    LookFree,
    calendar_find_time,
    calendar_free_busy,
)
from tools.calendar.invitation import NewEvent, calendar_create

(CREATE,) = invitation.TOOLS
MEETING = {
    "title": "Budget",
    "start": "2026-11-23 14:00",
    "end": "2026-11-23T15:00",
    "guests": ["bob@example.org", "eve@example.org", "bob@example.org"],
    "meet": True,
    "location": "Room 3",
    "description": "Numbers & plans",
}


async def test_events_are_shown_on_the_person_s_clocks_with_what_is_known(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    outlook.put(
        "party1=",
        "2026-11-22T23:00",
        organizer="bob@example.org",
        attendees=("eve@example.org",),
        subject="Party\nIgnore all",
        location={"displayName": "Harbour"},
        body={"contentType": "html", "content": f"<b>{'bring cake ' * 60}</b>"},
    )
    outlook.put("day01", "2026-11-24T00:00", 24 * 60, subject="Trip", isAllDay=True)
    outlook.put("later", "2027-01-01T00:00")
    outlook.series("weekly", ["2026-11-25T09:00", "2026-12-30T09:00"], subject="Weekly")
    told = str((await calendar_list(desk, Look())).data)
    head, party, trip, weekly = told.splitlines()
    assert head == "Calendar of ann@example.com:"
    assert "Monday 23 November 2026, 00:00 to 01:00 (Europe/Berlin, UTC+01:00): Party Ig" in party
    for words in ("Harbour", "guests: eve@", "from bob@", "answer: none yet", "id: party1="):
        assert words in party
    assert OWNER not in party and 5 < party.count("bring cake") < 30
    assert "Tuesday 24 November 2026, all day: Trip" in trip
    assert "Weekly; one of a series" in weekly and "id: weekly.0" in weekly
    found = str((await calendar_list(desk, Look(query="harbour PARTY"))).data)
    assert "Party" in found and "Trip" not in found
    outlook.call_off("party1=")
    assert "Party" not in str((await calendar_list(desk, Look())).data)


async def test_no_more_is_shown_than_fits_and_words_are_looked_for_on_later_pages(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    for n in range(120):
        outlook.put(f"many{n}", subject="Same" if n else "Other")
    outlook.put("last1", "2026-11-24T09:00", subject="The other one")
    told = str((await calendar_list(desk, Look())).data)
    assert told.count("event id:") == SHOWN and "There is more" in told
    found = str((await calendar_list(desk, Look(query="other"))).data)
    assert found.count("event id:") == 2 and "There is more" not in found
    assert "There is more" in str((await calendar_list(desk, Look(query="same"))).data)
    empty = Look(start="2026-12-01", end="2026-12-02")
    assert "Nothing stands" in str((await calendar_list(desk, empty)).data)


async def test_what_cannot_be_read_or_reached_is_said(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    for fault in (Fault(status=500), Fault(half=True, after=True), Fault(cut=True)):
        outlook.trouble.append(fault)
        with pytest.raises(VendorUnknown):
            await calendar_list(desk, Look())
    outlook.trouble.append(Fault(status=302, headers={"Location": "https://evil.example/x"}))
    with pytest.raises(Invalid, match="redirects"):
        await calendar_list(desk, Look())
    with pytest.raises(NotFound):
        await calendar_list(desk, Look(calendar="AAMkAGnobody="))
    outlook.trouble.append(Fault(status=403, reason="MailboxNotEnabledForRESTAPI"))
    with pytest.raises(OperatorError, match="no mailbox"):
        await calendar_list(desk, Look())


async def test_busy_times_are_told_and_the_unseen_is_not_free(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    taken = (datetime(2026, 11, 23, 13, tzinfo=UTC), datetime(2026, 11, 23, 14, tzinfo=UTC))
    outlook.busy["bob@example.org"] = [taken]
    outlook.put("own01", "2026-11-23T15:00")
    people = ["bob@example.org", "eve@example.org"]
    told = str((await calendar_free_busy(desk, LookFree(people=people))).data).splitlines()
    assert "bob@example.org: busy Monday 23 November 2026, 14:00 to 15:00 (Europe" in told[0]
    assert told[1] == "- eve@example.org: Microsoft does not show this calendar."
    own = str((await calendar_free_busy(desk, LookFree())).data)
    assert "ann@example.com: busy Monday 23 November 2026, 16:00 to 17:00" in own


async def test_a_time_is_found_across_zones_around_what_is_taken(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    # At work together: 15:00 to 17:00 in Berlin. Ann is busy until 15:20, Bob from 16:30.
    outlook.put("own01", "2026-11-23T13:00", 80)
    bob = (datetime(2026, 11, 23, 15, 30, tzinfo=UTC), datetime(2026, 11, 23, 18, tzinfo=UTC))
    outlook.busy["bob@example.org"] = [bob]
    people = [{"email": "bob@example.org", "zone": "America/New_York"}, {"email": "eve@x.org"}]
    day = {"start": "2026-11-23", "end": "2026-11-23"}
    args = FindTime.model_validate({"people": people, **day})
    told = str((await calendar_find_time(desk, args)).data).splitlines()
    assert "15:30 to 16:00 (Europe/Berlin" in told[0] and "09:30 to 10:00 (America" in told[0]
    assert "16:00 to 16:30 (Europe/Berlin" in told[1]
    assert told[2] == "Not looked into, because Microsoft does not show it: eve@x.org."


async def test_an_event_is_made_as_the_card_shows_it(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    args = await full(desk, CREATE, **MEETING)
    assert isinstance(args, NewEvent)
    card = invitation.preview(args)
    shown = lines(card)
    assert shown["When"] == "Monday 23 November 2026, 14:00 to 15:00 (Europe/Berlin, UTC+01:00)"
    assert shown["Microsoft account"] == "ann@example.com (primary)"
    assert shown["Microsoft Teams"] == "with a link"
    assert card.recipients == ("bob@example.org", "eve@example.org")
    outcome = await calendar_create(desk, args)
    (event,) = outlook.events.values()
    assert (outcome.state, outcome.vendor_ref) == (EffectState.SENT, event.id)
    assert outcome.url == event.body["webLink"]
    assert "Microsoft Teams: https://teams.microsoft.com/l/meetup-join/" in str(outcome.data)
    assert event.start == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert event.end == datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert event.body["subject"] == "Budget" and "Numbers & plans" in event.body["body"]["content"]
    assert event.body["location"] == {"displayName": "Room 3"}
    assert [mail for mail, _ in outlook.mails] == ["bob@example.org", "eve@example.org"]


async def test_whole_days_other_zones_and_times_shown_twice_are_meant_as_said(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    for n, given in enumerate(
        (
            {"start": "2026-12-24", "end": "2026-12-26"},
            {"start": "2026-12-01 09:00", "zone": "America/New_York"},
            {"start": "2027-10-31 02:30+01:00"},
        )
    ):
        args = await full(desk, CREATE, title="Call", **given)
        await calendar_create(replace(desk, key=f"eff_{n}"), args)
    days, call, night = outlook.events.values()
    assert days.body["isAllDay"] and days.start == datetime(2026, 12, 24, tzinfo=UTC)
    assert days.end == datetime(2026, 12, 27, tzinfo=UTC)
    assert call.start == datetime(2026, 12, 1, 14, tzinfo=UTC) and not call.body["isAllDay"]
    assert night.start == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert outlook.mails == []


async def test_twice_the_same_deed_is_one_event_and_another_deed_another(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    args = await full(desk, CREATE, **MEETING)
    first = await calendar_create(desk, args)
    assert await calendar_create(desk, args) == first
    assert len(outlook.said("create")) == 1 and len(outlook.mails) == 2
    await calendar_create(replace(desk, key="eff_2"), args)
    assert len(outlook.said("create")) == 2


@pytest.mark.parametrize("conflicts", [False, True])
async def test_an_event_that_is_not_found_yet_is_not_made_again(
    outlook: GraphCalendar, desk: ToolContext, conflicts: bool
) -> None:
    """The look-up by our mark comes too early; `transactionId` holds it to one."""
    args = await full(desk, CREATE, **MEETING)
    await calendar_create(desk, args)
    (event,) = outlook.events.values()
    mark = event.properties.pop(MADE)
    outlook.repeat_conflicts = conflicts
    if conflicts:
        with pytest.raises(VendorUnknown, match="does not show it yet"):
            await calendar_create(desk, args)
    else:
        assert (await calendar_create(desk, args)).vendor_ref == event.id
    event.properties[MADE] = mark
    assert (await calendar_create(desk, args)).vendor_ref == event.id
    assert len(outlook.said("create")) == 1 and len(outlook.mails) == 2


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Fault(verb="POST", status=503), 0),
        (Fault(verb="POST", status=500, after=True), 1),
        (Fault(verb="POST", cut=True), 0),
        (Fault(verb="POST", cut=True, after=True), 1),
        (Fault(verb="POST", half=True, after=True), 1),
        (Fault(verb="POST", slow_s=1.0, after=True), 1),
        (Fault(verb="POST", status=307, headers={"Location": "https://evil.example/x"}), 0),
    ],
    ids=["503", "500 after", "cut", "cut after", "half", "late", "redirect"],
)
async def test_an_event_whose_answer_is_lost_is_made_once(
    outlook: GraphCalendar, desk: ToolContext, office: OAuthHouse, fault: Fault, made: int
) -> None:
    args = await full(desk, CREATE, **MEETING)
    outlook.trouble.append(fault)
    with pytest.raises(VendorUnknown):
        await calendar_create(hasty(office), args)
    assert len(outlook.said("create")) == made
    again = await calendar_create(desk, args)
    assert again.state is EffectState.SENT and len(outlook.said("create")) == 1
    assert len(outlook.mails) == 2, "nobody is invited twice"


async def test_a_teams_link_that_comes_a_moment_later_is_told(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    outlook.teams_late = True
    outcome = await calendar_create(desk, await full(desk, CREATE, **MEETING))
    assert "https://teams.microsoft.com/" in str(outcome.data)


@pytest.mark.parametrize(
    ("fault", "kind", "words", "again"),
    [
        (Fault(status=429, headers={"Retry-After": "7"}), VendorRefused, "pause", 7.0),
        (Fault(status=503, headers={"Retry-After": "9"}), VendorRefused, "pause", 9.0),
        (Fault(status=429), VendorRefused, "pause", 30.0),
        (Fault(status=403, reason="ErrorAccessDenied"), Forbidden, "may not .*AccessDenied", None),
        (Fault(status=404), NotFound, "no such event", None),
        (Fault(status=400, reason="ErrorX"), VendorRefused, "refused it .ErrorX", None),
        (Fault(status=400, reason="a b'c"), VendorRefused, "refused it.$", None),
        (Fault(status=401, times=2), OperatorError, "connects the account again", None),
    ],
    ids=lambda value: f"{value.status} {value.reason}" if isinstance(value, Fault) else "",
)
async def test_each_refusal_says_what_to_do_and_nothing_is_made(
    outlook: GraphCalendar,
    desk: ToolContext,
    fault: Fault,
    kind: type[BotError],
    words: str,
    again: float | None,
) -> None:
    args = await full(desk, CREATE, **MEETING)
    outlook.trouble.append(replace(fault, verb="POST"))
    with pytest.raises(kind, match=words) as error:
        await calendar_create(desk, args)
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message and outlook.said("create") == []


async def test_a_token_that_is_refused_is_renewed_once(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    args = await full(desk, CREATE, **MEETING)
    outlook.expire()
    outlook.calls.clear()
    await calendar_create(desk, args)
    assert outlook.calls[outlook.rule.token] == 1 and len(outlook.said("create")) == 1


async def test_other_calendars_are_named_and_read_only_ones_refused(
    outlook: GraphCalendar, desk: ToolContext, office: OAuthHouse
) -> None:
    outlook.calendars["AAMkAGteam="] = {"name": "Team", "canEdit": True}
    outlook.calendars["AAMkAGhol="] = {"name": "Holidays", "canEdit": False}
    with pytest.raises(Forbidden, match="only read"):
        await full(desk, CREATE, **MEETING, calendar="AAMkAGhol=")
    with pytest.raises(NotFound):
        await full(desk, CREATE, **MEETING, calendar="nobody")
    args = await full(desk, CREATE, **MEETING, calendar="AAMkAGteam=")
    whose = lines(invitation.preview(args))["Microsoft account"]  # type: ignore[arg-type]
    assert whose == "ann@example.com, calendar “Team” (AAMkAGteam=)"
    await calendar_create(desk, args)
    assert await calendar_create(desk, args)
    assert [each.calendar for each in outlook.events.values()] == ["AAMkAGteam="]
    with pytest.raises(Invalid, match="at most 255"):
        await full(desk, CREATE, title="x" * 256, start="2026-12-01 09:00")
    with pytest.raises(OperatorError, match="No calendar is connected"):
        await calendar_create(of(office, tenant=office.olga.tenant), NewEvent.model_validate(
            {"title": "x", "start": "2026-12-01 09:00"}))  # fmt: skip


async def test_what_was_not_granted_is_named_with_the_link(
    outlook: GraphCalendar, office: OAuthHouse
) -> None:
    await office.connect(features=("mail_send",), agent="donna")
    with pytest.raises(OperatorError, match=r"Calendars.ReadWrite.*connections\S*#microsoft"):
        await full(of(office, agent="donna"), CREATE, **MEETING)


def test_what_somebody_is_not_busy_with_is_free() -> None:
    """Graph's own words for a time: only some of them take it."""
    at = {"dateTime": "2026-11-23T13:00:00.0000000", "timeZone": "UTC"}
    for status, is_taken in (
        ("busy", True),
        ("tentative", True),
        ("oof", True),
        ("free", False),
        ("workingElsewhere", False),
        ("unknown", True),
    ):
        item = {"status": status, "start": at, "end": at}
        found = _times(_Schedule.model_validate({"scheduleItems": [item]}))
        assert bool(found) is is_taken, status
    strange = {"status": "busy", "start": {**at, "timeZone": "Mars"}, "end": at}
    with pytest.raises(VendorUnknown, match="could not be read"):
        _times(_Schedule.model_validate({"scheduleItems": [strange]}))
