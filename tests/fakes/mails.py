"""E-mail between the played carriers: what one took, and what people write.

`Outgoing` is a mail that the app handed to a carrier, and the MIME that the carrier would send;
`Letter` is a mail that came in, opened into the parts that carriers tell apps about. `write` makes
one as a person's program would. Only the standard library's `email` reads and writes here.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, parseaddr

File = tuple[str, str, bytes]
"""Name, media type, bytes."""


@dataclass(slots=True)
class Outgoing:
    """One mail that a carrier took."""

    id: str
    sender: str
    to: list[str]
    subject: str
    text: str = ""
    html: str = ""
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    reply_to: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    message_id: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "queued"
    arguments: dict[str, str] = field(default_factory=dict)
    """Words of the app's own that the carrier gives back in what it tells."""

    @property
    def recipients(self) -> list[str]:
        """Bare addresses of everybody it goes to."""
        return [address for _, address in getaddresses([*self.to, *self.cc, *self.bcc])]

    def mime(self) -> EmailMessage:
        """The mail as it leaves the carrier; Bcc is in the envelope only."""
        made = EmailMessage(policy=policy.SMTP)
        made["From"], made["To"], made["Subject"] = self.sender, ", ".join(self.to), self.subject
        for name, found in (("Cc", self.cc), ("Reply-To", self.reply_to)):
            if found:
                made[name] = ", ".join(found)
        made["Date"] = format_datetime(self.at)
        made["Message-ID"] = self.message_id
        for name, value in self.headers.items():
            if name.lower() != "message-id":
                made[name] = value
        fill(made, self.text, self.html, self.files)
        return made


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a mail that came in."""

    id: str
    name: str
    media: str
    content: bytes
    content_id: str
    is_inline: bool


@dataclass(slots=True)
class Letter:
    """One mail that came in, opened."""

    raw: bytes
    message: EmailMessage
    id: str
    envelope_to: list[str]
    envelope_from: str
    text: str
    html: str
    parts: list[Part]
    at: datetime

    @property
    def sender(self) -> str:
        """The From line as it stands."""
        return self.header("From")

    def header(self, name: str) -> str:
        """The first header of a name, unfolded; empty where there is none."""
        return str(self.message.get(name, ""))

    def addresses(self, name: str) -> list[str]:
        """The bare addresses of every header of that name."""
        found = getaddresses([str(each) for each in self.message.get_all(name, [])])
        return [address for _, address in found if address]

    def headers(self) -> list[tuple[str, str]]:
        """Every header in its order, unfolded."""
        return [(name, str(value).replace("\r\n", "")) for name, value in self.message.items()]


def fill(made: EmailMessage, text: str, html: str, files: Sequence[File]) -> None:
    """Put a body and files into a mail."""
    if text or not html:
        made.set_content(text)
    if html and text:
        made.add_alternative(html, subtype="html")
    elif html:
        made.set_content(html, subtype="html")
    for name, media, content in files:
        main, _, sub = media.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub or "octet-stream", filename=name)


def write(
    sender: str,
    to: str,
    subject: str = "Hello",
    text: str = "Hello",
    *,
    html: str = "",
    files: Sequence[File] = (),
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A mail as somebody's program writes it; `headers` come on top (Cc, In-Reply-To…)."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Date"] = format_datetime(datetime.now(UTC))
    given = dict(headers or {})
    if "message-id" not in {name.lower() for name in given}:
        made["Message-ID"] = f"<{secrets.token_hex(8)}@{bare(sender).rpartition('@')[2]}>"
    for name, value in given.items():
        made[name] = value
    fill(made, text, html, files)
    return made.as_bytes()


def open_letter(raw: bytes, id: str, to: Sequence[str] = (), sender: str = "") -> Letter:
    """Open a mail. `to` and `sender` are the envelope; else they are read from the headers."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    bodies = {"plain": "", "html": ""}
    parts: list[Part] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        is_file = part.get_filename() or part.get_content_disposition() == "attachment"
        kind = part.get_content_subtype()
        if part.get_content_maintype() == "text" and not is_file and kind in bodies:
            bodies[kind] = bodies[kind] or _text(part)
            continue
        parts.append(_part(part, len(parts)))
    letter = Letter(
        raw, message, id, list(to), sender, bodies["plain"], bodies["html"], parts,
        datetime.now(UTC),
    )  # fmt: skip
    letter.envelope_to = letter.envelope_to or [*letter.addresses("To"), *letter.addresses("Cc")]
    letter.envelope_from = sender or bare(letter.sender)
    return letter


def _part(part: EmailMessage, n: int) -> Part:
    content = part.get_payload(decode=True)
    return Part(
        id=f"{n}",
        name=part.get_filename() or f"part-{n}",
        media=part.get_content_type(),
        content=content if isinstance(content, bytes) else b"",
        content_id=str(part.get("Content-ID", "")).strip("<>"),
        is_inline=part.get_content_disposition() == "inline",
    )


def _text(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, "replace") if isinstance(content, bytes) else ""
    except LookupError:
        return content.decode("latin-1") if isinstance(content, bytes) else ""


def bare(address: str) -> str:
    """The address of `Name <address>`; empty when there is none."""
    found = parseaddr(address)[1]
    return found if "@" in found else ""


def is_address(text: str) -> bool:
    """Whether a carrier would take it: `name@host` or `Name <name@host>`."""
    found = bare(text)
    try:
        Address(addr_spec=found)
    except (ValueError, IndexError):
        return False
    return bool(found) and "." in found.rpartition("@")[2] and not set("\r\n") & set(text)


def bounce(original: EmailMessage, reporter: str, address: str) -> bytes:
    """The report (RFC 3464) with which a mail server says that an address does not exist."""
    to = bare(str(original["From"]))
    words = f"Your mail could not be delivered to {address}.\n"
    about = f"Reporting-MTA: dns;mx.example\n\nFinal-Recipient: rfc822;{address}\n"
    about += "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp;550 5.1.1 no such user\n"
    head = (
        f"Return-Path: <>\nFrom: Mail Delivery <{reporter}>\nTo: <{to}>\n"
        f"Subject: Undeliverable: {original['Subject']}\nAuto-Submitted: auto-replied\n"
        f"Date: {format_datetime(datetime.now(UTC))}\n"
        f"Message-ID: <{secrets.token_hex(8)}@mx.example>\n"
        f"In-Reply-To: {original['Message-ID']}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="rrr"\n'
    )
    parts = (
        ("text/plain; charset=utf-8", words),
        ("message/delivery-status", about),
        ("text/rfc822-headers", f"Message-ID: {original['Message-ID']}\n"),
    )
    body = "".join(f"\n--rrr\nContent-Type: {kind}\n\n{text}" for kind, text in parts)
    return f"{head}{body}\n--rrr--\n".replace("\n", "\r\n").encode()
