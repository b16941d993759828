"""Slack's own marks in what people write, as plain text; who is spoken to.

https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages (read 2026-11-21)
"""

import re
from html import unescape

_MARK = re.compile(r"<([@#!]?)([^<>|\s][^<>|]{0,2999})(?:\|([^<>]{0,3000}))?>")


def mentions(text: str, user: str) -> bool:
    """Whether the text speaks to this user."""
    return any(found[1] == "@" and found[2] == user for found in _MARK.finditer(text))


def plain(text: str, us: str) -> str:
    """The text as people read it, without the mention of `us`."""
    shown = _MARK.sub(lambda found: _shown(found, us), text)
    return unescape_slack(re.sub(r"[ \t]{2,}", " ", shown) if us in text else shown).strip()


def unescape_slack(text: str) -> str:
    """`&lt;`, `&gt;` and `&amp;` as the letters they stand for; other entities are letters."""
    return re.sub(r"&(?:lt|gt|amp);", lambda found: unescape(found[0]), text)


def _shown(found: re.Match[str], us: str) -> str:
    kind, name, label = found[1], found[2], found[3] or ""
    if kind == "@":
        return "" if name == us else f"@{label or name}"
    if kind == "#":
        return f"#{label or name}"
    if kind == "!":
        return label or f"@{name.split('^', 1)[0]}"
    address = name.removeprefix("mailto:")
    if not label or label in (address, address.split("://", 1)[-1].rstrip("/")):
        return address
    return f"{label} ({address})"
