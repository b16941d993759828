# ruff: noqa: F401, F811  (imported fixtures have the names of arguments)
"""Opinions on both databases: one commit with their event, once, and never across a wall."""

from dataclasses import replace
from typing import Any

import pytest

from bot import feedback
from bot.core.conversation import Line
from bot.core.errors import NotFound
from bot.core.event import Event, Kind
from bot.core.ids import EventId
from bot.core.people import Person, Role
from bot.core.times import to_us
from bot.store import audit, conversations, effects, inbox
from bot.store import feedback as rows
from bot.store.script import Database, Script, restartable
from tests.bot.test_troubles import ONE, TWO, clock, db, happened
from tests.bot.web.api.effect import reply
from tests.fakes.clock import StillClock


@restartable
def _answered(event: Event, conv: str, at: Any) -> Script[None]:
    line = Line(id="msg_a", seq=1, turn=event.id, role="assistant", text="Yes.", at=at, agent=None)
    yield from conversations.say(ONE, conv, line)
    shown = replace(reply(ONE, conv, event.id, "ts-1"), tool="web", connection="")
    yield from effects.plan(shown, to_us(at))


@restartable
def _given(event: Event, person: Person, at: int) -> Script[object]:
    return (yield from feedback.give(event, person, at, ""))


def person(clock: StillClock, name: str, tenant: Any = ONE) -> Person:
    id_: Any = f"per_{name}"
    return Person(id=id_, tenant=tenant, name=name, role=Role.MEMBER, created_at=clock.at)


def thumb(clock: StillClock, name: str, value: str, **changes: Any) -> Event:
    made = happened(clock, name, kind=Kind.FEEDBACK, payload={"value": value, "message": "msg_a"})
    return replace(made, id=EventId(f"evt_{name}"), **changes)


@pytest.fixture
async def answered(db: Database, clock: StillClock) -> None:
    """Max asked and was answered."""
    asked = happened(clock, "asked")
    got = await db.write(inbox.ingest(asked, ("cnv_1", "msg_1"), to_us(clock.at)))
    await db.write(_answered(asked, got.conv.id, clock.at))


async def kept(db: Database, tenant: str = ONE) -> list[tuple[int, str]]:
    found = await db.read(rows.listed(tenant, 0, 1 << 62, 10))
    return [(item.score, item.text) for item in found]


async def test_an_opinion_its_event_and_the_book_are_one(
    db: Database,
    clock: StillClock,
    answered: None,
) -> None:
    max_ = person(clock, "max")
    await db.write(_given(thumb(clock, "t1", "up"), max_, 5))
    await db.write(_given(thumb(clock, "t2", "down"), max_, 6))
    by_reference = thumb(clock, "t3", "down", reply_to="ts-1", payload={"value": "down"})
    await db.write(_given(by_reference, max_, 7))
    assert await kept(db) == [(-1, "Yes.")]
    assert await db.read(rows.listed(ONE, 1, 1 << 62, 10)) == []
    book = await db.read(audit.entries(ONE, 0, 100))
    assert [entry.action for entry, _, _ in book].count("feedback.given") == 2
    stored = await db.read(inbox.get(ONE, "evt_t2"))
    assert stored and stored.ending == "decided"
    await db.write(_given(thumb(clock, "t4", ""), max_, 8))
    assert await kept(db) == []


async def test_what_is_refused_leaves_nothing(
    db: Database,
    clock: StillClock,
    answered: None,
) -> None:
    for event, who in (
        (thumb(clock, "t1", "up"), person(clock, "otto")),
        (thumb(clock, "t2", "up", tenant=TWO), person(clock, "eve", TWO)),
    ):
        with pytest.raises(NotFound):
            await db.write(_given(event, who, 5))
        assert await db.read(inbox.get(event.tenant, event.id)) is None
    assert await kept(db) == [] == await kept(db, TWO)
