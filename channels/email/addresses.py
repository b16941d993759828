"""Addresses in the headers of a mail, read the strict way.

A header that two programs could read in two ways (two addresses, a comment in between, a group, a
comma outside quotation marks) names nobody: who wrote a mail must not hang on who reads it.
https://www.rfc-editor.org/rfc/rfc5322#section-3.4 (read 2026-11-21)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import decode_header
from email.utils import getaddresses
from typing import Final

from bot.render.text import clean, clip, one_line

MAX_ADDRESS: Final = 254
"""https://www.rfc-editor.org/errata/eid1690 (read 2026-11-21)"""
MAX_LISTED: Final = 100
MAX_HEADER: Final = 20_000
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"
_DOMAIN: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
_ADDRESS = re.compile(rf"({_LOCAL})@({_DOMAIN})")
_ONE = re.compile(
    r'(?:(?P<quoted>"(?:[^"\\\r\n]|\\[^\r\n]){0,998}"\s*)|(?P<plain>[^"<>,;:()\\\r\n]{0,998}))'
    r"<(?P<address>[^<>]{1,400})>"
)
"""Without white space around it. Each sign can be read in one way only: a header that was made to
hurt takes no longer than another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An address, and what stands before it."""

    address: str
    """In small letters."""
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def address_of(text: str) -> str:
    """The address in small letters; empty where the text is none, or may be read as another."""
    text = text.strip()
    if len(text) > MAX_ADDRESS or "=?" in text or not _ADDRESS.fullmatch(text):
        return ""
    return text.lower()


def sole(headers: Sequence[str]) -> Mailbox | None:
    """The one mailbox of a header that stands there once; None where there is any doubt."""
    if len(headers) != 1 or len(headers[0]) > MAX_HEADER:
        return None
    text = headers[0].replace("\r\n", "").replace("\n", "").replace("\r", "").strip()
    if found := address_of(text):
        return Mailbox(address=found)
    one = _ONE.fullmatch(text)
    if one is None or not (address := address_of(one["address"])):
        return None
    quoted = one["quoted"]
    name = quoted.strip()[1:-1].replace("\\", "") if quoted else one["plain"] or ""
    return Mailbox(address=address, name=words(name))


def listed(headers: Sequence[str]) -> tuple[Mailbox, ...]:
    """Every mailbox that is named, once each; what is no address is left out."""
    short = [header for header in headers[:10] if len(header) <= MAX_HEADER]
    found: dict[str, Mailbox] = {}
    try:
        pairs = getaddresses(short)
    except (ValueError, IndexError, TypeError):
        pairs = []
    for name, raw in pairs:
        if (address := address_of(raw)) and len(found) < MAX_LISTED:
            found.setdefault(address, Mailbox(address=address, name=words(name)))
    return tuple(found.values())


def words(header: str, room: int = 500) -> str:
    """A header's words as people read them, in one line."""
    try:
        parts = decode_header(header[:MAX_HEADER])
    except (ValueError, LookupError, IndexError, TypeError):
        return clip(one_line(clean(header)), room)
    text = "".join(
        part if isinstance(part, str) else decoded(part, charset or "") for part, charset in parts
    )
    return clip(one_line(clean(text)), room)


def decoded(data: bytes, charset: str) -> str:
    """Bytes as text: by their charset, else UTF-8, else Latin. Never fails."""
    for name in (charset, "utf-8"):
        try:
            return data.decode(name, "strict")
        except (LookupError, ValueError, UnicodeError):
            continue
    return data.decode("cp1252", "replace")


def untagged(address: str) -> tuple[str, str]:
    """`bot+kelly@x.org` as `bot@x.org` and `kelly`; the second is empty without a tag."""
    local, _, domain = address.partition("@")
    name, _, tag = local.partition("+")
    return (f"{name}@{domain}", tag) if name else (address, "")
