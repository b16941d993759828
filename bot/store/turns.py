"""Turns: claim the next event of a conversation, journal its steps, end it in one commit.

A conversation has at most one turn at a time. Each claim raises its epoch, and every write of a
turn names that epoch: a writer that was overtaken finds no row and is fenced.
"""

from dataclasses import replace

from sqlalchemy import Integer, bindparam, func, select, update

from bot.core.conversation import Claim, Conversation, Line, Step, TurnEnd
from bot.core.effect import Effect
from bot.core.errors import Fenced
from bot.core.event import Ending, Event
from bot.core.times import from_us
from bot.frozen import frozen
from bot.store import albums, approvals, audit, conversations, effects, spends
from bot.store import inbox as inbox_rows
from bot.store.arrivals import Ingested
from bot.store.conversations import CONV, conversation
from bot.store.inbox import EVENT, event_of
from bot.store.journal import holds, of_claim, steps_of
from bot.store.script import (
    Ask,
    Params,
    Row,
    Script,
    Statement,
    one_of,
    restartable,
    restartable_by,
)
from bot.store.tables import conv, inbox

_TENANTS = Statement(
    select(conv.c.tenant)
    .where(conv.c.state == "ready", conv.c.due_at <= bindparam("now"))
    .distinct()
    .order_by(conv.c.tenant)
)
_NEXT = Statement(
    select(conv.c.id)
    .where(
        conv.c.state == "ready",
        conv.c.due_at <= bindparam("now"),
        conv.c.tenant == bindparam("tenant"),
    )
    .order_by(conv.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_TAKE = Statement(
    update(conv)
    .where(
        conv.c.tenant == bindparam("tenant"),
        conv.c.id == bindparam("id"),
        one_of(conv.c.state, "ready", "idle"),
    )
    .values(state="running", owner=bindparam("owner"), epoch=conv.c.epoch + 1)
    .returning(*CONV)
)
_HEAD = Statement(
    select(*EVENT)
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.conv == bindparam("conv"),
        inbox.c.state == "new",
    )
    .order_by(inbox.c.seq)
    .limit(1)
)
_TRIED = Statement(
    update(inbox)
    .where(inbox.c.tenant == bindparam("tenant"), inbox.c.id == bindparam("id"))
    .values(attempts=inbox.c.attempts + 1)
)
_DONE = Statement(
    update(inbox)
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("id"),
        inbox.c.state == "new",
    )
    .values(
        state=bindparam("ending_state"),
        ending=bindparam("new_ending"),
        detail=bindparam("new_detail"),
        ended_at=bindparam("at"),
    )
)
_FIRST = (
    select(inbox.c.seq)
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.conv == bindparam("conv"),
        inbox.c.state == "new",
    )
    .order_by(inbox.c.seq)  # or the planner takes the index of all that the tenant ever sent
    .limit(1)
)
_MORE = Statement(_FIRST.with_only_columns(inbox.c.received_at, inbox.c.body))
_LET_GO_OF = (
    update(conv)
    .where(
        conv.c.tenant == bindparam("tenant"),
        conv.c.id == bindparam("conv"),
        conv.c.epoch == bindparam("epoch"),
        conv.c.state == "running",
    )
    .values(
        state=bindparam("new_state"),
        owner="",
        due_at=bindparam("due"),
        agent=bindparam("new_agent"),
        tainted=bindparam("new_tainted"),
        next_n=conv.c.next_n + bindparam("lines", type_=Integer),
    )
)
_RELEASE = Statement(_LET_GO_OF.returning(conv.c.id))
RELEASED = (
    conv.c.next_n - 1,
    conv.c.next_seq - 1,
    _FIRST.where(inbox.c.id != bindparam("id")).scalar_subquery(),
)
"""The numbers are of the row that is in hand; what waits was looked at before it was."""
_END = Statement(_LET_GO_OF.returning(*RELEASED), before=_DONE)
_VOID = Statement(
    update(conv)
    .where(conv.c.state == "running")
    .values(state="ready", owner="", due_at=bindparam("now"))
    .returning(conv.c.id)
)
_HELD = Statement(
    select(conv.c.id, conv.c.epoch).where(
        conv.c.state == "running", conv.c.owner == bindparam("owner")
    )
)
_LET_GO = Statement(
    update(conv)
    .where(
        conv.c.id == bindparam("id"),
        conv.c.state == "running",
        conv.c.epoch == bindparam("held"),
    )
    .values(state="ready", owner="", due_at=bindparam("now"))
)
_ENDED = Statement(
    select(inbox.c.id).where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("id"),
        inbox.c.state != "new",
    )
)
_ALL = select(func.count()).select_from(conv).where(conv.c.tenant == bindparam("tenant"))
_MANY = {state: Statement(_ALL.where(conv.c.state == state)) for state in ("ready", "running")}


@frozen
class Finished:
    """What a turn left behind."""

    more: bool
    """The conversation has another event waiting."""
    said: Line | None = None
    """The reply's line; None when nothing was said."""
    last: int = 0
    """The last number that its conversation has given out."""


@restartable
def claim(
    owner: str, now: int, limit: int, after: str = "", held: frozenset[str] = frozenset()
) -> Script[list[Claim]]:
    """Take up to `limit` ready conversations, one per tenant in turn, beginning after `after`.

    None of the tenants that are `held`.
    """
    rows = yield Ask(_TENANTS, {"now": now})
    tenants = [row[0] for row in rows if row[0] not in held]
    tenants = [t for t in tenants if t > after] + [t for t in tenants if t <= after]
    claims: list[Claim] = []
    while tenants and len(claims) < limit:
        for tenant in list(tenants):
            if len(claims) >= limit:
                break
            found = yield Ask(_NEXT, {"now": now, "tenant": tenant})
            if not found:
                tenants.remove(tenant)
                continue
            claimed = yield from take(owner, tenant, found[0][0], now)
            if claimed:
                claims.append(claimed)
    return claims


@restartable
def take(owner: str, tenant: str, conv_id: str, now: int) -> Script[Claim | None]:
    """Take one conversation and the first event that waits in it; None when nothing waits."""
    rows = yield Ask(_TAKE, {"tenant": tenant, "id": conv_id, "owner": owner})
    if not rows:
        return None
    where = conversation(rows[0])
    heads = yield Ask(_HEAD, {"tenant": tenant, "conv": conv_id})
    if not heads:
        yield from _release(where, now, "idle")
        return None
    head = heads[0]
    yield Ask(_TRIED, {"tenant": tenant, "id": head[0]})
    history = yield from conversations.history(tenant, where.id, head[8])
    steps: dict[int, Step] = {}
    past: tuple[Effect, ...] = ()
    if head[9]:
        steps = {step.step: step for step in (yield from steps_of(where.tenant, head[0]))}
        past = yield from effects.of_turn(where.tenant, head[0])
    return Claim(
        event=event_of(head),
        seq=head[8],
        conv=where,
        attempt=head[9],
        replay=head[11],
        history=history,
        journal=steps,
        effects=past,
    )


def begin(event: Event, got: Ingested) -> Claim:
    """The claim of an event that was stored and claimed in this very transaction."""
    return Claim(
        event=event,
        seq=got.seq,
        conv=got.conv,
        attempt=0,
        replay=0,
        history=got.history,
        journal={},
        effects=(),
    )


@restartable_by(of_claim, proves=holds)
def finish(claim_: Claim, end: TurnEnd, at: int) -> Script[Finished]:
    """End a turn: its effects, question, reply, costs and ending, in one commit. Raises Fenced."""
    event, where = claim_.event, claim_.conv
    says = bool(end.reply or end.raw or end.approval)
    more, n, last = yield from _close(claim_, end, at, int(says))
    for effect in end.effects:
        yield from effects.plan(effect, at)
    if end.approval:
        yield from approvals.open_(end.approval)
        yield from audit.note(
            event.tenant,
            at,
            f"agent:{end.agent or ''}",
            "approval.asked",
            end.approval.id,
            {"code": end.approval.code, "hash": end.approval.hash},
            event.id,
        )
    said = _last_line(claim_, end, n, at) if says else None
    if said:
        yield from conversations.write(event.tenant, where.id, said)
    for i, spend in enumerate(end.spends):
        yield from spends.settle(claim_, spend, i, end.agent or "", at)
    if end.new_session:
        yield from _new_session(claim_, at)
    return Finished(more=more, said=said, last=last)


def _last_line(claim_: Claim, end: TurnEnd, n: int, at: int) -> Line:
    event = claim_.event
    return Line(
        id=f"msg_{event.id[4:]}" + (f"-{claim_.replay}" if claim_.replay else ""),
        seq=claim_.seq,
        n=n,
        turn=event.id,
        role=end.role,
        text=end.reply,
        at=from_us(at),
        agent=end.agent,
        raw=end.raw,
        approval=end.approval.id if end.approval else None,
        footer=end.footer,
        cause=end.cause,
        attachments=end.attachments,
    )


def _close(claim_: Claim, end: TurnEnd, at: int, lines: int) -> Script[tuple[bool, int, int]]:
    """Mark the ending and let the conversation go, with room for the last line. Raises Fenced.

    Returns whether another event waits to be taken, the position of that line, and the last number
    that was given out.
    """
    event, where = claim_.event, claim_.conv
    agent = end.next_agent or where.agent or end.agent or ""
    rows = yield Ask(
        _END,
        {
            **_let_go_of(where, at, "idle", agent, where.tainted or end.tainted),
            "lines": lines,
            "id": event.id,
            "ending_state": "dead" if end.ending is Ending.FAILED else "done",
            "new_ending": end.ending.value,
            "new_detail": end.detail,
            "at": at,
        },
    )
    if not rows:
        raise Fenced(conv=where.id)
    n, last, waits = rows[0]
    # Only now, with the row of the conversation in hand: what arrives from here on wakes it itself.
    # Whoever leaves something in it takes a number first, so nothing new came without one.
    waiting: list[Row] = []
    if waits is not None or last != claim_.seq:
        waiting = yield Ask(_MORE, {"tenant": event.tenant, "conv": where.id})
    due = max((at, *(albums.open_until(body, received) for received, body in waiting)))
    if waiting:
        yield from inbox_rows.wake(event.tenant, where.id, due)
    yield from audit.note(
        event.tenant,
        at,
        f"agent:{end.agent or ''}",
        f"event.{end.ending.value}",
        event.id,
        {"detail": end.detail} if end.detail else None,
        event.id,
    )
    return bool(waiting) and due <= at, n, last


@restartable
def put_back(claim_: Claim, due: int) -> Script[None]:
    """Let the conversation go without an ending; the event is tried again at `due`."""
    where = claim_.conv
    yield from _release(where, due, "ready")


def _new_session(claim_: Claim, at: int) -> Script[None]:
    """Begin the next session of the claim's conversation, unless it has begun already."""
    conv_id = f"cnv_{claim_.event.id[4:]}"
    found = yield from conversations.current(claim_.event.tenant, claim_.conv.key)
    if found and found[0].session == claim_.conv.session:
        event = replace(claim_.event, text="", agent=None)
        yield from conversations.open_(event, conv_id, claim_.conv.session + 1, at)


def held(owner: str) -> Script[list[tuple[str, int]]]:
    """Conversations that run in the name of a process, each with its epoch."""
    rows = yield Ask(_HELD, {"owner": owner})
    return [(row[0], row[1]) for row in rows]


@restartable
def let_go(conv_id: str, epoch: int, now: int) -> Script[None]:
    """Free a conversation that nobody works on; a task of that epoch is fenced from now on."""
    yield Ask(_LET_GO, {"id": conv_id, "held": epoch, "now": now})


def has_ended(claim_: Claim) -> Script[bool]:
    """Whether the event of a claim has its end."""
    rows = yield Ask(_ENDED, {"tenant": claim_.event.tenant, "id": claim_.event.id})
    return bool(rows)


@restartable
def boot(now: int) -> Script[int]:
    """At start of the only process: nobody holds anything; returns how many turns go on."""
    rows = yield Ask(_VOID, {"now": now})
    return len(rows)


def many(tenant: str, state: str) -> Script[int]:
    """How many conversations of a tenant are `ready` for a turn, or `running`, anywhere.

    For the latter it looks at each of the tenant's.
    """
    rows = yield Ask(_MANY[state], {"tenant": tenant})
    return int(rows[0][0])


def _release(where: Conversation, due: int, state: str) -> Script[None]:
    """Let a conversation go as it was. Raises Fenced."""
    params = _let_go_of(where, due, state, where.agent or "", where.tainted)
    if not (yield Ask(_RELEASE, {**params, "lines": 0})):
        raise Fenced(conv=where.id)


def _let_go_of(where: Conversation, due: int, state: str, agent: str, tainted: bool) -> Params:
    return {
        "tenant": where.tenant,
        "conv": where.id,
        "epoch": where.epoch,
        "new_state": state,
        "due": due,
        "new_agent": agent,
        "new_tainted": int(tainted),
    }
