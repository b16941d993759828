"""The verbs on the Outlook calendar that plays: changing, cancelling and answering, once."""

from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Conflict, Invalid, NotFound, VendorRefused, VendorUnknown
from bot.core.tool import Tool, ToolContext
from tests.fakes.google_server import Fault
from tests.fakes.graph_calendar import BLOB, GraphCalendar
from tests.fakes.graph_events import OWNER, Event
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.calendar.conftest import find, full, hasty
from tests.tools.kit import lines
from tools.calendar import cancellation, change, response
from tools.calendar.cancellation import calendar_cancel
from tools.calendar.change import calendar_update
from tools.calendar.response import calendar_respond

(UPDATE,), (CANCEL,), (RESPOND,) = change.TOOLS, cancellation.TOOLS, response.TOOLS
MOVE = {"event": "budget1", "start": "2026-11-24 09:30"}
JOIN = "https://teams.microsoft.com/l/meetup-join/1"
GUESTS = ("bob@example.org", "eve@example.org")


@pytest.fixture
def event(outlook: GraphCalendar) -> Event:
    """An event of Ann's with two guests; Bob comes."""
    made = outlook.put("budget1", attendees=GUESTS, location={"displayName": "Room 3"})
    made.body["attendees"][0]["status"]["response"] = "accepted"
    return made


@pytest.fixture
def party(outlook: GraphCalendar) -> Event:
    """An invitation by Bob, to Ann and Eve."""
    return outlook.put("party1", organizer="bob@example.org", attendees=("eve@example.org",))


def somebody_after_a_look(outlook: GraphCalendar, monkeypatch: Any) -> None:
    """Each event is changed by somebody right after it was shown."""
    shown = outlook.views.show

    def then_somebody(request: Any, event: Event) -> Any:
        told = shown(request, event)
        outlook.touch(event)
        return told

    monkeypatch.setattr(outlook.views, "show", then_somebody)


async def test_an_event_is_moved_and_stays_as_long(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    args = await full(desk, UPDATE, **MOVE)
    card = change.preview(args)  # type: ignore[arg-type]
    assert card.title == "Change an event in Outlook Calendar" and card.recipients == GUESTS
    assert lines(card)["Will be"].startswith("Tuesday 24 November 2026, 09:30 to 10:30 (Europe")
    outcome = await calendar_update(desk, args)
    assert outcome.state is EffectState.SENT and outcome.url == event.body["webLink"]
    assert f"{event.start:%d %H:%M} {event.end:%H:%M}" == "24 08:30 09:30"
    assert event.body["location"] == {"displayName": "Room 3"} and event.guests == list(GUESTS)
    assert [mail for mail, _ in outlook.mails] == list(GUESTS)


async def test_guests_come_and_go_and_the_others_keep_their_answers(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    given = {"add_guests": ["zoe@example.org", "BOB@example.org"], "remove_guests": [GUESTS[1]]}
    args = await full(desk, UPDATE, event="budget1", title="Plans", meet=True, **given)
    await calendar_update(desk, args)
    assert event.guests == ["bob@example.org", "zoe@example.org"]
    assert event.body["attendees"][0]["status"]["response"] == "accepted"
    assert event.body["subject"] == "Plans"
    assert event.body["onlineMeeting"]["joinUrl"].startswith("https://teams.microsoft.com/")


async def test_new_words_keep_what_teams_wrote_and_with_it_the_link(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    words = {"contentType": "html", "content": f"<p>Old</p>{BLOB.format(url=JOIN)}"}
    online = {"isOnlineMeeting": True, "onlineMeeting": {"joinUrl": JOIN}}
    event.body |= {**online, "body": words}
    args = await full(desk, UPDATE, event="budget1", description="New <3 &\nmore", meet=True)
    await calendar_update(desk, args)
    content = event.body["body"]["content"]
    assert content.startswith("<div>New &lt;3 &amp;<br>more</div>") and "Old" not in content
    assert event.body["onlineMeeting"] == {"joinUrl": JOIN} and content.count(JOIN) == 1
    event.body["body"] = {"contentType": "html", "content": f"<a href='{JOIN}'>Join</a>"}
    with pytest.raises(Invalid, match="holds the link"):
        await full(desk, UPDATE, event="budget1", description="New")


async def test_what_another_changed_meanwhile_is_not_overwritten(
    outlook: GraphCalendar, desk: ToolContext, event: Event, monkeypatch: Any
) -> None:
    for tool, given in ((UPDATE, MOVE), (CANCEL, {"event": "budget1"})):
        args = await full(desk, tool, **given)
        outlook.touch(event)
        with pytest.raises(Conflict, match="Somebody has changed"):
            await tool.perform(desk, args)
    assert not any(each.startswith(("PATCH", "DELETE", "POST")) for each in outlook.asked)
    for tool, given in ((UPDATE, MOVE), (CANCEL, {"event": "budget1"})):
        with monkeypatch.context() as patched:
            args = await full(desk, tool, **given)
            somebody_after_a_look(outlook, patched)
            with pytest.raises(Conflict, match="Somebody has changed"):
                await tool.perform(desk, args)
    assert outlook.book == [] and outlook.mails == []


@pytest.mark.parametrize(("tool", "given", "verb", "did"), [
    (UPDATE, MOVE, "PATCH", "update"),
    (CANCEL, {"event": "budget1"}, "DELETE", "delete"),
    (RESPOND, {"event": "party1", "answer": "yes"}, "POST", "accept"),
    (RESPOND, {"event": "party1", "answer": "no", "comment": "ill"}, "POST", "decline"),
], ids=["update", "cancel", "accept", "decline"])  # fmt: skip
@pytest.mark.parametrize(
    ("fault", "is_done"),
    [
        (Fault(status=503), False),
        (Fault(status=500, after=True), True),
        (Fault(cut=True), False),
        (Fault(cut=True, after=True), True),
        (Fault(slow_s=1.0, after=True), True),
        (Fault(status=302, headers={"Location": "https://evil.example/"}), False),
    ],
    ids=["503", "500 after", "cut", "cut after", "late", "redirect"],
)
async def test_a_deed_whose_answer_is_lost_is_looked_up_and_done_once(
    outlook: GraphCalendar,
    desk: ToolContext,
    office: OAuthHouse,
    event: Event,
    party: Event,
    tool: Tool,
    given: dict[str, str],
    verb: str,
    did: str,
    fault: Fault,
    is_done: bool,
) -> None:
    args = await full(desk, tool, **given)
    assert await find(desk, tool, args) is None
    told = {name: getattr(fault, name) for name in ("status", "cut", "after", "headers", "slow_s")}
    outlook.trouble.append(Fault(verb=verb, **told))
    with pytest.raises(VendorUnknown):
        await tool.perform(hasty(office), args)
    looked = await find(desk, tool, args)
    assert (looked is not None) is is_done
    for _ in range(2):
        assert (await tool.perform(desk, args)).state is EffectState.SENT
    assert outlook.said(did) == [given["event"]]
    assert len(outlook.mails) == (1 if tool is RESPOND else 2)


async def test_half_an_answer_to_a_change_is_no_answer(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    args = await full(desk, UPDATE, **MOVE)
    outlook.trouble.append(Fault(verb="PATCH", half=True, after=True))
    with pytest.raises(VendorUnknown, match="broke off"):
        await calendar_update(desk, args)
    assert await find(desk, UPDATE, args) is not None
    outlook.touch(event)
    event.properties.clear()
    with pytest.raises(VendorUnknown, match="somebody meanwhile"):
        await find(desk, UPDATE, args)


async def test_what_may_not_be_changed_is_refused_before_anybody_is_asked(
    outlook: GraphCalendar, desk: ToolContext, party: Event
) -> None:
    outlook.series("weekly", ["2026-11-23T09:00", "2026-11-30T09:00"])
    at = {"start": "2026-11-24 09:30"}
    for tool, given, words in (
        (UPDATE, {"event": "party1", **at}, "Only the organizer"),
        (UPDATE, {"event": "weekly", **at}, "Say series: true"),
        (UPDATE, {"event": "weekly", "series": True, "title": "x" * 256}, "at most 255"),
        (CANCEL, {"event": "party1"}, "calendar_respond"),
        (CANCEL, {"event": "weekly"}, "whole series"),
        (RESPOND, {"event": "weekly", "series": True, "answer": "yes"}, "own event"),
    ):
        with pytest.raises(Invalid, match=words):
            await full(desk, tool, **given)
    outlook.call_off("party1")
    with pytest.raises(Invalid, match="cancelled already"):
        await full(desk, RESPOND, event="party1", answer="yes")
    with pytest.raises(NotFound):
        await full(desk, UPDATE, event="nobody", title="x")


async def test_one_of_a_series_is_moved_or_cancelled_alone_and_the_series_whole(
    outlook: GraphCalendar, desk: ToolContext
) -> None:
    one, two = outlook.series("weekly", ["2026-11-23T09:00", "2026-11-30T09:00"])
    await calendar_update(desk, await full(desk, UPDATE, event=one.id, start="2026-11-24 09:00"))
    assert f"{one.start:%d}" == "24" and f"{two.start:%d}" == "30"
    alone = await full(desk, CANCEL, event=two.id)
    assert "this one" in lines(cancellation.preview(alone))["Cancels"]  # type: ignore[arg-type]
    whole = await full(desk, CANCEL, event=two.id, series=True)
    assert "whole series" in lines(cancellation.preview(whole))["Cancels"]  # type: ignore[arg-type]
    await calendar_cancel(desk, alone)
    await calendar_cancel(desk, whole)
    assert outlook.said("delete") == [two.id, "weekly"]


async def test_an_event_is_cancelled_and_its_guests_are_told_once(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    args = await full(desk, CANCEL, event="budget1")
    assert (await calendar_cancel(desk, args)).data == "It is cancelled."
    assert "not in the calendar" in str((await calendar_cancel(desk, args)).data)
    assert [mail for mail, _ in outlook.mails] == list(GUESTS)


async def test_an_event_that_is_gone_at_the_last_moment_is_gone(
    outlook: GraphCalendar, desk: ToolContext, event: Event
) -> None:
    args = await full(desk, CANCEL, event="budget1")
    outlook.trouble.append(Fault(verb="DELETE", status=404, reason="ErrorItemNotFound"))
    assert "already" in str((await calendar_cancel(desk, args)).data)
    assert outlook.mails == []


async def test_the_own_answer_is_given_once_with_its_comment(
    outlook: GraphCalendar, desk: ToolContext, party: Event
) -> None:
    args = await full(desk, RESPOND, event="party1", answer="maybe", comment="late")
    card = response.preview(args)  # type: ignore[arg-type]
    assert card.title == "Answer an invitation in Outlook Calendar"
    assert card.recipients == ("bob@example.org",)
    for _ in range(2):
        assert (await calendar_respond(desk, args)).state is EffectState.SENT
    told = {each["emailAddress"]["address"]: each["status"] for each in party.body["attendees"]}
    assert told[OWNER]["response"] == "tentativelyAccepted"
    assert told["eve@example.org"]["response"] == "none"
    assert outlook.said("tentativelyAccept") == ["party1"]
    assert outlook.mails == [("bob@example.org", "party1")]


async def test_the_same_answer_with_other_words_is_given_again(
    outlook: GraphCalendar, desk: ToolContext, party: Event
) -> None:
    """The answer stood there before: its comment is known by the time it was given."""
    party.body["responseStatus"] = {"response": "accepted", "time": "2026-11-20T08:00:00Z"}
    same = await full(desk, RESPOND, event="party1", answer="yes")
    await calendar_respond(desk, same)
    assert outlook.said("accept") == []
    words = await full(desk, RESPOND, event="party1", answer="yes", comment="with cake")
    assert await find(desk, RESPOND, words) is None
    await calendar_respond(desk, words)
    assert await find(desk, RESPOND, words) is not None
    assert outlook.said("accept") == ["party1"]


async def test_what_was_declined_may_leave_the_calendar(
    outlook: GraphCalendar, desk: ToolContext, party: Event
) -> None:
    outlook.keeps_declined = False
    args = await full(desk, RESPOND, event="party1", answer="no")
    outlook.trouble.append(Fault(verb="POST", cut=True, after=True))
    with pytest.raises(VendorUnknown):
        await calendar_respond(desk, args)
    with pytest.raises(VendorUnknown, match="may have done that"):
        await find(desk, RESPOND, args)
    yes = args.model_copy(update={"answer": "yes"})  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        await find(desk, RESPOND, yes)


@pytest.mark.parametrize(("tool", "given", "verb"), [
    (UPDATE, MOVE, "PATCH"),
    (CANCEL, {"event": "budget1"}, "DELETE"),
    (RESPOND, {"event": "party1", "answer": "yes"}, "POST"),
], ids=["update", "cancel", "respond"])  # fmt: skip
async def test_a_refusal_is_no_deed_and_a_pause_is_as_long_as_it_says(
    outlook: GraphCalendar, desk: ToolContext, event: Event, party: Event,
    tool: Tool, given: dict[str, str], verb: str,
) -> None:  # fmt: skip
    args = await full(desk, tool, **given)
    for fault in (
        Fault(verb, 429, headers={"Retry-After": "7"}),
        Fault(verb, 409),
        Fault(verb, 400),
    ):
        outlook.trouble.append(fault)
        with pytest.raises(VendorRefused) as error:
            await tool.perform(desk, args)
        assert error.value.retry_after_s == (7.0 if fault.status == 429 else None)
        assert "canary" not in error.value.message
    assert outlook.book == [] and await find(desk, tool, args) is None
