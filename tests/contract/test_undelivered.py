"""A text that does not arrive is told where it was asked for: once, in the commit that says so."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from bot.core.effect import Effect, EffectKind, EffectState, Policy
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import AgentName, ConvId, EffectId, EventId, PersonId, TenantId, conv_key
from bot.core.ports import Clock
from bot.core.times import from_us, to_us
from bot.platforms.texting import Book
from bot.store import conversations, effects
from bot.store.script import Ask, Database, Script, Statement, restartable
from bot.store.tables import inbox
from bot.store.texts import Texted
from tests.fakes.clock import StillClock

HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")
OURS, BEN = "+15550100001", "+14155550102"
WHY = "the phone is switched off (Twilio 30003)"
_EVENTS = Statement(
    select(inbox.c.ext_id, inbox.c.body, inbox.c.conv).where(
        inbox.c.tenant == bindparam("tenant"), inbox.c.kind == "settled"
    )
)


def deed(**changes: Any) -> Effect:
    made = Effect(
        id=EffectId("eff_1"),
        tenant=HOME,
        conv=ConvId("cnv_1"),
        turn=EventId("evt_1"),
        step=1,
        n=0,
        kind=EffectKind.TOOL,
        tool="send_sms",
        tool_version=1,
        agent=AgentName("bri"),
        person=PersonId("per_ana"),
        connection="",
        arguments={"to": BEN, "text": "Your table is ready"},
        hash="h",
        policy=Policy.READBACK,
        state=EffectState.SENT,
        attempt=1,
    )
    return replace(made, **changes)


async def asked(kept: Database, clock: Clock, effect: Effect, place: str = "room") -> None:
    """A conversation in which a text was asked for, which left."""
    at = to_us(clock.now())
    event = Event(
        id=EventId("evt_1"),
        tenant=effect.tenant,
        channel="slack",
        account="",
        ext_id="1",
        kind=Kind.MESSAGE,
        conv=conv_key("slack", "", place, ""),
        sender=Sender(ext_id="U1"),
        place=Place(id=place),
        text="text Ben",
        at=from_us(at),
    )

    @restartable
    def write() -> Script[None]:
        yield from conversations.open_(event, effect.conv, 1, at)
        yield from effects.plan(effect, at)

    await kept.write(write())
    left = Texted(id=effect.id, number=OURS, contact=BEN, at=at, changed_at=at)
    await Book(kept, clock, effect.tenant).begin(left)


async def told(kept: Database, tenant: TenantId = HOME) -> list[Any]:
    @restartable
    def read() -> Script[list[Any]]:
        return list((yield Ask(_EVENTS, {"tenant": tenant})))

    return await kept.read(read())


def fell(id_: str = "eff_1", state: str = "undelivered") -> Texted:
    return Texted(id=id_, number=OURS, contact=BEN, sid="SM1", state=state, error=WHY)


async def test_it_is_told_once_however_often_and_in_whatever_order_it_is_said(
    kept: Database,
) -> None:
    clock, woken = StillClock(), []
    await asked(kept, clock, deed())
    book = Book(kept, clock, HOME, lambda: woken.append(1))
    await book.moved(fell(state="sent"))
    assert await told(kept) == [] and woken == []
    for state in ("undelivered", "sent", "undelivered", "failed"):
        await book.moved(fell(state=state))
    ((name, body, conv),) = await told(kept)
    assert name == "undelivered:eff_1" and conv == "cnv_1" and woken == [1]
    assert WHY in body and "sent, and did not arrive" in body and "Your table" in body
    assert await told(kept, AWAY) == []


@pytest.mark.parametrize("kind", [EffectKind.REPLY, EffectKind.CARD, EffectKind.NOTICE])
async def test_an_answer_that_did_not_arrive_is_not_answered(
    kept: Database, kind: EffectKind
) -> None:
    await asked(kept, StillClock(), deed(kind=kind))
    assert await Book(kept, StillClock(), HOME).moved(fell())
    assert await told(kept) == []


async def test_a_conversation_with_that_very_phone_is_not_told(kept: Database) -> None:
    await asked(kept, StillClock(), deed(), BEN)
    assert await Book(kept, StillClock(), HOME).moved(fell())
    assert await told(kept) == []


async def test_when_it_cannot_be_told_the_text_does_not_move_either(
    kept: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Died in between: the next word of the carrier finds both undone."""
    clock = StillClock()
    await asked(kept, clock, deed())
    book = Book(kept, clock, HOME)

    def die(*_: object) -> Script[None]:
        raise RuntimeError("gone")
        yield

    with monkeypatch.context() as patch:  # a patch: nothing else dies inside a transaction
        patch.setattr("bot.store.undelivered.inbox.ingest", die)
        with pytest.raises(RuntimeError):
            await book.moved(fell())
    assert (await book.one("eff_1")).state == "leaving"  # type: ignore[union-attr]
    assert await book.moved(fell())
    assert len(await told(kept)) == 1
