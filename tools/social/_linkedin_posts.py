"""What stands on LinkedIn already, and how it writes texts.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format (read
2026-11-21): in a post's text some signs mean something and are escaped, or everything after them
is lost; a hashtag is a template. Posts of a page can be read, those of a person only by apps that
LinkedIn has let in specially.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.errors import VendorUnknown
from tools.social._account import Account
from tools.social._linkedin_api import elements, in_path

SLACK = timedelta(seconds=60)
"""How far LinkedIn's clock and ours may be apart."""
PAGE = 100
_MOST_PAGES = 3
_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_TAG = re.compile(r"(?<![\w&/#])#(?=\w*[^\W\d_])(\w+)")
_TEMPLATE = re.compile(r"\{hashtag\|\\?#\|([^{}]*)\}")


def little(text: str) -> str:
    """A text as LinkedIn takes it: every sign as it is, and hashtags as hashtags."""
    made, at = "", 0
    for found in _TAG.finditer(text):
        made += _escaped(text[at : found.start()]) + "{hashtag|\\#|" + _escaped(found[1]) + "}"
        at = found.end()
    return made + _escaped(text[at:])


def _escaped(text: str) -> str:
    return _RESERVED.sub(r"\\\g<0>", text)


def seen(post: Mapping[str, Any]) -> str:
    """The text as a reader sees it."""
    text = _TEMPLATE.sub(r"#\1", str(post.get("commentary", "")))
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL).strip()


async def find_post(account: Account, author: str, text: str, since: datetime) -> str | None:
    """The urn of the page's own post with this text; None when there surely is none.

    Raises VendorError when it cannot be said.
    """
    meant, begin = _plain(text), (since - SLACK).timestamp() * 1000
    async for post in _since(account, author, begin):
        if _plain(seen(post)) == meant:
            return str(post["id"])
    return None


async def newest(account: Account, author: str, count: int) -> list[Mapping[str, Any]]:
    """The page's newest posts."""
    return (await _listed(account, author, 0, count))[:count]


async def one(account: Account, urn: str) -> Mapping[str, Any]:
    """One post. Raises Gone, VendorRefused where it may not be read, VendorError."""
    return await account.call("GET", f"/rest/posts/{in_path(urn)}")


def when(post: Mapping[str, Any]) -> str:
    """When it was made, in words."""
    at = _made_at(post)
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC" if at else "no date"


async def _since(account: Account, author: str, begin: float) -> AsyncIterator[Mapping[str, Any]]:
    """The page's posts that are no older, newest first."""
    start = 0
    for _ in range(_MOST_PAGES):
        found = await _listed(account, author, start, PAGE)
        new = [post for post in found if _made_at(post) >= begin]
        for post in new:
            yield post
        if not new:
            return
        start += len(found)
    raise VendorUnknown("The page has more new posts than are looked through.")


async def _listed(account: Account, author: str, start: int, count: int) -> list[Mapping[str, Any]]:
    query = {"q": "author", "author": author, "start": str(start), "count": str(count)}
    query["sortBy"] = "CREATED"
    headers = {"X-RestLi-Method": "FINDER"}
    found = elements(await account.call("GET", "/rest/posts", query=query, headers=headers))
    if not all("id" in post for post in found):
        raise VendorUnknown("LinkedIn's list of posts cannot be read.")
    return found


def _made_at(post: Mapping[str, Any]) -> float:
    at = post.get("publishedAt") or post.get("createdAt") or 0
    return float(at) if isinstance(at, int | float) else 0.0


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
