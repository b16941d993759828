"""Mailboxes of an organisation as Graph shows them: folders, drafts, filters, changes.

A message has two names: one that stays, and one that changes when it moves (the default).
https://learn.microsoft.com/graph/api/resources/message
https://learn.microsoft.com/graph/outlook-immutable-id
https://learn.microsoft.com/graph/filter-query-parameter (read 2026-11-21)
"""

import base64
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formataddr, getaddresses
from html import escape
from typing import Any

from tests.fakes.mails import Outgoing, bare, open_letter

Body = dict[str, Any]

FOLDERS = ("inbox", "drafts", "sentitems", "deleteditems", "archive")
HEADERS_SET = "00020386-0000-0000-c000-000000000046"
"""The set of extended properties that are the internet headers of a message."""
_PROPERTY = re.compile(
    r"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*\1/id eq '((?:[^']|'')*)'"
    r"\s+and\s+\1/value eq '((?:[^']|'')*)'\s*\)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(\w+)\s+(eq|ne|gt|ge|lt|le)\s+('(?:[^']|'')*'|[\w:.+-]+)")
_STARTS = re.compile(r"startswith\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_TIMES = ("receivedDateTime", "sentDateTime", "createdDateTime", "lastModifiedDateTime")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
}  # fmt: skip


class Unfilterable(Exception):
    """A filter that Graph does not know."""


@dataclass(slots=True)
class Item:
    """One message in one mailbox."""

    serial: int
    owner: str
    folder: str
    subject: str = ""
    html: str = ""
    text: str = ""
    sender: str = ""
    to: list[str] = field(default_factory=list)
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    reply_to: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    message_id: str = ""
    conversation: str = ""
    files: list[Body] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    is_draft: bool = False
    is_read: bool = False
    categories: list[str] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    moves: int = 0
    version: int = 0
    made: int = 0
    """The version that put it into its folder."""
    shown_at: float = 0.0
    """When it can be seen (monotonic seconds): the copy of what was sent comes late."""

    @property
    def id(self) -> str:
        """The name that changes when it moves."""
        return f"AAMkAD{self.serial:06d}-{self.moves}="

    @property
    def immutable(self) -> str:
        """The name that stays."""
        return f"AAkALg{self.serial:06d}="

    def header(self, name: str) -> str:
        """The first internet header of that name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def outgoing(self) -> Outgoing:
        """What leaves when it is sent."""
        files = [
            (each["name"], each.get("contentType") or "application/octet-stream",
             base64.b64decode(each["contentBytes"]))
            for each in self.files
        ]  # fmt: skip
        kept = dict(self.headers)
        return Outgoing(
            id=self.immutable, sender=self.sender, to=self.to, cc=self.cc, bcc=self.bcc,
            reply_to=self.reply_to, subject=self.subject, text=self.text, html=self.html,
            headers=kept, files=files, message_id=self.message_id, at=self.at,
        )  # fmt: skip


class Mailbox:
    """One mailbox. Every change is told to `changed` and has a number, by which delta is asked."""

    def __init__(self, owner: str, serials: Iterable[int]) -> None:
        self.owner = owner
        self.items: list[Item] = []
        self.gone: list[tuple[int, str, Item]] = []
        """Number of the change, folder, and what was taken out of it."""
        self.version = 0
        self.changed: Callable[[Item, str], None] = lambda item, kind: None
        self._serials = iter(serials)

    def folder(self, name: str) -> list[Item]:
        """What can be seen in a folder (all of them for an empty name), newest first."""
        now = time.monotonic()
        found = [i for i in self.items if name in ("", i.folder) and i.shown_at <= now]
        return sorted(found, key=lambda item: (item.at, item.serial), reverse=True)

    def find(self, name: str) -> Item | None:
        """A message by either of its names."""
        now = time.monotonic()
        for item in self.items:
            if name in (item.id, item.immutable) and item.shown_at <= now:
                return item
        return None

    def add(self, item: Item) -> Item:
        """Put a message in."""
        self.items.append(item)
        self.touch(item, "created")
        return item

    def touch(self, item: Item, kind: str = "updated") -> None:
        """A message was made or changed."""
        self.version += 1
        item.version = self.version
        item.made = item.version if kind == "created" else item.made
        self.changed(item, kind)

    def move(self, item: Item, folder: str) -> None:
        """To another folder: it has another name there."""
        self.version += 1
        self.gone.append((self.version, item.folder, _copy(item)))
        item.folder, item.moves = folder, item.moves + 1
        self.touch(item, "created")

    def remove(self, item: Item) -> None:
        """Away for ever."""
        self.items.remove(item)
        self.version += 1
        self.gone.append((self.version, item.folder, item))
        self.changed(item, "deleted")

    def new(self, folder: str, **more: Any) -> Item:
        """A message that is not in yet."""
        serial = next(self._serials)
        made = Item(serial, self.owner, folder, **more)
        made.message_id = made.message_id or f"<{serial:08X}@{self.owner.rpartition('@')[2]}>"
        made.conversation = made.conversation or f"AAQkAD{serial:06d}="
        return made

    def letter(self, raw: bytes, folder: str = "inbox") -> Item:
        """A message from its MIME."""
        found = open_letter(raw, "x")
        made = self.new(folder)
        made.raw, made.headers = raw, found.headers()
        made.subject, made.text, made.html = found.header("Subject"), found.text, found.html
        made.sender, made.message_id = found.sender, found.header("Message-ID") or made.message_id
        made.to, made.cc = _lines(found, "To"), _lines(found, "Cc")
        made.bcc, made.reply_to = _lines(found, "Bcc"), _lines(found, "Reply-To")
        made.files = [
            {
                "id": f"ATT{n}", "name": part.name, "contentType": part.media,
                "size": len(part.content), "isInline": part.is_inline,
                "contentId": part.content_id or None,
                "contentBytes": base64.b64encode(part.content).decode(),
            }
            for n, part in enumerate(found.parts)
        ]  # fmt: skip
        made.conversation = self.thread(made) or made.conversation
        return made

    def thread(self, item: Item) -> str:
        """The conversation that a message continues; empty when it begins one."""
        before = f"{item.header('References')} {item.header('In-Reply-To')}"
        for other in self.items:
            if other.message_id and other.message_id in before:
                return other.conversation
        return ""


def _copy(item: Item) -> Item:
    return Item(item.serial, item.owner, item.folder, moves=item.moves, message_id=item.message_id)


def _lines(found: Any, name: str) -> list[str]:
    texts = [str(each) for each in found.message.get_all(name, [])]
    return [formataddr(each) for each in getaddresses(texts) if each[1]]


def matches(item: Item, wanted: str) -> bool:
    """Whether a message fits a `$filter`. Raises Unfilterable for one that Graph does not have."""
    rest, fits = wanted, True
    for found in _PROPERTY.finditer(wanted):
        rest = rest.replace(found[0], "")
        fits &= _has(item, found[2].replace("''", "'"), found[3].replace("''", "'"))
    for found in _STARTS.finditer(rest):
        fits &= str(_value(item, found[1])).startswith(found[2].replace("''", "'"))
    rest = _STARTS.sub("", rest)
    for found in _CLAUSE.finditer(rest):
        fits &= _fits(item, found[1], found[2], found[3])
    rest = re.sub(r"\band\b", "", _CLAUSE.sub("", rest), flags=re.IGNORECASE)
    if rest.strip():
        raise Unfilterable(rest.strip())
    return fits


def _has(item: Item, id: str, value: str) -> bool:
    found = re.fullmatch(r"String \{([0-9a-fA-F-]{36})\} Name (.+)", id)
    if found is None:
        raise Unfilterable(id)
    if found[1].lower() == HEADERS_SET:
        return item.header(found[2]) == value
    return item.properties.get(id.lower()) == value


def _value(item: Item, name: str) -> Any:
    found = {
        "internetMessageId": item.message_id,
        "conversationId": item.conversation,
        "subject": item.subject,
        "isDraft": item.is_draft,
        "isRead": item.is_read,
        "hasAttachments": bool(item.files),
        **dict.fromkeys(_TIMES, item.at),
    }
    if name not in found:
        # Headers cannot be filtered by: an extended property stands for each of them.
        raise Unfilterable(name)
    return found[name]


def _fits(item: Item, name: str, how: str, text: str) -> bool:
    mine = _value(item, name)
    wanted: Any = text[1:-1].replace("''", "'") if text.startswith("'") else text
    if name in _TIMES:
        wanted = datetime.fromisoformat(wanted.replace("Z", "+00:00"))
        mine = mine.replace(microsecond=0)
    elif isinstance(mine, bool):
        wanted = text == "true"
    elif not text.startswith("'"):
        raise Unfilterable(f"{name} {how} {text}")
    return _COMPARE[how](mine, wanted)


def fits(item: Item, search: str) -> bool:
    """Whether a message fits a `$search`: quoted words of KQL, all of which must occur.

    https://learn.microsoft.com/graph/search-query-parameter. Raises Unfilterable.
    """
    if len(search) < 3 or search[0] != '"' or search[-1] != '"' or '"' in search[1:-1]:
        raise Unfilterable(search)
    whole = f"{item.subject} {item.text} {item.html} {item.sender}".lower()
    return all(_fits_word(item, word, whole) for word in search[1:-1].split())


def _fits_word(item: Item, word: str, whole: str) -> bool:
    if found := re.fullmatch(r"received(>=|<=)(\d{4}-\d\d-\d\d)", word):
        return _COMPARE["ge" if found[1] == ">=" else "le"](f"{item.at:%Y-%m-%d}", found[2])
    name, mark, text = word.partition(":")
    if not mark:
        return word.lower() in whole
    if name not in ("from", "subject"):
        raise Unfilterable(word)
    return text.lower() in (item.sender if name == "from" else item.subject).lower()


def stamp(at: datetime) -> str:
    """A time as Graph writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(line: str) -> Body:
    """An address as Graph writes it."""
    name = line.partition("<")[0].strip().strip('"')
    address = bare(line) or line
    return {"emailAddress": {"name": name or address, "address": address}}


def line(found: Body) -> str:
    """The same as mail writes it."""
    inner = found.get("emailAddress") or {}
    name = str(inner.get("name") or "").replace('"', "'")
    return f'"{name}" <{inner.get("address")}>' if name else str(inner.get("address") or "")


def shown(item: Item, *, immutable: bool, select: Sequence[str], as_text: bool) -> Body:
    """A message as the API gives it; headers and the unique body only when they are asked for."""
    content = item.html if item.html and not as_text else item.text
    if as_text and not item.text:
        content = re.sub(r"<[^>]+>", "", item.html)
    kind = "html" if item.html and not as_text else "text"
    body = {"contentType": kind, "content": content}
    found: Body = {
        "id": item.immutable if immutable else item.id,
        "@odata.etag": f'W/"{item.version}"',
        "changeKey": str(item.version),
        "createdDateTime": stamp(item.at),
        "lastModifiedDateTime": stamp(item.at),
        "receivedDateTime": stamp(item.at),
        "sentDateTime": stamp(item.at),
        "hasAttachments": bool(item.files),
        "internetMessageId": item.message_id,
        "conversationId": item.conversation,
        "parentFolderId": item.folder,
        "subject": item.subject,
        "bodyPreview": (item.text or re.sub(r"<[^>]+>", "", item.html))[:255],
        "body": body,
        "isDraft": item.is_draft,
        "isRead": item.is_read,
        "categories": item.categories,
        "importance": "normal",
        "webLink": f"https://outlook.example/{item.serial}",
        "from": person(item.sender),
        "sender": person(item.sender),
        "toRecipients": [person(each) for each in item.to],
        "ccRecipients": [person(each) for each in item.cc],
        "bccRecipients": [person(each) for each in item.bcc],
        "replyTo": [person(each) for each in item.reply_to],
    }
    if not select:
        return found
    found["internetMessageHeaders"] = [{"name": n, "value": v} for n, v in item.headers]
    found["uniqueBody"] = {**body, "content": _unique(content)}
    kept = {"id", "@odata.etag", *select}
    return {name: value for name, value in found.items() if name in kept}


def _unique(content: str) -> str:
    """What is new in a reply: all above the quoted part."""
    return re.split(r"(?m)^(?:>|On .* wrote:\r?$|-----Original Message)|<blockquote", content)[0]


def quoted(original: Item, comment: str) -> str:
    """The body of a reply as Outlook begins it."""
    was = original.html or f"<pre>{escape(original.text)}</pre>"
    return f"<html><body>{escape(comment)}<hr><blockquote>{was}</blockquote></body></html>"
