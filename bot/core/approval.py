"""A question to a person that a deed waits for.

It covers one or more effects, is bound to their exact arguments by a hash, is answered once, by
someone who may, and outlives restarts because it is rows and nothing else.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.ids import AgentName, ApprovalId, ConvId, EffectId, EventId, PersonId, TenantId
from bot.frozen import field, frozen


class ApprovalKind(StrEnum):
    """What is asked."""

    APPROVE = "approve"
    """May this be done?"""
    DOUBT = "doubt"
    """This may have been done already; what now?"""
    BUDGET = "budget"
    """The money for thinking is used up; go on?"""


class ApprovalState(StrEnum):
    """Where the question stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Decision(StrEnum):
    """What a person may answer. The last three answer a doubt."""

    APPROVE = "approve"
    EDIT = "edit"
    ASK = "ask"
    REJECT = "reject"
    THERE = "there"
    """It is there: count it as sent."""
    AGAIN = "again"
    """It is not there: do it again."""
    LEAVE = "leave"
    """Leave it."""


@frozen
class Approval:
    """One question, as stored."""

    id: ApprovalId
    tenant: TenantId
    kind: ApprovalKind
    code: str
    """Four digits or more, unique among the tenant's pending ones, for channels without buttons."""
    version: int
    hash: str
    state: ApprovalState
    needs: int
    """Votes needed."""
    approvers: tuple[PersonId, ...]
    """Who may decide, by name; empty means the owners."""
    conv: ConvId
    """Where it was asked."""
    turn: EventId
    agent: AgentName
    requested_by: PersonId | None
    why: str
    card: Card
    created_at: datetime
    expires_at: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    note: str = ""


@frozen
class Answer:
    """One person's answer, on its way to be decided."""

    approval: ApprovalId
    decision: Decision
    person: PersonId
    version: int | None = None
    """The version the person saw; a stale one decides nothing."""
    arguments: Mapping[EffectId, Mapping[str, Json] | None] = field(default_factory=dict)
    """For an edit: the new arguments per effect; None strikes the effect out."""
    note: str = ""
    channel: str = ""
