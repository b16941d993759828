"""What stands on LinkedIn already, and how it writes texts.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format (read
2026-11-21): in a post's text some signs mean something and are escaped, or everything after them
is lost; a hashtag is a template. Posts of a page can be read, those of a person only by apps that
LinkedIn has let in specially.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.errors import VendorUnknown
from tools.social._account import Account
from tools.social._linkedin_api import NotAllowed, address, elements, in_path
from tools.social._own import Standing

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


class LinkedInWall:
    """The posts of a page; and of a person, as far as one may be told about them."""

    title = "LinkedIn"

    def __init__(self, account: Account, author: str = "", *, is_strict: bool = True) -> None:
        """`is_strict`: a post that may not be read is refused; else it is shown without words."""
        self._account = account
        self._author = author
        self._is_strict = is_strict

    async def newest(self, count: int) -> Sequence[Standing]:
        """The page's own, newest first."""
        found = await _listed(self._account, self._author, 0, count)
        return [_standing(post) for post in found[:count]]

    async def one(self, post: str) -> Standing:
        """One of them. Raises Gone, NotAllowed, VendorError."""
        try:
            return _standing(await self._account.call("GET", f"/rest/posts/{in_path(post)}"))
        except NotAllowed:
            if self._is_strict:
                raise
            return Standing(id=post, text="", url=address(post))

    async def delete(self, post: str) -> None:
        """Delete it. Raises Gone, VendorError."""
        await self._account.ask("DELETE", f"/rest/posts/{in_path(post)}")


def _standing(post: Mapping[str, Any]) -> Standing:
    urn, at = str(post.get("id", "")), _made_at(post)
    when = datetime.fromtimestamp(at / 1000, UTC) if at else None
    return Standing(id=urn, text=seen(post), at=when, url=address(urn))


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
