"""What became of events that the house made: said once, in words that a person approved."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import StoreError
from bot.core.event import Event as News
from bot.core.event import Kind, Place, Sender, Trust
from bot.core.ids import AgentName, ConvId, EffectId, EventId, PersonId, conv_key
from bot.core.times import to_us
from bot.services.calendar_news import Difference, _words, kept, told
from bot.services.calendars import QUIET
from bot.store import conversations, effects
from bot.store.script import Script, restartable
from tests.bot.services.test_calendars import Rig
from tests.bot.services.test_calendars import rig as rig  # the fixture
from tests.fakes.graph_calendar import GraphCalendar
from tools.calendar._event import Event, Guest

ASKED: dict[str, Any] = {
    "title": "Budget",
    "guests": ["bob@example.org"],
    "home": "Europe/Berlin",
}


class Ear:
    """Hears what is told, each thing once, as the inbox does."""

    def __init__(self) -> None:
        self.events: dict[str, News] = {}
        self.heard = 0

    async def accept(self, event: News) -> None:
        self.heard += 1
        self.events.setdefault(event.ext_id, event)

    @property
    def texts(self) -> list[str]:
        """The words."""
        return [event.text for event in self.events.values()]


async def deed(rig: Rig, id_: str, tool: str, event: str) -> None:
    """Something that was asked for in a conversation, and done."""
    at, tenant = to_us(rig.house.clock.now()), rig.house.tenant.id
    asked = News(
        id=EventId(f"evt_{id_}"),
        tenant=tenant,
        channel="slack",
        account="",
        ext_id=id_,
        kind=Kind.MESSAGE,
        conv=conv_key("slack", "", "room", ""),
        sender=Sender(ext_id="U1"),
        place=Place(id="room"),
        text="meet Bob",
        at=rig.house.clock.now(),
    )
    made = Effect(
        id=EffectId(id_),
        tenant=tenant,
        conv=ConvId("cnv_1"),
        turn=asked.id,
        step=1,
        n=0,
        kind=EffectKind.TOOL,
        tool=tool,
        tool_version=1,
        agent=AgentName("bri"),
        person=PersonId("per_ana"),
        connection="",
        arguments={**ASKED, "event": event},
        hash="h",
        policy=Policy.KEYED,
        state=EffectState.SENDING,
        attempt=1,
    )

    @restartable
    def write() -> Script[None]:
        if (yield from conversations.get(tenant, ConvId("cnv_1"))) is None:
            yield from conversations.open_(asked, ConvId("cnv_1"), 1, at)
        yield from effects.plan(made, at)
        done = Outcome(state=EffectState.SENT, vendor_ref=event)
        yield from effects.settle(made, done, at)

    await rig.house.db.write(write())


async def test_it_is_told_in_the_conversation_once_also_when_cut_off_in_between(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    calendars = rig.made(inbox=lambda: ear)
    rig.put("evt01")
    rig.put("evt02")
    await deed(rig, "eff_1", "calendar_create", "evt01")
    await calendars.tend()
    assert ear.texts == [], "what is read for the first time is no news"
    rig.remove("evt01")
    rig.remove("evt02")
    await rig.told()
    with monkeypatch.context() as patched:  # it dies after it told, before it keeps what it read
        patched.setattr("bot.services.calendars.rows.read", _dies)
        assert await calendars.tend() == 0
    (said,) = ear.events.values()
    rig.later(QUIET)
    assert await calendars.tend() == 1
    assert ear.heard == 2 and list(ear.events.values()) == [said]
    assert said.text.startswith("Calendar: “Budget” (") and said.text.endswith("calendar.")
    assert (said.agent, said.trust, said.payload["news"]) == ("bri", Trust.HOUSE, True)
    assert said.conv == conv_key("slack", "", "room", "") and await rig.kept() == {}
    rig.put("evt03")
    await rig.told()
    await calendars.tend()
    assert ear.heard == 2


def _dies(*_: Any, **__: Any) -> Any:
    raise StoreError


async def test_what_the_house_did_itself_is_no_news(rig: Rig) -> None:
    ear = Ear()
    calendars = rig.made(inbox=lambda: ear)
    rig.put("evt01")
    await deed(rig, "eff_1", "calendar_create", "evt01")
    await calendars.tend()
    await deed(rig, "eff_2", "calendar_cancel", "evt01")
    rig.remove("evt01")
    await rig.told()
    assert await calendars.tend() == 1
    assert ear.texts == [] and await rig.kept() == {}


async def test_what_moved_out_of_sight_is_moved_and_not_gone(rig: Rig) -> None:
    ear = Ear()
    calendars = rig.made(inbox=lambda: ear)
    event = rig.put("evt01")
    await deed(rig, "eff_1", "calendar_create", "evt01")
    await calendars.tend()
    far = timedelta(days=100)
    if isinstance(rig.server, GraphCalendar):
        event.start, event.end = event.start + far, event.end + far
    else:
        for name in ("start", "end"):
            at = rig.house.clock.at + far
            event[name] = {"dateTime": at.isoformat()}
    rig.server.touch(event)
    await rig.told()
    await calendars.tend()
    (text,) = ear.texts
    assert "“Budget” was moved: " in text and await rig.kept() == {}


WHEN = {"start": date(2030, 1, 1), "end": date(2030, 1, 2)}
BOB, EVE = Guest(email="Bob@example.org"), Guest(email="eve@example.org")
WAS = Event(id="e", etag="1", is_ours=True, guests=(BOB, EVE), **WHEN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "is_ours", "words"),
    [
        ({"guests": (replace(BOB, answer="no"), EVE)}, False, ["Bob@example.org said no to “Budget” (Tuesday 1 January 2030, all day)."]),
        ({"guests": (BOB, replace(EVE, answer="maybe"))}, True, ["A guest may come to “Budget” (Tuesday 1 January 2030, all day)."]),
        ({"guests": (BOB,)}, False, []),
        ({"guests": (BOB, EVE, Guest(email="x@y.z", answer="yes"))}, False, []),
        ({"summary": "Something else", "location": "Elsewhere"}, False, []),
        ({"end": date(2030, 1, 3)}, False, ["“Budget” was moved: Tuesday 1 January 2030 to Wednesday 2 January 2030, all day."]),
        ({"end": date(2030, 1, 3)}, True, []),
        (None, False, ["“Budget” (Tuesday 1 January 2030, all day) was taken off the calendar."]),
        (None, True, []),
    ],
    ids=["no", "a stranger", "one left", "one more", "words", "longer", "ours", "gone", "cancelled"],
)  # fmt: skip
def test_what_is_said(now: dict[str, Any] | None, is_ours: bool, words: list[str]) -> None:
    found = Difference(was=WAS, now=None if now is None else replace(WAS, **now))
    assert _words(found, ASKED, "Europe/Berlin", is_ours=is_ours) == words


def test_what_is_kept_is_understood_again() -> None:
    known = kept(replace(WAS, guests=(replace(BOB, answer="yes"),)), "Google Meet")
    again = told(known)
    assert (again.start, again.end, again.is_ours) == (WAS.start, WAS.end, True)
    assert [(each.email, each.answer) for each in again.guests] == [("Bob@example.org", "yes")]
    assert told({"guests": 1, "start": "soon"}).start is None
