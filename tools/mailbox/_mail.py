"""A mail as both providers tell it, and what a box of mails is.

    gmail:18f2…      an id as a model sees it: it says which box it is from
    outlook:AAkALg…

Subjects, names and texts are other people's words. Ids are the vendor's and stay when a mail moves.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.header import decode_header
from typing import Literal, Protocol

from bot.frozen import frozen
from bot.oauth.answers import Vendor
from bot.render.text import clean

Where = Literal["gmail", "outlook"]
State = Literal["draft", "sent", "unseen"]
MAX_SUBJECT, MAX_NAMES, MAX_TEXT, MAX_HEADER = 300, 500, 400_000, 5_000


@frozen
class Brief:
    """A line of a list."""

    id: str
    """With its box."""
    sender: str
    to: str
    subject: str
    at: datetime | None
    preview: str
    is_unread: bool = False
    is_draft: bool = False


@frozen
class Attached:
    """Something attached, by its place from 1."""

    n: int
    name: str
    media_type: str
    size: int
    ref: str
    """The vendor's name for it, at this moment."""


@frozen
class Mail:
    """One mail, in full."""

    brief: Brief
    cc: str
    text: str
    files: tuple[Attached, ...]
    message_id: str
    """With its brackets; empty where it has none."""
    references: str
    reply_to: str
    """Where an answer is wanted; the sender's own address where nothing else is said."""
    thread: str


@frozen
class Wanted:
    """What is searched for; empty: anything."""

    words: str = ""
    sender: str = ""
    since: datetime | None = None
    until: datetime | None = None
    is_unread: bool = False
    count: int = 10


@frozen
class Found:
    """Where a mail of ours stands."""

    state: State
    id: str = ""
    url: str = ""


class Box(Protocol):
    """One connected mailbox. Every method raises OperatorError, NotFound, VendorError."""

    where: Where
    title: str
    account: str
    name: str
    vendor: Vendor

    async def search(self, wanted: Wanted) -> Sequence[Brief]:
        """The newest that fit."""
        ...

    async def mail(self, id_: str) -> Mail:
        """One mail, by the vendor's id."""
        ...

    async def bytes_of(self, id_: str, file: Attached) -> bytes:
        """What is attached."""
        ...

    async def draft(self, data: bytes, thread: str) -> str:
        """Put a mail among the drafts; the id to send it by."""
        ...

    async def blind(self, draft: str, people: Sequence[str]) -> None:
        """Say who gets a draft besides, unseen by the others; nothing where its bytes say it."""
        ...

    async def send(self, draft: str) -> Found:
        """Send a draft, which can be done once: raises NotFound for one that is gone."""
        ...

    async def look(self, draft: str, message_id: str) -> Found:
        """Where a mail of this Message-ID stands. `draft`: its id, where that is known."""
        ...


_ID = re.compile(r"[A-Za-z0-9_=+-]{1,600}")


def is_id(told: object) -> bool:
    """Whether it can be a vendor's id: nothing that leads to another place of an address."""
    return isinstance(told, str) and _ID.fullmatch(told) is not None


_STRUCTURE = re.compile(r"[<>\",;:()\\@]")


def person(name: str, address: str) -> str:
    """`Name <address>`, whose name cannot be taken for an address, whatever it says."""
    plain = line(_STRUCTURE.sub(" ", name), 200)
    return f"{plain} <{address}>" if plain and name.lower() != address.lower() else address


def words(header: str) -> str:
    """A header's words as people read them. https://www.rfc-editor.org/rfc/rfc2047"""
    try:
        parts = decode_header(header)
        found = [
            part if isinstance(part, str) else part.decode(charset or "utf-8", "replace")
            for part, charset in parts
        ]
    except (ValueError, LookupError, TypeError):
        return line(clean(header), MAX_HEADER)
    return line(clean("".join(found)), MAX_HEADER)


def line(text: str, room: int = MAX_NAMES) -> str:
    """Words of a header in one line."""
    return " ".join(text.split())[:room]
