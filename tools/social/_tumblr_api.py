"""Tumblr as its tools speak to it: blogs, what is left of the day, an account's own posts.

https://github.com/tumblr/docs/blob/master/api.md (read 2026-11-21). An answer wraps everything in
`meta` and `response`; a refusal names its reason in `errors`. Ids are texts of 64 bits.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, Service, Told, account_of
from tools.social._own import Standing

TITLE = "Tumblr"
READING = ("basic",)
WRITING = ("basic", "write")
SLACK = timedelta(seconds=60)
"""How far Tumblr's clock and ours may be apart."""
PAGE, MOST_PAGES = 20, 25


def _reason(told: Told) -> str:
    errors, meta = told.get("errors"), told.get("meta")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("detail") or errors[0].get("title") or "")
    return str(meta.get("msg") or "") if isinstance(meta, dict) else ""


SERVICE = Service(name="tumblr", title=TITLE, reason=_reason)


async def tumblr_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


async def blogs(tumblr: Account) -> Sequence[str]:
    """The names of the account's blogs, the main one first. Raises VendorError."""
    user = inner(await tumblr.call("GET", "/v2/user/info")).get("user")
    found = user.get("blogs") if isinstance(user, dict) else None
    if not isinstance(found, list) or not all(isinstance(b, dict) and b.get("name") for b in found):
        raise VendorUnknown("Tumblr did not say which blogs there are.")
    found.sort(key=lambda blog: blog.get("primary") is not True)
    return [str(blog["name"]) for blog in found]


async def blog_of(tumblr: Account, wanted: str) -> str:
    """The blog that is meant; the main one, where none is named. Raises Invalid, VendorError."""
    known = await blogs(tumblr)
    name = wanted.lower().removeprefix("https://").removesuffix("/").removesuffix(".tumblr.com")
    if not known:
        raise Invalid("This account has no blog on Tumblr.")
    if not wanted:
        return known[0]
    for each in known:
        if each.lower() == name:
            return each
    raise Invalid(f"This account has no blog {wanted}. It has: {', '.join(known)}.")


async def posts_left(tumblr: Account) -> int | None:
    """How many posts the day still has; None where Tumblr does not say. Raises VendorError."""
    told: Any = inner(await tumblr.call("GET", "/v2/user/limits"))
    for name in ("user", "posts", "remaining"):
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, int) else None


async def posts(
    tumblr: Account, blog: str, since: datetime | None = None
) -> AsyncIterator[Mapping[str, Any]]:
    """A blog's posts, newest first, of this time or later.

    Raises VendorError where they cannot be told, also when there are more than are looked through.
    """
    seen = 0
    for _ in range(MOST_PAGES):
        query = {"npf": "true", "limit": str(PAGE), "offset": str(seen)}
        answer = inner(await tumblr.call("GET", f"/v2/blog/{blog}/posts", query=query))
        found = answer.get("posts")
        if not isinstance(found, list) or not all(isinstance(post, dict) for post in found):
            raise VendorUnknown("Tumblr's list of posts cannot be read.")
        for post in found:
            if since and at_of(post) < since - SLACK:
                return
            yield post
        seen += len(found)
        if not found or seen >= _count(answer.get("total_posts")):
            return
    raise VendorUnknown("The blog has more new posts than are looked through.")


class OwnPosts:
    """A blog's posts, for what is done with them later."""

    title = TITLE

    def __init__(self, tumblr: Account, blog: str) -> None:
        self._tumblr, self._blog = tumblr, blog

    async def newest(self, count: int) -> Sequence[Standing]:
        """The blog's own, newest first."""
        found: list[Standing] = []
        async for post in posts(self._tumblr, self._blog):
            found.append(standing(post))
            if len(found) == count:
                break
        return found

    async def one(self, post: str) -> Standing:
        """One of them."""
        where = f"/v2/blog/{self._blog}/posts/{post}"
        answer = await self._tumblr.call("GET", where, query={"post_format": "npf"})
        return standing(inner(answer))

    async def delete(self, post: str) -> None:
        """Delete it. Raises Gone, VendorError."""
        where = f"/v2/blog/{self._blog}/post/delete"
        inner(await self._tumblr.call("POST", where, body={"id": post}))


def standing(post: Mapping[str, Any]) -> Standing:
    """A post of Tumblr's, as all networks have them."""
    return Standing(
        id=id_of(post),
        text=words_of(post.get("content")),
        at=at_of(post),
        url=str(post.get("post_url") or ""),
        numbers={"notes": _count(post.get("note_count"))},
    )


def id_of(post: Mapping[str, Any]) -> str:
    """The id, as text: a number of 64 bits is more than every reader of JSON keeps."""
    found = str(post.get("id_string") or post.get("id") or "")
    if not found.isdecimal():
        raise VendorUnknown("Tumblr does not say which post this is.")
    return found


def at_of(post: Mapping[str, Any]) -> datetime:
    """When it was published."""
    at = post.get("timestamp")
    if not isinstance(at, int):
        raise VendorUnknown("Tumblr does not say when a post was made.")
    return datetime.fromtimestamp(at, UTC)


def words_of(content: object) -> str:
    """The words of a post's blocks, an empty line between them, and where its links lead."""
    found = []
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and (words := block.get("text") or block.get("url")):
            found.append(str(words) if block.get("type") in ("text", "link") else "")
    return "\n\n".join(filter(None, found))


def inner(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer holds. Raises VendorUnknown."""
    found = answer.get("response")
    if not isinstance(found, dict):
        raise VendorUnknown("Tumblr's answer cannot be read.")
    return found


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
