"""Effects: planned, asked, sent, settled. Every way between states is one compare-and-set here."""

from sqlalchemy import bindparam, exists, insert, select, update

from bot.core.canonical import Json
from bot.core.effect import ABREAST, Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import Fenced
from bot.core.ids import AgentName, ApprovalId, ConvId, EffectId, EventId, PersonId, TenantId
from bot.core.times import from_us
from bot.store import audit
from bot.store.rows import dumps, loads
from bot.store.script import Ask, Params, Row, Script, Statement, one_of, restartable
from bot.store.tables import effect, inbox

_NAMES = (
    "id", "tenant", "conv", "turn", "step", "n", "kind", "tool", "tool_version", "agent", "person",
    "connection", "arguments", "hash", "policy", "window_s", "state", "approval", "doubt",
    "progress", "attempt", "vendor_ref", "url", "error", "sandbox", "started_at",
)  # fmt: skip
_BESIDE = ("owner", "due_at", "ended_at")
COLUMNS = tuple(effect.c[name] for name in _NAMES)
_PLAN = Statement(insert(effect).values({name: bindparam(name) for name in (*_NAMES, *_BESIDE)}))
_OF_TURN = Statement(
    select(*COLUMNS)
    .where(effect.c.tenant == bindparam("tenant"), effect.c.turn == bindparam("turn"))
    .order_by(effect.c.step, effect.c.n)
)
_OF_APPROVAL = Statement(
    select(*COLUMNS)
    .where(
        effect.c.tenant == bindparam("tenant"),
        (effect.c.approval == bindparam("approval")) | (effect.c.doubt == bindparam("approval")),
    )
    .order_by(effect.c.step, effect.c.n)
)
_GET = Statement(
    select(*COLUMNS).where(effect.c.tenant == bindparam("tenant"), effect.c.id == bindparam("id"))
)
_EARLIER = effect.alias("earlier")
_IS_FIRST = ~exists().where(
    _EARLIER.c.tenant == effect.c.tenant,
    _EARLIER.c.approval == effect.c.approval,
    (_EARLIER.c.state == "sending")
    | (
        (_EARLIER.c.state == "ready")
        & ((_EARLIER.c.attempt > 0) | (_EARLIER.c.due_at <= bindparam("now")))
    ),
    (_EARLIER.c.step < effect.c.step)
    | (
        (_EARLIER.c.step == effect.c.step)
        & (_EARLIER.c.n < effect.c.n)
        & ((effect.c.n < ABREAST) | (_EARLIER.c.n < effect.c.n - effect.c.n % ABREAST))
    ),
)
"""Whether all that one question covers before it has ended; deeds abreast do not wait,
and nobody waits for one that is planned for later."""
_READY = Statement(
    select(*COLUMNS)
    .where(effect.c.state == "ready", effect.c.due_at <= bindparam("now"), _IS_FIRST)
    .order_by(effect.c.due_at, effect.c.approval, effect.c.step, effect.c.n)
    .limit(bindparam("limit"))
)
_STUCK = Statement(
    select(*COLUMNS, effect.c.owner)
    .join(inbox, inbox.c.id == effect.c.turn)
    .where(
        effect.c.state == "sending",
        effect.c.kind == "tool",
        effect.c.approval.is_not(None) | effect.c.doubt.is_not(None) | (inbox.c.state != "new"),
    )
    .order_by(effect.c.approval, effect.c.step, effect.c.n)
)
_NEXT_DUE = Statement(
    select(effect.c.due_at)
    .where(effect.c.state == "ready", _IS_FIRST)
    .order_by(effect.c.due_at)
    .limit(1)
)
_BEGIN = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        one_of(effect.c.state, "ready", "planned"),
    )
    .values(
        state="sending",
        attempt=effect.c.attempt + 1,
        started_at=bindparam("at"),
        owner=bindparam("new_owner"),
    )
    .returning(*COLUMNS)
)
_AGAIN = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        effect.c.state == "sending",
        effect.c.attempt == bindparam("was"),
    )
    .values(attempt=effect.c.attempt + 1, owner=bindparam("new_owner"))
    .returning(*COLUMNS)
)
_SETTLE = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        one_of(effect.c.state, "sending", "in_doubt"),
    )
    .values(
        state=bindparam("new_state"),
        vendor_ref=bindparam("ref"),
        url=bindparam("new_url"),
        error=bindparam("new_error"),
        result=bindparam("new_result"),
        ended_at=bindparam("at"),
    )
    .returning(*COLUMNS)
)
_RETRY = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        effect.c.state == "sending",
    )
    .values(state="ready", due_at=bindparam("due"), error=bindparam("new_error"))
    .returning(effect.c.id)
)
_DOUBT = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        effect.c.state == "sending",
    )
    .values(state="in_doubt", doubt=bindparam("question"), error=bindparam("new_error"))
    .returning(effect.c.id)
)
_MOVE = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        effect.c.state == bindparam("was"),
    )
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("due"),
        error=bindparam("new_error"),
        ended_at=bindparam("ended"),
    )
    .returning(effect.c.id)
)
_CHANGE = Statement(
    update(effect)
    .where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("id"),
        effect.c.state == "awaiting_approval",
    )
    .values(arguments=bindparam("new_arguments"), hash=bindparam("new_hash"))
    .returning(effect.c.id)
)
_PROGRESS = Statement(
    update(effect)
    .where(effect.c.tenant == bindparam("tenant"), effect.c.id == bindparam("id"))
    .values(progress=bindparam("new_progress"))
)


def effect_of(row: Row) -> Effect:
    """The effect of the columns `COLUMNS`."""
    return Effect(
        id=EffectId(row[0]),
        tenant=TenantId(row[1]),
        conv=ConvId(row[2]),
        turn=EventId(row[3]),
        step=row[4],
        n=row[5],
        kind=EffectKind(row[6]),
        tool=row[7],
        tool_version=row[8],
        agent=AgentName(row[9]),
        person=PersonId(row[10]) if row[10] else None,
        connection=row[11],
        arguments=loads(row[12]),
        hash=row[13],
        policy=Policy(row[14]),
        window_s=row[15],
        state=EffectState(row[16]),
        approval=ApprovalId(row[17]) if row[17] else None,
        doubt=ApprovalId(row[18]) if row[18] else None,
        progress=loads(row[19]),
        attempt=row[20],
        vendor_ref=row[21],
        url=row[22],
        error=row[23],
        sandbox=bool(row[24]),
        started_at=from_us(row[25]) if row[25] else None,
    )


def plan(item: Effect, at: int, owner: str = "") -> Script[None]:
    """Write a new effect in the state that it carries; one born `sent` has its end as well.

    `owner` is the process that performs it now.
    """
    born_at = at if item.state in (EffectState.SENDING, EffectState.SENT) else None
    yield Ask(
        _PLAN,
        {
            "id": item.id,
            "tenant": item.tenant,
            "conv": item.conv,
            "turn": item.turn,
            "step": item.step,
            "n": item.n,
            "kind": item.kind.value,
            "tool": item.tool,
            "tool_version": item.tool_version,
            "agent": item.agent,
            "person": item.person,
            "connection": item.connection,
            "arguments": dumps(item.arguments),
            "hash": item.hash,
            "policy": item.policy.value,
            "window_s": item.window_s,
            "state": item.state.value,
            "approval": item.approval,
            "doubt": item.doubt,
            "progress": dumps(item.progress),
            "attempt": item.attempt,
            "vendor_ref": item.vendor_ref,
            "url": item.url,
            "error": item.error,
            "sandbox": int(item.sandbox),
            "owner": owner,
            "started_at": born_at,
            "due_at": at,
            "ended_at": at if item.state is EffectState.SENT else None,
        },
    )
    if item.state is EffectState.SENDING:
        yield from _tell(item, at, "effect.sending", {"attempt": item.attempt})


@restartable
def begin(tenant: str, id_: str, at: int, owner: str = "") -> Script[Effect | None]:
    """ready → sending, to be committed before the call; None when somebody else has it."""
    rows = yield Ask(_BEGIN, {"tenant": tenant, "id": id_, "at": at, "new_owner": owner})
    if not rows:
        return None
    item = effect_of(rows[0])
    yield from _tell(item, at, "effect.sending", {"attempt": item.attempt})
    return item


@restartable
def attempt_again(item: Effect, at: int, owner: str = "") -> Script[Effect]:
    """Count one more attempt of an effect that is `sending` since before a crash."""
    mine: Params = {"tenant": item.tenant, "id": item.id, "was": item.attempt, "new_owner": owner}
    rows = yield Ask(_AGAIN, mine)
    if not rows:
        raise Fenced(effect=item.id)
    again = effect_of(rows[0])
    yield from _tell(again, at, "effect.sending", {"attempt": again.attempt})
    return again


@restartable
def settle(item: Effect, outcome: Outcome, at: int) -> Script[Effect | None]:
    """sending → sent or failed; None when it was settled before."""
    rows = yield Ask(
        _SETTLE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "new_state": outcome.state.value,
            "ref": outcome.vendor_ref,
            "new_url": outcome.url,
            "new_error": outcome.error,
            "new_result": dumps(outcome.data) if outcome.data is not None else "",
            "at": at,
        },
    )
    if not rows:
        return None
    settled = effect_of(rows[0])
    details: dict[str, Json] = {"ref": outcome.vendor_ref, "error": outcome.error}
    yield from _tell(settled, at, f"effect.{settled.state.value}", details)
    return settled


@restartable
def retry(item: Effect, due: int, error: str, at: int) -> Script[bool]:
    """sending → ready, later: it was definitely not done and may be tried again."""
    rows = yield Ask(_RETRY, {"tenant": item.tenant, "id": item.id, "due": due, "new_error": error})
    if rows:
        yield from _tell(item, at, "effect.retry", {"error": error})
    return bool(rows)


def doubt(item: Effect, question: str, error: str, at: int) -> Script[bool]:
    """sending → in_doubt, with the question that was asked about it."""
    rows = yield Ask(
        _DOUBT,
        {"tenant": item.tenant, "id": item.id, "question": question, "new_error": error},
    )
    if rows:
        yield from _tell(item, at, "effect.in_doubt", {"error": error, "question": question})
    return bool(rows)


def move(
    item: Effect, was: EffectState, new: EffectState, at: int, error: str = "", due: int = 0
) -> Script[bool]:
    """One step by a person's decision; False when it is no longer where it was.

    `due` is when it may be done, if that is later.
    """
    rows = yield Ask(
        _MOVE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "was": was.value,
            "new_state": new.value,
            "due": max(at, due),
            "new_error": error,
            "ended": at if new in (EffectState.ABANDONED, EffectState.SENT) else None,
        },
    )
    return bool(rows)


def change(item: Effect, arguments: object, hash_: str) -> Script[bool]:
    """Give a waiting effect the arguments that a person edited."""
    rows = yield Ask(
        _CHANGE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "new_arguments": dumps(arguments),
            "new_hash": hash_,
        },
    )
    return bool(rows)


@restartable
def keep_progress(tenant: str, id_: str, progress: object) -> Script[None]:
    """Keep what a repeatable earlier call left."""
    yield Ask(_PROGRESS, {"tenant": tenant, "id": id_, "new_progress": dumps(progress)})


def of_turn(tenant: str, turn: str) -> Script[tuple[Effect, ...]]:
    """The effects of a turn, in order."""
    rows = yield Ask(_OF_TURN, {"tenant": tenant, "turn": turn})
    return tuple(effect_of(row) for row in rows)


def of_approval(tenant: str, approval: str) -> Script[tuple[Effect, ...]]:
    """What an approval or a doubt covers, in the order shown."""
    rows = yield Ask(_OF_APPROVAL, {"tenant": tenant, "approval": approval})
    return tuple(effect_of(row) for row in rows)


def get(tenant: str, id_: str) -> Script[Effect | None]:
    """One effect."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return effect_of(rows[0]) if rows else None


def ready(now: int, limit: int) -> Script[list[Effect]]:
    """Effects that may be sent now, oldest first; of one question only the next."""
    rows = yield Ask(_READY, {"now": now, "limit": limit})
    return [effect_of(row) for row in rows]


def stuck() -> Script[list[tuple[str, Effect]]]:
    """Effects that are `sending` and that no turn will bring to an end, each with its process."""
    rows = yield Ask(_STUCK, {})
    return [(row[len(_NAMES)], effect_of(row)) for row in rows]


def next_due(now: int) -> Script[int | None]:
    """When the next ready effect is due."""
    rows = yield Ask(_NEXT_DUE, {"now": now})
    return rows[0][0] if rows else None


def _tell(item: Effect, at: int, action: str, details: dict[str, Json]) -> Script[None]:
    said: dict[str, Json] = {"tool": item.tool, "hash": item.hash, **details}
    if item.sandbox:
        said["sandbox"] = True
    yield from audit.note(item.tenant, at, f"agent:{item.agent}", action, item.id, said, item.turn)
