"""The one form of every approval; `bot/render` alone makes a platform's payload of it."""

from datetime import datetime

from bot.frozen import frozen


@frozen
class Field:
    """One named line of a card."""

    name: str
    value: str
    long: bool = False
    """Shown below the short ones, at full width."""
    editable: str = ""
    """The argument that this line shows, when a person may edit it."""


@frozen
class Choice:
    """One button."""

    id: str
    label: str
    style: str = "plain"
    """plain, primary or danger."""


@frozen
class Card:
    """What will happen, exactly, and who is asked."""

    title: str
    agent: str = ""
    on_behalf_of: str = ""
    amount: str = ""
    """Shown first, with its currency, when money moves."""
    recipients: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    body: str = ""
    """The text as it will appear, whole."""
    warnings: tuple[str, ...] = ()
    audience: str = ""
    """Who will be able to see it."""
    why: str = ""
    """Why a person is asked."""
    approvers: tuple[str, ...] = ()
    expires_at: datetime | None = None
    code: str = ""
    decided: str = ""
    """Who decided what and when, once it is decided."""
    sandbox: bool = False
    choices: tuple[Choice, ...] = (
        Choice(id="edit", label="Edit"),
        Choice(id="ask", label="Ask"),
        Choice(id="reject", label="Reject", style="danger"),
        Choice(id="approve", label="Approve", style="primary"),
    )
