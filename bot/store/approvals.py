"""Approvals: asked, voted, decided once, by one compare-and-set on state, version and hash."""

from sqlalchemy import bindparam, func, insert, select, update

from bot.core.approval import Approval, ApprovalKind, ApprovalState
from bot.core.errors import Conflict
from bot.core.ids import AgentName, ApprovalId, ConvId, EventId, PersonId, TenantId
from bot.core.times import from_us, to_us
from bot.store import codes
from bot.store.rows import card_from, card_to_json, dumps, loads
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables import approval, vote
from bot.store.tables_people import person
from bot.store.upsert import insert_once

_NAMES = (
    "id",
    "tenant",
    "kind",
    "code",
    "version",
    "hash",
    "state",
    "needs",
    "approvers",
    "conv",
    "turn",
    "agent",
    "requested_by",
    "why",
    "card",
    "created_at",
    "expires_at",
    "decided_by",
    "decided_at",
    "note",
)
COLUMNS = tuple(approval.c[name] for name in _NAMES)
"""What `approval_of` reads."""
_OPEN = Statement(lambda: insert(approval).values({name: bindparam(name) for name in _NAMES}))
_OF_ID = select(*COLUMNS).where(
    approval.c.tenant == bindparam("tenant"), approval.c.id == bindparam("id")
)
_GET = Statement(lambda: _OF_ID)
_HOLD = Statement(lambda: _OF_ID.with_for_update())
_BY_CODE = Statement(
    lambda: select(*COLUMNS).where(
        approval.c.tenant == bindparam("tenant"),
        approval.c.code == bindparam("code"),
        approval.c.state == "pending",
    )
)
_ENDED = Statement(
    select(*COLUMNS)
    .where(
        approval.c.tenant == bindparam("tenant"),
        approval.c.code == bindparam("code"),
        approval.c.state != "pending",
        approval.c.decided_at >= bindparam("since"),
    )
    .order_by(approval.c.decided_at.desc())
    .limit(1)
)
_LIST = Statement(
    lambda: (
        select(*COLUMNS)
        .where(
            approval.c.tenant == bindparam("tenant"),
            (approval.c.state == bindparam("state")) | (bindparam("state") == ""),
            approval.c.created_at < bindparam("before"),
        )
        .order_by(approval.c.created_at.desc())
        .limit(bindparam("limit"))
    )
)
_DECIDE = Statement(
    lambda: (
        update(approval)
        .where(
            approval.c.tenant == bindparam("tenant"),
            approval.c.id == bindparam("id"),
            approval.c.state == "pending",
            approval.c.version == bindparam("seen"),
            approval.c.hash == bindparam("seen_hash"),
        )
        .values(
            state=bindparam("new_state"),
            decided_by=bindparam("person"),
            decided_at=bindparam("at"),
            note=bindparam("new_note"),
            card=bindparam("new_card"),
        )
        .returning(approval.c.id)
    )
)
_REVISE = Statement(
    lambda: (
        update(approval)
        .where(
            approval.c.tenant == bindparam("tenant"),
            approval.c.id == bindparam("id"),
            approval.c.state == "pending",
            approval.c.version == bindparam("seen"),
        )
        .values(
            version=approval.c.version + 1,
            hash=bindparam("new_hash"),
            card=bindparam("new_card"),
            needs=bindparam("new_needs"),
            approvers=bindparam("new_approvers"),
        )
        .returning(approval.c.version)
    )
)
_VOTE = Statement(
    lambda: insert_once(vote, "approval", "version", "person", "tenant", "choice", "at")
)
_VOTERS = Statement(
    lambda: (
        select(person.c.id, person.c.role)
        .join(vote, (vote.c.person == person.c.id) & (vote.c.tenant == person.c.tenant))
        .where(
            vote.c.tenant == bindparam("tenant"),
            vote.c.approval == bindparam("id"),
            vote.c.version == bindparam("version"),
            vote.c.choice == "approve",
            person.c.removed_at.is_(None),
        )
    )
)
_DUE = Statement(
    lambda: (
        select(*COLUMNS)
        .where(approval.c.state == "pending", approval.c.expires_at <= bindparam("now"))
        .order_by(approval.c.expires_at)
        .limit(50)
    )
)
_WAITING = Statement(
    lambda: (
        select(*COLUMNS)
        .where(
            approval.c.state == "pending",
            approval.c.reminded_at.is_(None),
            approval.c.created_at <= bindparam("before"),
        )
        .order_by(approval.c.created_at)
        .limit(bindparam("limit"))
    )
)
_REMIND = Statement(
    lambda: (
        update(approval)
        .where(approval.c.tenant == bindparam("tenant"), approval.c.id == bindparam("id"))
        .values(reminded_at=bindparam("now"))
    )
)
_PENDING = Statement(
    lambda: select(func.count()).where(
        approval.c.tenant == bindparam("tenant"), approval.c.state == "pending"
    )
)
_DOUBTS = Statement(
    lambda: select(func.count()).where(
        approval.c.tenant == bindparam("tenant"),
        approval.c.state == "pending",
        approval.c.kind == "doubt",
    )
)
_BUDGETS = Statement(
    lambda: select(func.count()).where(
        approval.c.tenant == bindparam("tenant"),
        approval.c.state == "pending",
        approval.c.kind == "budget",
    )
)
_ASKED = Statement(
    lambda: select(func.count()).where(
        approval.c.tenant == bindparam("tenant"),
        approval.c.conv == bindparam("conv"),
        approval.c.created_at > bindparam("since"),
    )
)


def approval_of(row: Row) -> Approval:
    """The approval of `COLUMNS`."""
    return Approval(
        id=ApprovalId(row[0]),
        tenant=TenantId(row[1]),
        kind=ApprovalKind(row[2]),
        code=row[3],
        version=row[4],
        hash=row[5],
        state=ApprovalState(row[6]),
        needs=row[7],
        approvers=tuple(PersonId(p) for p in loads(row[8])),
        conv=ConvId(row[9]),
        turn=EventId(row[10]),
        agent=AgentName(row[11]),
        requested_by=PersonId(row[12]) if row[12] else None,
        why=row[13],
        card=card_from(loads(row[14])),
        created_at=from_us(row[15]),
        expires_at=from_us(row[16]),
        decided_by=PersonId(row[17]) if row[17] else None,
        decided_at=from_us(row[18]) if row[18] else None,
        note=row[19],
    )


class CodeTaken(Conflict):
    """Another question that waits has this code."""


@restartable
def draw(tenant: str, code: str, holder: str, at: int) -> Script[bool]:
    """Hold a code for a turn, or for a question of doubt; False when it is another's."""
    if (yield from by_code(tenant, code)):
        return False
    return (yield from codes.hold(tenant, code, holder, at))


def open_(item: Approval) -> Script[None]:
    """Write a new question. Raises CodeTaken."""
    holder = item.id if item.kind is ApprovalKind.DOUBT else item.turn
    if (yield from codes.holder_of(item.tenant, item.code)) not in ("", holder):
        raise CodeTaken
    if (yield from by_code(item.tenant, item.code)):
        raise CodeTaken
    yield Ask(
        _OPEN,
        {
            "id": item.id,
            "tenant": item.tenant,
            "kind": item.kind.value,
            "code": item.code,
            "version": item.version,
            "hash": item.hash,
            "state": item.state.value,
            "needs": item.needs,
            "approvers": dumps(item.approvers),
            "conv": item.conv,
            "turn": item.turn,
            "agent": item.agent,
            "requested_by": item.requested_by,
            "why": item.why,
            "card": dumps(card_to_json(item.card)),
            "created_at": to_us(item.created_at),
            "expires_at": to_us(item.expires_at),
            "decided_by": None,
            "decided_at": None,
            "note": "",
        },
    )


def get(tenant: str, id_: str) -> Script[Approval | None]:
    """One question."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return approval_of(rows[0]) if rows else None


def hold(tenant: str, id_: str) -> Script[Approval | None]:
    """One question, which nobody else changes before this transaction is over.

    Two votes, or the ends of two effects, would otherwise each miss the other.
    """
    rows = yield Ask(_HOLD, {"tenant": tenant, "id": id_})
    return approval_of(rows[0]) if rows else None


def by_code(tenant: str, code: str) -> Script[Approval | None]:
    """The pending question of a code."""
    rows = yield Ask(_BY_CODE, {"tenant": tenant, "code": code})
    return approval_of(rows[0]) if rows else None


def ended(tenant: str, code: str, since: int) -> Script[Approval | None]:
    """The latest question that had this code and was decided since then."""
    rows = yield Ask(_ENDED, {"tenant": tenant, "code": code, "since": since})
    return approval_of(rows[0]) if rows else None


def listed(tenant: str, state: str, before: int, limit: int) -> Script[list[Approval]]:
    """Questions, latest first; `state` "" is any."""
    params: Params = {"tenant": tenant, "state": state, "before": before, "limit": limit}
    rows = yield Ask(_LIST, params)
    return [approval_of(row) for row in rows]


def decide(
    item: Approval, state: ApprovalState, person: str | None, note: str, card: str, at: int
) -> Script[bool]:
    """pending → decided, if it is still the version and hash that `item` has."""
    rows = yield Ask(
        _DECIDE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "seen": item.version,
            "seen_hash": item.hash,
            "new_state": state.value,
            "person": person,
            "at": at,
            "new_note": note,
            "new_card": card,
        },
    )
    return bool(rows)


def revise(item: Approval, card: str) -> Script[int | None]:
    """Give the question its edited form and a new version, which voids earlier votes.

    `item` is as edited, but for the version, which is the one that was seen.
    """
    rows = yield Ask(
        _REVISE,
        {
            "tenant": item.tenant,
            "id": item.id,
            "seen": item.version,
            "new_hash": item.hash,
            "new_card": card,
            "new_needs": item.needs,
            "new_approvers": dumps(item.approvers),
        },
    )
    return rows[0][0] if rows else None


def cast(item: Approval, voter: str, choice: str, at: int) -> Script[list[tuple[str, str]]]:
    """Write one person's vote on this version; the id and role of all who are for it and here."""
    yield Ask(
        _VOTE,
        {
            "approval": item.id,
            "version": item.version,
            "person": voter,
            "tenant": item.tenant,
            "choice": choice,
            "at": at,
        },
    )
    rows = yield Ask(_VOTERS, {"tenant": item.tenant, "id": item.id, "version": item.version})
    return [(row[0], row[1]) for row in rows]


def due(now: int) -> Script[list[Approval]]:
    """Pending questions whose time is over."""
    rows = yield Ask(_DUE, {"now": now})
    return [approval_of(row) for row in rows]


@restartable
def remind(before: int, now: int, limit: int) -> Script[list[Approval]]:
    """Pending questions older than `before` that nobody was reminded of; marks them."""
    rows = yield Ask(_WAITING, {"before": before, "limit": limit})
    waiting = [approval_of(row) for row in rows]
    for item in waiting:
        yield Ask(_REMIND, {"tenant": item.tenant, "id": item.id, "now": now})
    return waiting


def pending(tenant: str) -> Script[int]:
    """How many questions wait."""
    rows = yield Ask(_PENDING, {"tenant": tenant})
    return int(rows[0][0])


def doubts(tenant: str) -> Script[int]:
    """How many pending questions are doubts."""
    rows = yield Ask(_DOUBTS, {"tenant": tenant})
    return int(rows[0][0])


def budgets_waiting(tenant: str) -> Script[int]:
    """How many pending questions are about the budget."""
    rows = yield Ask(_BUDGETS, {"tenant": tenant})
    return int(rows[0][0])


def asked_since(tenant: str, conv: str, since: int) -> Script[int]:
    """How many questions a conversation has asked since a time."""
    rows = yield Ask(_ASKED, {"tenant": tenant, "conv": conv, "since": since})
    return int(rows[0][0])
