"""Deeds that have their yes and wait for their time: named, and taken back."""

from datetime import datetime

from sqlalchemy import bindparam, select

from bot.core.effect import Effect, EffectState
from bot.core.errors import Forbidden
from bot.core.times import from_us
from bot.store import approvals, audit, decisions, effects, people
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables import effect

MOST, MOST_LOOKED = 50, 500
"""So many are named, of so many that are looked at."""
_WAITS = (
    select(*effects.COLUMNS, effect.c.due_at)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.state == "ready",
        effect.c.kind == "tool",
        effect.c.attempt == 0,
        effect.c.due_at > bindparam("now"),
    )
    .order_by(effect.c.due_at, effect.c.id)
    .limit(bindparam("limit"))
)
_HERE = Statement(lambda: _WAITS.where(effect.c.conv == bindparam("conv")))
_ALL = Statement(lambda: _WAITS)
_ONE = Statement(lambda: _WAITS.where(effect.c.id == bindparam("id")))
Planned = tuple[datetime, Effect]


def waiting(tenant: str, conv: str, now: int) -> Script[list[Planned]]:
    """What a conversation has planned, the next first."""
    rows = yield Ask(_HERE, {"tenant": tenant, "conv": conv, "now": now, "limit": MOST})
    return [_planned(row) for row in rows]


def theirs(tenant: str, person: str, now: int) -> Script[list[Planned]]:
    """What a person may take back, in whichever conversation, the next first."""
    rows = yield Ask(_ALL, {"tenant": tenant, "now": now, "limit": MOST_LOOKED})
    found: list[Planned] = []
    for at, item in map(_planned, rows):
        if len(found) < MOST and (yield from _may(item, person)):
            found.append((at, item))
    return found


def one(tenant: str, conv: str, person: str, id_: str, now: int) -> Script[Planned | None]:
    """One that is of this conversation, or that the person may take back."""
    rows = yield Ask(_ONE, {"tenant": tenant, "id": id_, "now": now, "limit": 1})
    if not rows:
        return None
    at, item = _planned(rows[0])
    return (at, item) if item.conv == conv or (yield from _may(item, person)) else None


def is_taken_back(tenant: str, conv: str, person: str, id_: str) -> Script[bool]:
    """Whether one, of this conversation or of the person's, will never be done."""
    past = yield from effects.get(tenant, id_)
    if past is None or past.state is not EffectState.ABANDONED:
        return False
    return past.conv == conv or (yield from _may(past, person))


def _planned(row: Row) -> Planned:
    return from_us(row[-1]), effects.effect_of(row[:-1])


def _may(item: Effect, person: str) -> Script[bool]:
    """Whether a person of the tenant asked for it, or may decide about it."""
    known = yield from people.get(item.tenant, person)
    if not known or person == item.person:
        return known is not None
    asked = yield from approvals.get(item.tenant, item.approval or "")
    return asked is not None and decisions.may_decide(asked, person, known.role)


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
