"""What a channel is: data about what it can do, and the things it does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import EffectKind, Policy
from bot.core.event import Attachment, Event
from bot.core.ids import ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.frozen import field, frozen


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


@frozen
class Features:
    """What a channel can show and take. Data, never optional methods."""

    dialect: Dialect = Dialect.PLAIN
    max_chars: int = 4000
    buttons: bool = False
    forms: bool = False
    threads: bool = False
    media: bool = False
    """Has `fetch(attachment)`, which brings the bytes of a file that came in."""
    draft_s: float = 0.0
    """Has `draft(message)`, to be called at most so often with text that grows; 0: never."""
    reply_is_row: bool = False
    """A reply is a row of the transcript and nothing is sent: exactly once."""
    policy: Policy = Policy.NONE
    """What makes a send happen once."""
    window_s: int = 0


@frozen
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
    approval: str = ""
    """What the buttons of the card refer to, with its version."""
    version: int = 0
    url: str = ""
    attachments: tuple[Attachment, ...] = ()
    replace: str = ""
    """The vendor's reference of the message that this text replaces."""
    reply_to: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


@frozen
class Receipt:
    """What the channel says of a message it took."""

    vendor_ref: str
    url: str = ""


Sink = Callable[[Event], Awaitable[Accepted]]
"""Stores an event: acknowledge only then. The reply to a press is for whoever pressed alone."""


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
        """Send it. Raises VendorRefused: surely not sent; VendorUnknown: nobody knows."""
        ...
