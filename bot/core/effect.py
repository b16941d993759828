"""One deed outside: a tool's call, a reply, a card, a notice.

    planned → awaiting_approval → ready → sending → sent | failed | in_doubt
                       └→ abandoned                  in_doubt → sent | ready | abandoned

`sending` is committed before the vendor is called. After a crash that row says what to do: send
again with the same key (keyed), look it up (readback), or ask a person (none).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from bot.core.canonical import Json, digest
from bot.core.ids import AgentName, ApprovalId, ConvId, EffectId, EventId, PersonId, TenantId
from bot.frozen import field, frozen


class EffectKind(StrEnum):
    """Who performs it: a tool, or the channel."""

    TOOL = "tool"
    REPLY = "reply"
    CARD = "card"
    NOTICE = "notice"


class Policy(StrEnum):
    """What makes an effect happen once."""

    KEYED = "keyed"
    """The vendor refuses to repeat a key it has seen within `window_s`."""
    READBACK = "readback"
    """It can be looked up whether it happened."""
    NONE = "none"
    """Neither: after a crash a person is asked."""


class EffectState(StrEnum):
    """Where the effect stands; the drawing above has the ways between."""

    PLANNED = "planned"
    AWAITING = "awaiting_approval"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    ABANDONED = "abandoned"


ABREAST = 100
TERMINAL = frozenset({EffectState.SENT, EffectState.FAILED, EffectState.ABANDONED})


@frozen
class Effect:
    """One deed, from plan to proof."""

    id: EffectId
    """Also the root of every idempotency key given to a vendor."""
    tenant: TenantId
    conv: ConvId
    turn: EventId
    step: int
    n: int
    """Position among the calls of one model message. From `ABREAST` on, those of one hundred are
    one call's and do not wait for one another."""
    kind: EffectKind
    tool: str
    """The tool's name, or the channel's for replies, cards and notices."""
    tool_version: int
    agent: AgentName
    person: PersonId | None
    """On whose behalf."""
    connection: str
    arguments: Mapping[str, Json]
    hash: str
    """Binds an approval to exactly this deed; see `bind`."""
    policy: Policy
    state: EffectState
    window_s: int = 0
    approval: ApprovalId | None = None
    doubt: ApprovalId | None = None
    """The question whether it happened, when nobody knows."""
    progress: Mapping[str, Json] = field(default_factory=dict)
    """What repeatable earlier calls left: upload ids, containers, drafts."""
    attempt: int = 0
    vendor_ref: str = ""
    url: str = ""
    error: str = ""
    sandbox: bool = False
    started_at: datetime | None = None


@frozen
class Outcome:
    """What a performer reports."""

    state: EffectState
    """SENT, FAILED (definitely not done) or IN_DOUBT (nobody knows)."""
    vendor_ref: str = ""
    url: str = ""
    data: Json = None
    """A short result for the model; at most a few kB of it are kept."""
    error: str = ""
    """One sentence for the person when it did not work."""
    retry_after_s: float | None = None
    """Set when a failed attempt may be repeated, after so long."""


def bind(
    tenant: TenantId,
    agent: AgentName,
    tool: str,
    tool_version: int,
    arguments: Mapping[str, Json],
    connection: str,
) -> str:
    """Return the hash of everything that a person approves; files count by their sha256."""
    return digest([tenant, agent, tool, tool_version, arguments, connection])


def bound(effect: Effect) -> str:
    """The hash that the effect should have, counted anew from what it would do."""
    deed = (effect.tool, effect.tool_version, effect.arguments, effect.connection)
    return bind(effect.tenant, effect.agent, *deed)
