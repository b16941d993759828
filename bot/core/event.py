"""What happened outside, in one shape, whoever told us.

A message, a press of a button, a tick of the clock and a vendor's notice are all events. An event
is stored before it is acknowledged and ends in exactly one of the endings below.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from bot.core.canonical import Json
from bot.core.ids import AgentName, ConvKey, EventId, PersonId, TenantId
from bot.frozen import field, frozen


class Kind(StrEnum):
    """What sort of thing happened. Vendors add their own, such as `stripe.invoice.paid`."""

    MESSAGE = "message"
    EDITED = "edited"
    DELETED = "deleted"
    PRESSED = "pressed"
    FORM = "form"
    FEEDBACK = "feedback"
    """A thumb, or a reaction that stands for one; `reply_to` or the payload names the answer."""
    COMMAND = "command"
    TICK = "tick"
    SETTLED = "settled"


CONTROL = frozenset({Kind.PRESSED, Kind.FORM, Kind.FEEDBACK})
"""Kinds without a place in a conversation's order: decided in the commit that stores them."""


class Trust(StrEnum):
    """Where the words come from."""

    PERSON = "person"
    """An admitted person."""
    HOUSE = "house"
    """The house itself: a schedule, an outcome."""
    OUTSIDE = "outside"
    """Anybody: mail, web pages, invitations, strangers. Data, never instruction."""


class Ending(StrEnum):
    """How an event ended. Each acknowledged event reaches one of these."""

    ANSWERED = "answered"
    DECIDED = "decided"
    MERGED = "merged"
    IGNORED = "ignored"
    FAILED = "failed"


@frozen
class Attachment:
    """A file that came with an event, or that a message carries."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str = ""
    """Empty until the bytes are here."""
    source: str = ""
    """Where the bytes can be fetched from, in the channel's own words."""


@frozen
class Sender:
    """Who did it, as the channel knows them."""

    ext_id: str
    """The channel's stable id of the person. Never a display name."""
    name: str = ""
    person: PersonId | None = None
    """The person of the house, where the channel already knows (web, terminal, API)."""


@frozen
class Place:
    """Where it happened, as the channel knows it."""

    id: str
    thread: str = ""
    workspace: str = ""
    direct: bool = True
    """Between the person and the house alone."""


@frozen
class Event:
    """One thing that happened outside."""

    id: EventId
    tenant: TenantId
    channel: str
    account: str
    """The login on that channel: a workspace, a bot, a number. Empty for the house's own."""
    ext_id: str
    """Names the thing that happened, not its delivery; unique with tenant, channel, account."""
    kind: str
    conv: ConvKey
    sender: Sender
    place: Place
    text: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    reply_to: str = ""
    addressed: bool = True
    """Said to the house: a direct message, a mention, a reply to it."""
    to: str = ""
    """The dialled number or the inbox address, where the channel has one."""
    agent: AgentName | None = None
    """The agent that the person named: a mention, `/agent`, the page's choice."""
    trust: Trust = Trust.PERSON
    payload: Mapping[str, Json] = field(default_factory=dict)
    """What the kind needs besides: a press names approval, version and choice, and `reply_to` its
    card; feedback has `value` (up, down, empty: taken back), `detail` and, if known, `message`; a
    message that is a part of several has `album`, the same in all of them."""
