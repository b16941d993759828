"""A mail that leaves, before any carrier's form, and what every carrier is.

Its Message-ID comes from the effect: the same mail has the same id however often it is sent, so a
mail client shows it once; and it carries the thread, so an answer finds its conversation even where
a client drops References. https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4 (read 2026-11-21)
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any, Final, Protocol

from bot.core.ports import Clock
from bot.render.text import clip, visible
from channels.email.addresses import Mailbox, words

MAX_SUBJECT: Final = 200
MAX_REFERENCES: Final = 12
_OF_BODY: Final = ("mime-version", "content-type", "content-transfer-encoding")
_WORDS: Final = ("from", "to", "subject")
_MAINS = frozenset({"application", "audio", "font", "image", "text", "video"})
_OURS = re.compile(r"([A-Za-z0-9_-]{4,80})\.([0-9a-f]{20})([0-9a-f]{12})@(.+)")
_RE = re.compile(r"\s*(?:(?:re|aw|antw|sv|vs|odp|rif|res|回复|答复)\s*(?:\[\d+\])?\s*:\s*)+", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to one person."""

    key: str
    """The same for the same mail, and for no other."""
    sender: Mailbox
    to: Mailbox
    subject: str
    text: str
    html: str
    message_id: str
    """Without brackets."""
    parents: tuple[str, ...] = ()
    """References, oldest first; the last is what this answers."""
    headers: tuple[tuple[str, str], ...] = field(default=())
    """Further ones: X-Agent-ID and what keeps machines from answering."""
    files: tuple["Enclosed", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """A file that goes with a mail."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


class Carrier(Protocol):
    """A way out."""

    name: str
    finds: bool
    """Whether `find` can tell."""
    hears: bool
    """Whether `find` knows of what there was news; without news nothing is known."""
    keyed: bool
    """Whether the same key, sent again within a day, is one mail."""

    async def try_out(self) -> Sequence[str]:
        """Ask whether we may send by it; what an owner should know. Raises as `send` does."""
        ...

    async def send(self, letter: Letter) -> str:
        """Send it; its reference. VendorRefused, ConnectionBroken: surely not sent.

        VendorUnknown: nobody knows.
        """
        ...

    async def find(self, key: str, since_s: float) -> str:
        """The reference of a mail that was sent under this key within so many seconds, or empty.

        Raises VendorError when it cannot be looked up.
        """
        ...


class _Lines(EmailPolicy):
    """How headers become lines: what does not fit into one is encoded, which ends an id or a link.

    https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1 (read 2026-11-22)
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Words in short lines, as they are encoded; everything else whole."""
        is_short = name.lower() in _WORDS or name.lower() in _OF_BODY
        return SMTP.clone(max_line_length=76 if is_short else 998).fold_binary(name, value)


_LINES: Final = _Lines(linesep="\r\n")


def token_of(id_: str) -> str:
    """What stands for a thread: 20 signs made of the id of its first mail."""
    return hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def thread_of(id_: str, parents: Sequence[str], domains: frozenset[str]) -> str:
    """The thread that a mail belongs to, by what it answers.

    The newest mail of ours among its parents says it; else it is the oldest that it names.
    """
    for parent in parents:
        found = _OURS.fullmatch(parent)
        if found and found[4].lower() in domains:
            return found[2]
    oldest = parents[-1] if parents else id_
    return token_of(oldest)


def is_ours(id_: str, domains: frozenset[str]) -> bool:
    """Whether we wrote the mail of this id; anybody may say so."""
    found = _OURS.fullmatch(id_)
    return bool(found and found[4].lower() in domains)


def name_for(key: str) -> str:
    """What the id of a mail of ours begins with."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", key)[:80]


def id_for(key: str, thread: str, to: str, domain: str, secret: str) -> str:
    """The id of a mail of ours in a thread; sealed, so that whom it went to can be proved."""
    name = name_for(key)
    return f"{name}.{thread}{_seal(name, thread, to, secret)}@{domain}"


def went_to(id_: str, address: str, domains: frozenset[str], secret: str) -> bool:
    """Whether this is surely the id of a mail of ours that went to this address."""
    found = _OURS.fullmatch(id_)
    if not found or found[4].lower() not in domains:
        return False
    return hmac.compare_digest(found[3], _seal(found[1], found[2], address, secret))


def _seal(name: str, thread: str, to: str, secret: str) -> str:
    text = f"{name}.{thread}.{to.lower()}".encode("utf-8", "replace")
    return hmac.digest(secret.encode(), text, hashlib.sha256).hex()[:12]


def subject_for(subject: str) -> str:
    """The subject of an answer: once `Re:`, and the words that it had."""
    bare = _RE.sub("", safe(subject), count=1)
    return clip(f"Re: {bare}" if bare else "Re: your mail", MAX_SUBJECT)


def references(parents: Sequence[str], id_: str) -> tuple[str, ...]:
    """References for an answer to this mail, oldest first; the middle goes where there are many."""
    line = [*reversed([each for each in parents if each != id_]), id_]
    if len(line) > MAX_REFERENCES:
        line = [line[0], *line[1 - MAX_REFERENCES :]]
    return tuple(line)


def header_lines(letter: Letter) -> list[tuple[str, str]]:
    """The headers that thread it and mark it, for carriers that take them one by one."""
    found = [("Message-ID", f"<{letter.message_id}>")]
    if letter.parents:
        found.append(("In-Reply-To", f"<{letter.parents[-1]}>"))
        found.append(("References", " ".join(f"<{each}>" for each in letter.parents)))
    return [*found, *((name, safe(value)) for name, value in letter.headers)]


def written(letter: Letter, clock: Clock) -> bytes:
    """The mail as bytes, for carriers that take it whole. ValueError: it cannot be written."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=120))
    mail["From"] = _box(letter.sender)
    mail["To"] = _box(letter.to)
    mail["Subject"] = safe(letter.subject)
    mail["Date"] = format_datetime(clock.now())
    for name, value in header_lines(letter):
        mail[name] = value
    names = [name.lower() for name in mail]
    mail.set_content(letter.text)
    if letter.html:
        mail.add_alternative(letter.html, subtype="html")
    for file in letter.files:
        main, _, sub = file.media_type.partition("/")
        is_plain = sub.isascii() and sub.isprintable() and main in _MAINS
        kind = (main, sub) if is_plain else ("application", "octet-stream")
        mail.add_attachment(file.data, *kind, filename=safe(file.name) or "file")
    data = mail.as_bytes(policy=_LINES)
    if not {name.lower() for name in message_from_bytes(data)} <= {*names, *_OF_BODY}:
        raise ValueError("A value would make a header of its own.")
    return data


def safe(text: str) -> str:
    """Text for a header: in one line, decoded, nothing hidden in it or decoded once more.

    The library decodes encoded words in what it is given, and writes the line ends in them.
    """
    return visible(words(text, MAX_SUBJECT + 50)).replace("=?", "= ?")


def shown(box: Mailbox) -> str:
    """`Name <address>`, as headers have it."""
    return str(_box(box))


def _box(box: Mailbox) -> Address:
    return Address(display_name=safe(box.name), addr_spec=box.address)
