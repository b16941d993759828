"""A mail's bytes as a `Mail`: headers, words, and what is attached. Pure, and made for nasty mail.

The tolerant parser of the standard library is asked for pieces, and each is read for itself:
nothing that a stranger writes makes this raise anything but `Unreadable`. Runs in a thread; a mail
may have thirty megabytes. https://docs.python.org/3.11/library/email.html (read 2026-11-21)
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bot.fetch.reading import read as read_page
from bot.render.text import clean
from channels.email.addresses import Mailbox, decoded, listed, sole, words

MAX_MAIL: Final = 30 * 2**20
MAX_DEPTH: Final = 20
MAX_PARTS: Final = 200
MAX_HEADERS: Final = 2**20
"""Bytes before the first empty line."""
MAX_LINES: Final = 1_500_000
"""Thirty megabytes of files have four hundred thousand."""
MAX_SAID: Final = 5_000
"""Characters of a header that says what a part is. The parser looks at each semicolon in it again
with all that stands before: fifty thousand of them take it twenty seconds."""
MAX_SAID_ALL: Final = 200_000
"""Of all of them in one mail."""
MAX_RETURNED: Final = 40_000
MAX_BOUNDARIES: Final = 500
MAX_MARKS: Final = 20_000
"""Lines that begin with two dashes: each may end a part, and the parser compares each with all."""
MAX_TEXT: Final = 400_000
"""Characters of text that are looked at."""
MAX_IDS: Final = 50
MAX_ID: Final = 400
QUOTE, UNQUOTE = "\ue0a0", "\ue0a1"
"""Stand on lines of their own where a quotation begins and ends in HTML."""
_FROM = re.compile(rb"^From[ \t]*:", re.IGNORECASE | re.MULTILINE)
"""Some read a header whose name has a space behind it, as was allowed once; the parser does not.
https://www.rfc-editor.org/rfc/rfc5322#section-4.5 (read 2026-11-22)"""
_KIND = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
"""https://www.rfc-editor.org/rfc/rfc6838#section-4.2"""
_ID = re.compile(r"<([!-;=?-~]{1,400})>")
_QUOTES = re.compile(
    r"<blockquote\b|<div\b[^<>]{0,400}?\b(?:gmail_quote|yahoo_quoted|moz-cite-prefix|divRplyFwdMsg"
    r"|appendonsend|ms-outlook-mobile-reference-message|protonmail_quote|zmail_extra)"
    r"|<div\b[^<>]{0,200}?border-top:\s*solid #(?:E1E1E1|B5C4DF)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"</blockquote\s*>", re.IGNORECASE)


class Unreadable(Exception):
    """These bytes are no mail."""


class Wary(Compat32):
    """How the headers of one mail are read: those that say what its parts are have to be short."""

    said: list[int]
    """So many characters of them so far."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "said", [0])  # a policy lets nothing else be set

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """A header's name and value. ValueError: it is too long."""
        name, value = super().header_source_parse(sourcelines)
        if name.lower().startswith("content-"):
            self.said[0] += len(value)
            if len(value) > MAX_SAID or self.said[0] > MAX_SAID_ALL:
                raise ValueError("The headers of its parts are too long.")
        return name, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something attached."""

    n: int
    """Its place among all parts of the mail."""
    name: str
    media_type: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail, read."""

    id: str
    """Its Message-ID without brackets, else a hash of what it is."""
    sender: Mailbox | None
    """Who it says wrote it; None where that can be read in two ways."""
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    delivered: tuple[Mailbox, ...]
    """Where the servers on the way say that it was brought."""
    subject: str
    text: str
    """As people read it; quotations of HTML stand between QUOTE and UNQUOTE."""
    parents: tuple[str, ...]
    """The ids it answers: In-Reply-To first, then References from the newest to the oldest."""
    headers: tuple[tuple[str, str], ...]
    """All, names in small letters, in their order from the top."""
    at: datetime | None
    content_type: str
    parts: tuple[Part, ...] = ()
    report: str = ""
    """What a report says of each address."""
    returned: str = ""
    """The headers of the mail that a report is about."""

    def all(self, name: str) -> list[str]:
        """Every value of a header, from the top."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The first value of a header; empty where there is none."""
        return next(iter(self.all(name)), "")


def parse(raw: bytes) -> Mail:
    """Read a mail. Raises Unreadable."""
    _check(raw)
    try:
        message = message_from_bytes(raw, policy=Wary())
        return _mail(message, raw)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise Unreadable(type(error).__name__) from error
    except RecursionError as error:
        raise Unreadable("It is nested too deep.") from error


def _check(raw: bytes) -> None:
    """Refuse what takes the parser more than a moment. Raises Unreadable."""
    if len(raw) > MAX_MAIL:
        raise Unreadable("It is larger than thirty megabytes.")
    if len(_head(raw)) > MAX_HEADERS:
        raise Unreadable("Its headers have no end.")
    if raw.count(b"oundary") > MAX_BOUNDARIES or raw.count(b"\n--") > MAX_MARKS:
        raise Unreadable("It has too many parts.")
    if raw.count(b"\n") > MAX_LINES:
        raise Unreadable("It has too many lines.")


def _head(raw: bytes) -> bytes:
    """What stands before the first empty line."""
    end = re.search(rb"\r?\n\r?\n", raw)
    return raw[: end.start()] if end else raw


def part_of(raw: bytes, n: int) -> bytes:
    """The bytes of an attachment. Raises Unreadable where there is no such part."""
    try:
        for at, part in _leaves(message_from_bytes(raw, policy=Wary())):
            if at == n:
                return _bytes(part)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error
    raise Unreadable("There is no such part.")


def _mail(message: Message, raw: bytes) -> Mail:
    headers = tuple((name.lower(), _unfolded(value)) for name, value in message.raw_items())

    def all_(name: str) -> list[str]:
        return [value for key, value in headers if key == name]

    text, parts = _contents(message)
    ids = ids_in(" ".join(all_("message-id")[:1]))
    above = ids_in(" ".join(all_("in-reply-to")[:1]))
    known = ids_in(" ".join(all_("references")[:1]))
    parents = tuple(dict.fromkeys((*above[:1], *reversed(known))))[:MAX_IDS]
    return Mail(
        id=ids[0] if ids else f"none-{hashlib.sha256(raw).hexdigest()[:40]}",
        sender=sole(all_("from")) if len(_FROM.findall(_head(raw))) == 1 else None,
        to=listed(all_("to")),
        cc=listed(all_("cc")),
        delivered=listed([*all_("delivered-to"), *all_("x-original-to"), *all_("envelope-to")]),
        subject=words("".join(all_("subject")[:1])),
        text=text,
        parents=parents,
        headers=headers,
        at=_date("".join(all_("date")[:1])),
        content_type=message.get_content_type(),
        parts=parts,
        report=_of_kind(message, "message/delivery-status"),
        returned=_of_kind(message, "text/rfc822-headers") or _of_kind(message, "message/rfc822"),
    )


def ids_in(header: str) -> tuple[str, ...]:
    """The ids in a header such as References, without brackets.

    Some programs encode an id that is too long for a line, though none may be.
    """
    text = header[: MAX_IDS * MAX_ID]
    found = _ID.findall(words(text, MAX_IDS * MAX_ID) if "=?" in text else text)
    # `=?` would begin an encoded word where the id is written into a header again.
    return tuple(each for each in found if "=?" not in each)


def _unfolded(value: object) -> str:
    """A header's value as text in one line; bytes beyond ASCII are UTF-8 or Latin."""
    text = str(value)
    data = text.encode("utf-8", "surrogateescape")
    if not text.isascii():
        text = decoded(data, "utf-8")
    return text.replace("\r", "").replace("\n", "")


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _leaves(message: Message, depth: int = 0) -> Iterator[tuple[int, Message]]:
    """Parts that hold something, numbered. A mail inside a mail is one part."""
    for n, part in enumerate(_walk(message, depth)):
        if n >= MAX_PARTS:
            return
        yield n, part


def _walk(message: Message, depth: int) -> Iterator[Message]:
    if message.get_content_maintype() == "multipart" and depth < MAX_DEPTH:
        held: Any = message.get_payload()
        for part in held if isinstance(held, list) else []:
            yield from _walk(part, depth + 1)
        if isinstance(held, str) and held.strip():
            yield message
        return
    yield message


def _contents(message: Message) -> tuple[str, tuple[Part, ...]]:
    """The words, plain ones before HTML, and everything else as attachments."""
    plain: list[Message] = []
    pages: list[Message] = []
    parts: list[Part] = []
    for n, part in _leaves(message):
        kind = _kind(part)
        name = _filename(part)
        is_attached = part.get_content_disposition() == "attachment" or bool(name)
        if kind == "text/html" and not is_attached:
            pages.append(part)
        elif kind.startswith("text/") and kind != "text/calendar" and not is_attached:
            plain.append(part)
        elif kind.startswith("multipart/"):
            plain.append(part)  # said to have parts, and has none
        elif kind != "message/delivery-status":
            size = len(_bytes(part))
            name = name or _name_for(kind, n)
            parts.append(Part(n=n, name=name, media_type=kind, size=size))
    return _words(plain, _plain) or _words(pages, _page), tuple(parts)


def _words(parts: Sequence[Message], read: Callable[[Message], str]) -> str:
    """The words of these parts, until there are enough."""
    found: list[str] = []
    room = MAX_TEXT
    for part in parts:
        if room > 0 and (text := read(part)).strip():
            found.append(text)
            room -= len(text)
    return "\n".join(found)[:MAX_TEXT]


def _of_kind(message: Message, kind: str) -> str:
    """The first part of this kind, of a report; empty for other mails."""
    if message.get_content_type() != "multipart/report":
        return ""
    found = next((part for _, part in _leaves(message) if part.get_content_type() == kind), None)
    return decoded(_bytes(found)[:MAX_RETURNED], "utf-8") if found else ""


def _kind(part: Message) -> str:
    """What a part is, in signs that any header and any database takes."""
    kind = part.get_content_type()
    return kind if _KIND.fullmatch(kind) else "application/octet-stream"


def _filename(part: Message) -> str:
    try:
        found = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        return "attachment"
    if not found:
        return ""
    name = words(str(found), 200).replace("\\", "/").rpartition("/")[2].strip(". ")
    return name or "attachment"


def _name_for(kind: str, n: int) -> str:
    if kind == "message/rfc822":
        return f"forwarded-{n}.eml"
    return f"part-{n}.ics" if kind == "text/calendar" else f"part-{n}"


def _bytes(part: Message) -> bytes:
    held: Any = part.get_payload()
    if isinstance(held, list):  # a mail inside a mail
        return b"".join(each.as_bytes() for each in held if isinstance(each, Message))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _plain(part: Message) -> str:
    text = decoded(_bytes(part)[: 4 * MAX_TEXT], _charset(part))
    text = clean(text).replace(QUOTE, "").replace(UNQUOTE, "")
    return _flowed(text) if part.get_param("format") == "flowed" else text


def _charset(part: Message) -> str:
    found = part.get_param("charset")
    return found if isinstance(found, str) else ""


def _flowed(text: str) -> str:
    """Lines that were broken for the journey, joined. https://www.rfc-editor.org/rfc/rfc3676"""
    out: list[str] = []
    joins = True
    for line in text.split("\n"):
        body = line[1:] if line.startswith(" ") else line
        is_quoted = body.startswith(">")
        out += [body] if joins and not (is_quoted and out) else ["\n", body]
        joins = body.endswith(" ") and body != "-- " and not is_quoted
    return "".join(out)


def _page(part: Message) -> str:
    """HTML as text, with marks where quotations begin and end."""
    return page_text(decoded(_bytes(part)[: 4 * MAX_TEXT], _charset(part)))


def page_text(page: str) -> str:
    """HTML as text, with marks where quotations begin and end."""
    page = page[:MAX_TEXT].replace(QUOTE, "").replace(UNQUOTE, "")
    page = _QUOTES.sub(lambda found: f"<p>{QUOTE}</p>{found[0]}", page)
    page = _ENDS.sub(f"</blockquote><p>{UNQUOTE}</p>", page)
    _, text = read_page("text/html", "utf-8", page.encode("utf-8", "replace"), "")
    return clean(text)
