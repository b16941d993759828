"""What a channel is: data about what it can do, and the four things it does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import EffectKind, Policy
from bot.core.event import Attachment, Event
from bot.core.ids import ConvId, EffectId, TenantId


class Dialect(StrEnum):
    """The form of text that a channel shows."""

    HTML = "html"
    MARKDOWN = "markdown"
    SLACK = "slack"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    PLAIN = "plain"
    MAIL = "mail"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a channel can show and take. Data, never optional methods."""

    dialect: Dialect = Dialect.PLAIN
    max_chars: int = 4000
    buttons: bool = False
    forms: bool = False
    threads: bool = False
    edit: bool = False
    media: bool = False
    stream: bool = False
    """Shows text while it is being written."""
    burst_s: float = 0.0
    """Messages of one person within so many seconds are one message."""
    reply_is_row: bool = False
    """A reply is a row of the transcript and nothing is sent: exactly once."""
    policy: Policy = Policy.NONE
    """What makes a send happen once."""
    window_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message that leaves."""

    tenant: TenantId
    conv: ConvId
    account: str
    place: str
    thread: str
    effect: EffectId
    kind: EffectKind
    text: str
    card: Card | None = None
    attachments: tuple[Attachment, ...] = ()
    replace: str = ""
    """The vendor's reference of the message that this text replaces."""
    reply_to: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the channel says of a message it took."""

    vendor_ref: str
    url: str = ""


Sink = Callable[[Event], Awaitable[str]]
"""Stores an event and returns its id after the commit: acknowledge only then."""


class Channel(Protocol):
    """One platform."""

    name: str
    features: Features

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Method, path and handler of each webhook that it takes."""
        ...

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Returns at once when webhooks do the listening."""
        ...

    async def send(self, message: Outbound) -> Receipt:
        """Send one message.

        Raises VendorRefused when it was surely not sent, VendorUnknown when nobody knows.
        """
        ...
