"""The engine, broken on purpose: each control takes one protection away and nothing else.

The checks must complain of every one of these, or they prove nothing. A control patches what is
inside, because what it breaks must not be a setting.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Integer, bindparam, select, update

import scheduler.runner
from agents.runtime.toolset import Toolset
from bot.core.effect import Effect, EffectState, Outcome
from bot.core.errors import StoreError
from bot.core.event import Event
from bot.core.ids import ConvId
from bot.core.ports import Accepted, new_id
from bot.core.times import to_us
from bot.core.tool import Tool, ToolContext
from bot.effects import Effects, _bear
from bot.inbox import Inbox, arrive
from bot.points import point
from bot.store import approvals, decisions, effects, inbox, journal, schedules, turns
from bot.store.script import Ask, Script, Statement
from bot.store.tables import approval, conv, effect

Patch = Callable[[Any, str, Any], None]


def blind_resend(patch: Patch) -> None:
    """After a crash or a silence the call is simply made again."""

    async def resolve(self: Effects, item: Effect) -> Outcome:
        again = await self._db.write(effects.attempt_again(item, self._now()))
        return await self._call(again)

    async def resume(self: Effects, item: Effect) -> Outcome:
        return await self._conclude(item, await resolve(self, item))

    patch(Effects, "_resolve", resolve)
    patch(Effects, "_resume", resume)


def ack_before_commit(patch: Patch) -> None:
    """`accept` returns as soon as the event is on its way to the disk."""

    async def store(self: Inbox, event: Event, body_hash: str = "") -> Accepted:
        ids = (new_id(self._clock, "cnv"), new_id(self._clock, "msg"))
        point("accept.before_commit")
        self._db.post(arrive(event, ids, to_us(self._clock.now()), body_hash, ""))
        self._seats.wake()
        point("accept.after_commit")
        return Accepted(event=event.id, conv=ConvId(ids[0]))

    patch(Inbox, "store", store)


def sending_after_the_call(patch: Patch) -> None:
    """The vendor is called first, and `sending` is written once it has answered."""

    async def perform(self: Effects, item: Effect, claim: Any) -> Outcome:
        now = self._clock.now()
        born = replace(item, state=EffectState.SENDING, attempt=1, started_at=now)
        outcome = await self._call(born)
        await self._db.write(_bear(claim, born, self._now(), ""))
        return await self._conclude(born, outcome)

    async def run_one(self: Effects, item: Effect) -> None:
        outcome = await self._call(item)
        begun = await self._db.write(effects.begin(item.tenant, item.id, self._now()))
        if begun:
            await self._conclude(begun, outcome)

    patch(Effects, "_perform", perform)
    patch(Effects, "_run_one", run_one)


def key_changes_on_retry(patch: Patch) -> None:
    """Each attempt gives the vendor a key of its own."""
    real = Toolset._effect_context

    async def context(self: Toolset, item: Effect, tool: Tool) -> ToolContext:
        return replace(await real(self, item, tool), key=f"{item.id}:{item.attempt}")

    patch(Toolset, "_effect_context", context)


def no_epoch_check(patch: Patch) -> None:
    """Whoever was overtaken writes all the same."""

    def hold(claim: Any, steps: int = 0) -> Script[None]:
        yield from ()

    release = (
        update(conv)
        .where(conv.c.id == bindparam("conv"))
        .values(
            state=bindparam("new_state"),
            owner="",
            due_at=bindparam("due"),
            agent=bindparam("new_agent"),
            tainted=bindparam("new_tainted"),
            next_n=conv.c.next_n + bindparam("lines", type_=Integer),
        )
    )
    end = Statement(release.returning(*turns.RELEASED), before=turns._END.before)
    patch(journal, "hold", hold)
    patch(turns, "_RELEASE", Statement(release.returning(conv.c.id)))
    patch(turns, "_END", end)


def approval_without_compare_and_set(patch: Patch) -> None:
    """A decision is written whatever the question's state is."""
    decide = Statement(
        update(approval)
        .where(approval.c.tenant == bindparam("tenant"), approval.c.id == bindparam("id"))
        .values(
            state=bindparam("new_state"),
            decided_by=bindparam("person"),
            decided_at=bindparam("at"),
            note=bindparam("new_note"),
            card=bindparam("new_card"),
        )
        .returning(approval.c.id)
    )
    move = Statement(
        update(effect)
        .where(effect.c.tenant == bindparam("tenant"), effect.c.id == bindparam("id"))
        .values(
            state=bindparam("new_state"),
            due_at=bindparam("due"),
            error=bindparam("new_error"),
            ended_at=bindparam("ended"),
        )
        .returning(effect.c.id)
    )
    patch(approvals, "_DECIDE", decide)
    patch(effects, "_MOVE", move)
    patch(decisions, "_check_open", lambda item, answer, at: None)


def fire_without_unique_key(patch: Patch) -> None:
    """Neither the fire, nor the schedule's version, nor the event's name keeps a second one out."""
    names = iter(range(1_000_000))

    def fire(item: Any, fire_at: Any, event: str, now: int) -> Script[None]:
        yield from ()

    def advance(item: Any, next_at: Any, last_at: Any, skipped: int) -> Script[None]:
        statement = Statement(
            update(schedules.schedule)
            .where(schedules.schedule.c.id == bindparam("id_"))
            .values(state="done")
        )
        yield Ask(statement, {"id_": item.id})

    patch(schedules, "fire", fire)
    patch(schedules, "advance", advance)
    patch(scheduler.runner, "iso", lambda at: f"{at.isoformat()}#{next(names)}")


def number_without_lock(patch: Patch) -> None:
    """An event's number is read first and written later."""
    next_number = Statement(
        select(conv.c.next_seq).where(
            conv.c.tenant == bindparam("tenant"), conv.c.key == bindparam("key")
        )
    )
    put = Statement(
        update(conv).where(conv.c.id == bindparam("id")).values(next_seq=bindparam("next"))
    )

    def look(event: Event) -> Script[int]:
        rows = yield Ask(next_number, {"tenant": event.tenant, "key": event.conv})
        return rows[0][0] if rows else 1

    def numbered(script: Script[Any], number: int) -> Script[Any]:
        ask = next(script)
        while True:
            rows = yield ask
            if rows and ask.statement in (inbox._ENTER, inbox._SEIZE):
                where = ask.params.get("id") or rows[0][3]
                yield Ask(put, {"id": where, "next": number + 1})
                rows = [(number, *rows[0][1:])]
            try:
                ask = script.send(rows)
            except StopIteration as stop:
                return stop.value

    async def store(self: Inbox, event: Event, body_hash: str = "") -> Accepted:
        ids = (new_id(self._clock, "cnv"), new_id(self._clock, "msg"))
        number = await self._db.read(look(event))
        owner = await self._seats.enter(event.tenant)
        script = arrive(event, ids, to_us(self._clock.now()), body_hash, owner)
        try:
            got, claim = await self._db.write(numbered(script, number))
        except StoreError:
            self._seats.unsure()
            raise
        finally:
            self._seats.entered(event.tenant, owner)
        if claim:
            self._seats.start(claim)
        return Accepted(event=got.event, conv=got.conv.id)

    patch(Inbox, "store", store)


CONTROLS: Mapping[str, Callable[[Patch], None]] = {
    control.__name__: control
    for control in (
        blind_resend,
        ack_before_commit,
        sending_after_the_call,
        key_changes_on_retry,
        no_epoch_check,
        approval_without_compare_and_set,
        fire_without_unique_key,
        number_without_lock,
    )
}


def apply(name: str, patch: Patch = setattr) -> None:
    """Break one thing; an empty name breaks nothing."""
    if name:
        CONTROLS[name](patch)
