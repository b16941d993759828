"""The clock's book as rows: schedules, and one row for each time that one fired.

`fire` has the schedule and the time as its key, so a time fires once, however many processes see
it come. A schedule moves on only from the version that was read: a pause in between wins.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from bot.core.errors import Conflict
from bot.core.ids import AgentName, ConvId, PersonId, ScheduleId, TenantId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store.rows import optional
from bot.store.script import Ask, Row, Script, Statement, Value, one_of, restartable
from bot.store.tables_house import fire as fired
from bot.store.tables_house import schedule

_NAMES = (
    "id",
    "tenant",
    "words",
    "trigger",
    "zone",
    "prompt",
    "agent",
    "person",
    "conv",
    "state",
    "next_at",
    "last_at",
    "tainted",
    "version",
    "created_at",
)
_COLUMNS = tuple(schedule.c[name] for name in _NAMES)
_ONE = (schedule.c.tenant == bindparam("tenant"), schedule.c.id == bindparam("id"))
_GET = Statement(lambda: select(*_COLUMNS).where(*_ONE))
_ADD = Statement(lambda: insert(schedule).values({name: bindparam(name) for name in _NAMES}))
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(
            schedule.c.tenant == bindparam("tenant"),
            (schedule.c.conv == bindparam("conv")) | (bindparam("conv") == ""),
            one_of(schedule.c.state, "active", "paused"),
        )
        .order_by(schedule.c.created_at, schedule.c.id)
    )
)
_CHANGE = Statement(
    lambda: (
        update(schedule)
        .where(*_ONE, schedule.c.version == bindparam("seen"))
        .values(
            state=bindparam("state"),
            next_at=bindparam("next_at"),
            skipped=bindparam("skipped"),
            version=schedule.c.version + 1,
        )
        .returning(schedule.c.id)
    )
)
_DUE = Statement(
    lambda: (
        select(*_COLUMNS, schedule.c.skipped)
        .where(schedule.c.state == "active", schedule.c.next_at <= bindparam("now"))
        .order_by(schedule.c.next_at, schedule.c.id)
        .limit(bindparam("limit"))
    )
)
_NEXT = Statement(lambda: select(func.min(schedule.c.next_at)).where(schedule.c.state == "active"))
_FIRED = Statement(
    lambda: select(fired.c.event).where(
        fired.c.tenant == bindparam("tenant"),
        fired.c.schedule == bindparam("schedule"),
        fired.c.fire_at == bindparam("fire_at"),
    )
)
_FIRE = Statement(
    lambda: insert(fired).values(
        {name: bindparam(name) for name in ("tenant", "schedule", "fire_at", "event", "at")}
    )
)
_ADVANCE = Statement(
    lambda: (
        update(schedule)
        .where(*_ONE, schedule.c.version == bindparam("seen"), schedule.c.state == "active")
        .values(
            state=bindparam("new_state"),
            next_at=bindparam("next_at"),
            last_at=bindparam("new_last_at"),
            skipped=bindparam("skipped"),
            version=schedule.c.version + 1,
        )
        .returning(schedule.c.id)
    )
)
_SWEEP = Statement(lambda: delete(fired).where(fired.c.at < bindparam("before")))
_SWEEP_OVER = Statement(
    lambda: delete(schedule).where(
        one_of(schedule.c.state, "done", "cancelled"),
        func.coalesce(schedule.c.last_at, schedule.c.created_at) < bindparam("before"),
    )
)


@frozen
class Due:
    """A schedule whose time has come."""

    schedule: Schedule
    skipped: int
    """Runs that were left out since it last fired."""


@restartable
def add(item: Schedule, most: int) -> Script[bool]:
    """Write a schedule once; False when its conversation has `most` already."""
    known = yield Ask(_GET, {"tenant": item.tenant, "id": item.id})
    if known:
        return True
    alive = yield from listed(item.tenant, item.conv)
    if len(alive) >= most:
        return False
    yield Ask(
        _ADD,
        {
            "id": item.id,
            "tenant": item.tenant,
            "words": item.words,
            "trigger": item.trigger,
            "zone": item.zone,
            "prompt": item.prompt,
            "agent": item.agent,
            "person": item.person,
            "conv": item.conv,
            "state": item.state.value,
            "next_at": optional(item.next_at),
            "last_at": optional(item.last_at),
            "tainted": int(item.tainted),
            "version": item.version,
            "created_at": to_us(item.created_at),
        },
    )
    return True


def get(tenant: str, id_: str) -> Script[Schedule | None]:
    """One schedule."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return _schedule(rows[0]) if rows else None


def listed(tenant: str, conv: str = "") -> Script[list[Schedule]]:
    """The schedules that fire or are paused, oldest first; of one conversation or of all."""
    rows = yield Ask(_LIST, {"tenant": tenant, "conv": conv})
    return [_schedule(row) for row in rows]


@restartable
def change(item: Schedule, state: ScheduleState, next_at: datetime | None) -> Script[Schedule]:
    """Give a schedule another state. Raises Conflict when it moved on in the meantime."""
    rows = yield Ask(
        _CHANGE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "seen": item.version,
            "state": state.value,
            "next_at": optional(next_at),
            "skipped": 0,
        },
    )
    if not rows:
        raise Conflict
    changed = yield from get(item.tenant, item.id)
    if changed is None:
        raise Conflict
    return changed


def due(now: int, limit: int) -> Script[list[Due]]:
    """Schedules of all tenants whose time has come, the latest served last."""
    rows = yield Ask(_DUE, {"now": now, "limit": limit})
    return [Due(schedule=_schedule(row), skipped=row[len(_NAMES)]) for row in rows]


def next_due() -> Script[int | None]:
    """When the next one fires, in microseconds; None when nothing is planned."""
    rows = yield Ask(_NEXT, {})
    return rows[0][0] if rows else None


def fire(item: Schedule, fire_at: datetime, event: str, now: int) -> Script[None]:
    """Claim one time of a schedule. Raises Conflict when it was claimed before."""
    key: dict[str, Value] = {"tenant": item.tenant, "schedule": item.id, "fire_at": to_us(fire_at)}
    seen = yield Ask(_FIRED, key)
    if seen:
        raise Conflict("This time has fired already.")
    yield Ask(_FIRE, {**key, "event": event, "at": now})


def advance(
    item: Schedule, next_at: datetime | None, last_at: datetime | None, skipped: int
) -> Script[None]:
    """Move a schedule on to its next time; without one it is done. Raises Conflict when stale."""
    state = ScheduleState.ACTIVE if next_at else ScheduleState.DONE
    rows = yield Ask(
        _ADVANCE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "seen": item.version,
            "new_state": state.value,
            "next_at": optional(next_at),
            "new_last_at": optional(last_at),
            "skipped": skipped,
        },
    )
    if not rows:
        raise Conflict("The schedule was changed in the meantime.")


@restartable
def sweep(before: int) -> Script[None]:
    """Forget fires, and schedules long over, from before a time."""
    yield Ask(_SWEEP, {"before": before})
    yield Ask(_SWEEP_OVER, {"before": before})


def _schedule(row: Row) -> Schedule:
    (id_, tenant, words, trigger, zone, prompt, agent, person, conv, state) = row[:10]
    next_at, last_at, tainted, version, created_at = row[10:15]
    return Schedule(
        id=ScheduleId(id_),
        tenant=TenantId(tenant),
        words=words,
        trigger=trigger,
        zone=zone,
        prompt=prompt,
        agent=AgentName(agent),
        person=PersonId(person) if person else None,
        conv=ConvId(conv),
        state=ScheduleState(state),
        next_at=None if next_at is None else from_us(next_at),
        last_at=None if last_at is None else from_us(last_at),
        tainted=bool(tainted),
        version=version,
        created_at=from_us(created_at),
    )
