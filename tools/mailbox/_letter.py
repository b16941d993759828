"""A mail that leaves, as bytes; its name follows from the deed, so it can be found again.

https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4 (read 2026-11-21)
"""

import hashlib
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol

from bot.core.errors import Invalid
from bot.core.ports import Clock
from bot.core.tool import ToolContext
from bot.frozen import frozen

MOST_REFERENCES = 12
MAX_LINE = 900
"""Characters; an id that is longer than a line would be written in code. RFC 5322 has 998."""
KEY = "X-Switchboard-Key"
_ID = re.compile(r"<[!-;=?-~]{1,400}>")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,100}")
_OF_BODY = frozenset({"mime-version", "content-type", "content-transfer-encoding"})
_MAINS = frozenset({"application", "audio", "font", "image", "text", "video"})


class Part(Protocol):
    """What is to be known of a file that goes along."""

    @property
    def name(self) -> str: ...
    @property
    def media_type(self) -> str: ...


@frozen
class Letter:
    """What is written."""

    sender: str
    """Empty: the box puts its own address there."""
    to: Sequence[str]
    cc: Sequence[str]
    subject: str
    text: str
    bcc: Sequence[str] = ()
    """For a box that reads them in the mail."""
    answers: str = ""
    """The Message-ID of the mail that this answers, with its brackets."""
    references: str = ""
    files: Sequence[tuple[Part, bytes]] = ()


def name_of(ctx: ToolContext, account: str) -> str:
    """The Message-ID of the mail that this deed makes: the same on every attempt."""
    host = account.rpartition("@")[2]
    host = host if _HOST.fullmatch(host) and "." in host else "switchboard.invalid"
    return f"<sb.{_digest(ctx)}@{host}>"


def key_in(name: str) -> str:
    """The key of ours that stands in a Message-ID of ours, and in the mail's own header."""
    return name.removeprefix("<sb.").partition("@")[0]


def _digest(ctx: ToolContext) -> str:
    return hashlib.sha256(f"{ctx.tenant}:{ctx.key}".encode()).hexdigest()[:40]


def written(ctx: ToolContext, letter: Letter, name: str, clock: Clock) -> bytes:
    """The mail as MIME. Raises Invalid where a value would make a header of its own."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=MAX_LINE))
    try:
        if letter.sender:
            mail["From"] = letter.sender
        mail["To"] = ", ".join(letter.to)
        if letter.cc:
            mail["Cc"] = ", ".join(letter.cc)
        if letter.bcc:
            mail["Bcc"] = ", ".join(letter.bcc)
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = name
        mail[KEY] = _digest(ctx)
        if _ID.fullmatch(letter.answers):
            mail["In-Reply-To"] = letter.answers
            mail["References"] = " ".join(chain(letter.references, letter.answers))
        names = {each.lower() for each in mail}
        mail.set_content(letter.text, cte="quoted-printable")
        for file, data in letter.files:
            main, _, sub = file.media_type.partition("/")
            kind = (
                (main, sub) if main in _MAINS and sub.isascii() else ("application", "octet-stream")
            )
            mail.add_attachment(data, *kind, filename=file.name)
        data = mail.as_bytes()
    except ValueError as error:
        raise Invalid("This mail cannot be written; use plain words and addresses.") from error
    if not {each.lower() for each in message_from_bytes(data)} <= names | _OF_BODY:
        raise Invalid("This mail cannot be written; use plain words and addresses.")
    return data


def chain(references: str, answers: str) -> list[str]:
    """References for an answer, oldest first; the middle goes where there are many."""
    known = [each for each in _ID.findall(references) if each != answers]
    line = [*dict.fromkeys(known), answers]
    return line if len(line) <= MOST_REFERENCES else [line[0], *line[1 - MOST_REFERENCES :]]


def subject_for(subject: str) -> str:
    """The subject of an answer: once `Re:`."""
    bare = re.sub(r"^\s*(?:(?:re|aw)\s*:\s*)+", "", subject, flags=re.IGNORECASE)
    return f"Re: {bare}" if bare else "Re: your mail"
