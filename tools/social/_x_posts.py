"""What stands on X already: an account's own posts, and whether one of them is the one we mean.

https://docs.x.com/x-api/users/get-posts (read 2026-08-22). X shortens every link of a post and
escapes three signs, so texts are compared by what a reader sees. Reading costs money there.
"""

import html
import re
import unicodedata
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.core.errors import Invalid, VendorUnknown
from tools.social._account import Account, Gone

FIELDS = {"post.fields": "created_at,entities,id,text"}
MOST_PAGES = 5
SLACK = timedelta(seconds=60)
"""How far X's clock and ours may be apart. An equal text so near would be refused by X itself."""
_LINK = re.compile(r"(?:https?://)?(\S+\.\S+?)/?(?=\s|$)", re.IGNORECASE)


async def find_post(x: Account, text: str, since: datetime) -> str | None:
    """The id of the account's own post with this text; None when there surely is none.

    Raises VendorError when it cannot be said.
    """
    begin = f"{since - SLACK:%Y-%m-%dT%H:%M:%SZ}"
    meant = _plain(text)
    async for post in _posts(x, {"start_time": begin}):
        if _plain(seen(post)) == meant:
            return str(post["id"])
    return None


async def newest(x: Account, count: int) -> list[Mapping[str, Any]]:
    """The account's newest posts, without what it shares of others or answers to them."""
    query = {"max_results": str(max(5, count)), "exclude": "retweets,replies", **FIELDS}
    return _listed(await x.call("GET", f"/2/users/{x.id}/tweets", query=query))[:count]


async def one(x: Account, id_: str) -> Mapping[str, Any]:
    """One post of the account's own. Raises Gone, Invalid for another's, VendorError."""
    query = {**FIELDS, "expansions": "author_id"}
    answer = await x.call("GET", f"/2/tweets/{id_}", query=query)
    post, problems = answer.get("data"), answer.get("errors")
    if isinstance(post, dict) and "id" in post:
        if post.get("author_id", x.id) != x.id:
            raise Invalid("This post is somebody else's.")
        return post
    kinds = [str(each.get("type", "")) for each in problems or () if isinstance(each, dict)]
    if any(kind.endswith("/resource-not-found") for kind in kinds):
        raise Gone
    raise VendorUnknown("X's answer about the post cannot be read.")


async def _posts(x: Account, begin: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
    query = {"max_results": "100", **FIELDS, **begin}
    for _ in range(MOST_PAGES):
        answer = await x.call("GET", f"/2/users/{x.id}/tweets", query=query)
        for post in _listed(answer):
            yield post
        told = answer.get("meta")
        if not isinstance(told, dict) or "result_count" not in told or answer.get("errors"):
            raise VendorUnknown("X did not show all of the account's posts.")
        if not told.get("next_token"):
            return
        query["pagination_token"] = str(told["next_token"])
    raise VendorUnknown("The account has more new posts than are looked through.")


def _listed(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = answer.get("data") or []
    if not isinstance(found, list) or not all(isinstance(p, dict) and "id" in p for p in found):
        raise VendorUnknown("X's list of posts cannot be read.")
    return found


def seen(post: Mapping[str, Any]) -> str:
    """The text as a reader sees it: links in full, without the one that stands for a picture."""
    text = str(post.get("text", ""))
    for link in (post.get("entities") or {}).get("urls") or []:
        whole = "" if link.get("media_key") else str(link.get("expanded_url") or link["url"])
        text = text.replace(str(link.get("url", "")), whole)
    return html.unescape(text).strip()


def _plain(text: str) -> str:
    """A text for comparing: composed signs, single spaces, links without scheme and last slash."""
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return _LINK.sub(lambda found: found[1], words)
