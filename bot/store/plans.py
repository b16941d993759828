"""Deeds that have their yes and wait for their time: named, and taken back."""

from datetime import datetime

from sqlalchemy import bindparam, select

from bot.core.effect import Effect, EffectState
from bot.core.errors import Forbidden
from bot.core.times import from_us
from bot.store import approvals, audit, decisions, effects, people
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import effect

MOST = 50
_WAITING = Statement(
    select(*effects.COLUMNS, effect.c.due_at)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.conv == bindparam("conv"),
        effect.c.state == "ready",
        effect.c.kind == "tool",
        effect.c.attempt == 0,
        effect.c.due_at > bindparam("now"),
    )
    .order_by(effect.c.due_at, effect.c.id)
    .limit(bindparam("limit"))
)


def waiting(tenant: str, conv: str, now: int) -> Script[list[tuple[datetime, Effect]]]:
    """What a conversation has planned, the next first."""
    rows = yield Ask(_WAITING, {"tenant": tenant, "conv": conv, "now": now, "limit": MOST})
    return [(from_us(row[-1]), effects.effect_of(row[:-1])) for row in rows]


@restartable
def take_back(item: Effect, person: str, agent: str, at: int, ids: decisions.Ids) -> Script[bool]:
    """A planned deed is never done; False when it has begun, or was taken back before.

    Raises Forbidden for who neither asked for it nor may decide about it.
    """
    asked = yield from approvals.hold(item.tenant, item.approval or "")
    known = yield from people.get(item.tenant, person)
    if not known or not (
        person == item.person or (asked and decisions.may_decide(asked, person, known.role))
    ):
        raise Forbidden("Only who asked for it, or who may decide about it, takes it back.")
    moved = yield from effects.move(
        item, EffectState.READY, EffectState.ABANDONED, at, f"taken back by {known.name}"
    )
    if not moved:
        return False
    said = {"tool": item.tool, "hash": item.hash, "agent": agent}
    actor = f"person:{person}"
    yield from audit.note(item.tenant, at, actor, "effect.taken_back", item.id, said, item.turn)
    if asked:
        yield from decisions.settle_group(asked, at, ids)
    return True
