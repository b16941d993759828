"""What an agent takes back of what it asked for: withdrawn once, never altered.

Its effects are never done, and its code decides nothing any more. No outcome is told, for the
agent knows. Doubts and budgets are questions of the house and not the agent's to withdraw.
"""

from dataclasses import replace

from sqlalchemy import bindparam, select

from bot.core.approval import Approval, ApprovalKind, ApprovalState
from bot.core.canonical import Json
from bot.core.conversation import Claim
from bot.core.effect import EffectState
from bot.core.errors import Conflict, NotFound
from bot.core.ids import AgentName
from bot.core.times import from_us
from bot.store import approvals, audit, effects, journal
from bot.store.rows import card_to_json, dumps
from bot.store.script import Ask, Script, Statement
from bot.store.tables import approval

_WAITING = Statement(
    lambda: (
        select(*approvals.COLUMNS)
        .where(
            approval.c.tenant == bindparam("tenant"),
            approval.c.state == "pending",
            approval.c.kind == "approve",
            approval.c.agent == bindparam("agent"),
            (approval.c.conv == bindparam("conv")) | (approval.c.id == bindparam("about")),
        )
        .order_by(approval.c.created_at)
    )
)


def about(claim: Claim) -> str:
    """The approval that a person's question is about; empty for any other event."""
    return str(claim.event.payload.get("about") or "")


def waiting(claim: Claim, agent: AgentName) -> Script[list[Approval]]:
    """What the agent may withdraw in this turn, oldest first."""
    rows = yield Ask(
        _WAITING,
        {
            "tenant": claim.event.tenant,
            "agent": agent,
            "conv": claim.conv.id,
            "about": about(claim),
        },
    )
    return [approvals.approval_of(row) for row in rows]


def withdraw(
    claim: Claim, agent: AgentName, id_: str, why: str, at: int, steps: int
) -> Script[Approval]:
    """Withdraw one; the same again changes nothing. The first `steps` of the turn must be kept.

    Raises NotFound for what this agent did not ask for here, Conflict for what is decided, Fenced,
    StoreError.
    """
    yield from journal.hold(claim, steps)
    item = yield from approvals.get(claim.event.tenant, id_)
    if item is None or not _is_own(item, claim, agent):
        raise NotFound("You asked for no such approval in this conversation.")
    if item.state is ApprovalState.WITHDRAWN:
        return item
    said = f"Withdrawn by {agent} on {from_us(at):%Y-%m-%d at %H:%M} UTC."
    card = replace(item.card, decided=said)
    closed = replace(
        item, state=ApprovalState.WITHDRAWN, card=card, note=why, decided_at=from_us(at)
    )
    if not (
        yield from approvals.decide(item, closed.state, None, why, dumps(card_to_json(card)), at)
    ):
        raise Conflict(item.card.decided or f"This was {item.state.value} already.")
    for effect in (yield from effects.of_approval(item.tenant, item.id)):
        yield from effects.move(effect, EffectState.AWAITING, EffectState.ABANDONED, at)
    details: dict[str, Json] = {"hash": item.hash, "version": item.version, "why": why}
    yield from audit.note(
        item.tenant, at, f"agent:{agent}", "approval.withdrawn", item.id, details, claim.event.id
    )
    return closed


def _is_own(item: Approval, claim: Claim, agent: AgentName) -> bool:
    here = item.conv == claim.conv.id or item.id == about(claim)
    return here and item.agent == agent and item.kind is ApprovalKind.APPROVE
