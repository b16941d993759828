"""A conversation, its lines, and the claim that lets one turn work on it."""

from collections.abc import Mapping
from datetime import datetime

from bot.core.approval import Approval
from bot.core.effect import Effect
from bot.core.event import Attachment, Ending, Event
from bot.core.ids import AgentName, ApprovalId, ConvId, ConvKey, EventId, PersonId, TenantId
from bot.core.model import ModelMessage, Usage
from bot.frozen import frozen


@frozen
class Conversation:
    """One session of one conversation: the unit of order."""

    id: ConvId
    tenant: TenantId
    key: ConvKey
    session: int
    channel: str
    account: str
    place: str
    thread: str
    person: PersonId | None
    agent: AgentName | None
    title: str
    tainted: bool
    """Outside words were laid into a prompt here; stays until `/new`."""
    epoch: int
    """Grows with each claim; a late writer of an earlier one is fenced."""


@frozen
class Line:
    """One line of the transcript."""

    id: str
    seq: int
    """The event that it belongs to, by its number in the conversation."""
    turn: EventId
    role: str
    """user, assistant or system."""
    text: str
    at: datetime
    n: int = 0
    """Its position in the conversation; given when it is written."""
    agent: AgentName | None = None
    raw: tuple[ModelMessage, ...] = ()
    """For an agent's line: all that the turn said to and heard from the model."""
    approval: ApprovalId | None = None
    footer: str = ""
    cause: str = ""
    """Why its turn failed, in one word; see `bot/causes.py`."""
    attachments: tuple[Attachment, ...] = ()


@frozen
class Step:
    """One journaled step of a turn."""

    step: int
    kind: str
    input_hash: str
    result: str
    at: datetime
    ms: int = 0


@frozen
class Claim:
    """One event that this process may work on, and what it needs to."""

    event: Event
    seq: int
    conv: Conversation
    attempt: int
    """0 the first time."""
    replay: int = 0
    """How often it was taken back from the dead letters."""
    history: tuple[Line, ...]
    """Earlier lines, oldest first, already cut to a bound."""
    journal: Mapping[int, Step]
    effects: tuple[Effect, ...] = ()
    """What an earlier attempt of this turn planned or did."""


@frozen
class Spend:
    """What a turn's model calls cost."""

    model: str
    usage: Usage


@frozen
class TurnEnd:
    """How a turn ends, written in one commit."""

    ending: Ending
    detail: str = ""
    reply: str = ""
    footer: str = ""
    cause: str = ""
    role: str = "assistant"
    agent: AgentName | None = None
    raw: tuple[ModelMessage, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    effects: tuple[Effect, ...] = ()
    """Asked or ready ones, to be born in this commit."""
    approval: Approval | None = None
    next_agent: AgentName | None = None
    """Who has the conversation from now on, when that changed."""
    tainted: bool = False
    spends: tuple[Spend, ...] = ()
    new_session: bool = False
    steps: int = 0
    """How many steps of its journal led here; they are kept before an answer leaves."""
