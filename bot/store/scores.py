"""A tenant's score: one number, and what it became each time, by whom and why.

The id of a change is that of its effect, so the same change is made once however often it is asked
for. The number and its history are written in one commit, with a line in the audit.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.core.canonical import Json
from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Params, Script, Statement, restartable
from bot.store.tables_house import score, score_change
from bot.store.upsert import insert_once, insert_over, portable

_NAMES = ("tenant", "id", "reason", "person", "agent", "at")
_BEGIN = Statement(lambda: insert_once(score_change, *_NAMES).returning(score_change.c.id))
_MADE = Statement(
    lambda: select(score_change.c.value).where(
        score_change.c.tenant == bindparam("tenant"), score_change.c.id == bindparam("id")
    )
)
_SET = Statement(lambda: insert_over(score, "tenant", "value", "at").returning(score.c.value))
_added = insert(score).values({name: bindparam(name) for name in ("tenant", "value", "at")})
_ADD = Statement(
    lambda: portable(
        _added.on_conflict_do_update(
            index_elements=["tenant"],
            set_={"value": score.c.value + _added.excluded.value, "at": _added.excluded.at},
        )
    ).returning(score.c.value)
)
_END = Statement(
    lambda: (
        update(score_change)
        .where(score_change.c.tenant == bindparam("tenant"), score_change.c.id == bindparam("id"))
        .values(value=bindparam("value"))
    )
)
_NOW = Statement(lambda: select(score.c.value).where(score.c.tenant == bindparam("tenant")))
_HISTORY = Statement(
    lambda: (
        select(*(score_change.c[name] for name in ("value", "reason", "person", "agent", "at")))
        .where(score_change.c.tenant == bindparam("tenant"))
        .order_by(score_change.c.at.desc(), score_change.c.id.desc())
        .limit(bindparam("limit"))
    )
)


@frozen
class Change:
    """One change of a tenant's score."""

    tenant: str
    id: str
    """The same for the same deed, however often it is tried."""
    number: int
    """The new value, or what is added to the old one."""
    is_added: bool
    reason: str
    person: str
    agent: str
    at: int
    """Microseconds since 1970, UTC."""


@frozen
class Past:
    """What the score became once."""

    value: int
    reason: str
    person: str
    agent: str
    at: int


@restartable
def change(asked: Change) -> Script[int]:
    """Change the score, once for each id; returns what it became by that change."""
    mine = {"tenant": asked.tenant, "id": asked.id}
    about = {"reason": asked.reason, "person": asked.person, "agent": asked.agent}
    begun = yield Ask(_BEGIN, {**mine, **about, "at": asked.at})
    if not begun:
        rows = yield Ask(_MADE, mine)
        made: int = rows[0][0]
        return made
    statement = _ADD if asked.is_added else _SET
    number: Params = {"tenant": asked.tenant, "value": asked.number, "at": asked.at}
    rows = yield Ask(statement, number)
    value: int = rows[0][0]
    yield Ask(_END, {**mine, "value": value})
    actor = f"person:{asked.person}" if asked.person else f"agent:{asked.agent}"
    details: dict[str, Json] = {"value": value, "agent": asked.agent}
    yield from audit.note(asked.tenant, asked.at, actor, "score.changed", asked.id, details)
    return value


def now(tenant: str) -> Script[int | None]:
    """What the score is; None while nobody has set it."""
    rows = yield Ask(_NOW, {"tenant": tenant})
    return rows[0][0] if rows else None


def history(tenant: str, limit: int) -> Script[Sequence[Past]]:
    """What it was, newest first."""
    rows = yield Ask(_HISTORY, {"tenant": tenant, "limit": limit})
    return [Past(value=r[0], reason=r[1], person=r[2], agent=r[3], at=r[4]) for r in rows]
