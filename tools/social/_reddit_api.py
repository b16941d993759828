"""Reddit as its tools speak to it: communities, their flairs, an account's own posts.

https://www.reddit.com/dev/api (read 2026-11-21). A refusal of a post comes with status 200 and
`json.errors`; the wait of a RATELIMIT stands there in prose. Texts come unescaped with `raw_json`.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bot.core.errors import BotError, Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Clock, Page
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._account import (
    NO_TIME_S,
    Account,
    Elsewhere,
    Gone,
    Service,
    Told,
    account_of,
    too_many,
)
from tools.social._own import Standing

TITLE = "Reddit"
READING = ("identity", "read", "history")
WRITING = (*READING, "submit", "flair")
DELETING = (*READING, "edit")
SLACK = timedelta(seconds=60)
"""How far Reddit's clock and ours may be apart."""
PAGE, MOST_PAGES = 100, 5
_RAW = {"raw_json": "1"}
_WAIT = re.compile(r"(\d{1,3}) (millisecond|second|minute|hour)s?")
_SECONDS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600}


class Submitted(VendorRefused):
    """Reddit says that this link was submitted there already."""


def _reason(told: Told) -> str:
    return str(told.get("explanation") or told.get("reason") or told.get("message") or "")


def _wait(page: Page, clock: Clock) -> float:
    said = page.headers.get("x-ratelimit-reset") or page.headers.get("retry-after") or ""
    return float(said) if re.fullmatch(r"\d{1,6}(\.\d+)?", said) else NO_TIME_S


SERVICE = Service(name="reddit", title=TITLE, reason=_reason, wait=_wait)


@frozen
class Community:
    """What a subreddit says of itself."""

    name: str
    takes: str
    """Kinds of posts: any, self or link."""
    is_banned: bool
    """Whether this account may not post there."""
    takes_pictures: bool
    takes_films: bool


async def reddit_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


async def post_form(reddit: Account, where: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Ask with a form, as Reddit wants it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await reddit.call("POST", where, body=urlencode(form).encode(), headers=headers)


async def community(reddit: Account, name: str) -> Community:
    """A subreddit. Raises Invalid where there is none, VendorError."""
    try:
        answer = await reddit.call("GET", f"/r/{name}/about", query=_RAW)
    except (Elsewhere, Gone):  # Reddit sends whoever asks for none to its search
        raise Invalid(f"There is no subreddit r/{name}.") from None
    told = _data(answer)
    return Community(
        name=str(told.get("display_name") or name),
        takes=str(told.get("submission_type") or "any"),
        is_banned=told.get("user_is_banned") is True,
        takes_pictures=told.get("allow_images") is not False,
        takes_films=told.get("allow_videos") is not False,
    )


async def flairs(reddit: Account, name: str) -> Mapping[str, str]:
    """Flairs that an author may choose there: text → id. Empty where there are none."""
    try:
        page = await reddit.ask("GET", f"/r/{name}/api/link_flair_v2", query=_RAW)
    except VendorRefused as error:
        if isinstance(error, Gone) or "(403)" in error.message:
            return {}  # Reddit's way of saying that there are none
        raise
    found = _listed(page)
    return {
        str(each["text"]): str(each["id"])
        for each in found
        if each.get("mod_only") is not True and each.get("text") and each.get("id")
    }


async def needs_flair(reddit: Account, name: str) -> bool:
    """Whether a post without flair is refused there."""
    answer = await reddit.call("GET", f"/api/v1/{name}/post_requirements", query=_RAW)
    return answer.get("is_flair_required") is True


async def submit(reddit: Account, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Post; what Reddit says of it: `{id, name, url}`, or nothing of the kind for media.

    Raises Submitted, VendorRefused (not done), VendorUnknown.
    """
    answer = await post_form(reddit, "/api/submit", {**form, "api_type": "json"})
    told = answer.get("json")
    if not isinstance(told, dict):
        raise VendorUnknown("Reddit's answer to the post cannot be read.")
    if errors := told.get("errors"):
        raise _refusal(errors)
    data = told.get("data")
    if not isinstance(data, dict):
        raise VendorUnknown("Reddit did not say what became of the post.")
    return data


def _refusal(errors: object) -> BotError:
    first = errors[0] if isinstance(errors, list) and errors else []
    code, words = [*map(str, first if isinstance(first, list) else [first]), "", ""][:2]
    if code == "RATELIMIT":
        found = _WAIT.search(words)
        wait = float(found[1]) * _SECONDS[found[2]] if found else NO_TIME_S
        return too_many(TITLE, wait)
    said = f"{TITLE} refused this ({code[:60]}): {words[:200]}"
    return Submitted(said) if code == "ALREADY_SUB" else VendorRefused(said)


async def submitted(
    reddit: Account, since: datetime | None = None
) -> AsyncIterator[Mapping[str, Any]]:
    """The account's own posts, newest first, of this time or later.

    Raises VendorError where they cannot be told, also when there are more than are looked through.
    """
    query = {"limit": str(PAGE), "sort": "new", **_RAW}
    for _ in range(MOST_PAGES):
        answer = _data(await reddit.call("GET", f"/user/{reddit.name}/submitted", query=query))
        children = answer.get("children")
        if not isinstance(children, list) or "after" not in answer:
            raise VendorUnknown("Reddit's list of posts cannot be read.")
        for child in children:
            post = _data(child)
            if since and _at(post) < since - SLACK:
                return
            yield post
        if answer["after"] is None:
            return
        query["after"] = str(answer["after"])
    raise VendorUnknown("The account has more new posts than are looked through.")


class OwnPosts:
    """An account's posts, for what is done with them later."""

    title = TITLE

    def __init__(self, reddit: Account) -> None:
        self._reddit = reddit

    async def newest(self, count: int) -> Sequence[Standing]:
        """The account's own, newest first."""
        found: list[Standing] = []
        async for post in submitted(self._reddit):
            found.append(standing(post))
            if len(found) == count:
                break
        return found

    async def one(self, post: str) -> Standing:
        """One of them; Reddit keeps what is left of a deleted one, without its author."""
        query = {"id": f"t3_{post}", **_RAW}
        children = _data(await self._reddit.call("GET", "/api/info", query=query)).get("children")
        if not isinstance(children, list):
            raise VendorUnknown("Reddit's answer about the post cannot be read.")
        if not children or (found := _data(children[0])).get("author") == "[deleted]":
            raise Gone
        if str(found.get("author")).lower() != self._reddit.name.lower():
            raise Invalid("This post is somebody else's.")
        return standing(found)

    async def delete(self, post: str) -> None:
        """Reddit answers the same whether it was there or not."""
        await post_form(self._reddit, "/api/del", {"id": f"t3_{post}"})


def standing(post: Mapping[str, Any]) -> Standing:
    """A post of Reddit's, as all networks have them."""
    link = "" if post.get("is_self") else str(post.get("url") or "")
    words = (str(post.get("title") or ""), str(post.get("selftext") or ""), link)
    return Standing(
        id=str(post["id"]),
        text="\n".join(filter(None, words)),
        at=_at(post),
        url=f"https://www.reddit.com{post.get('permalink', '')}",
        numbers={
            "points": _count(post.get("score")),
            "comments": _count(post.get("num_comments")),
        },
    )


def _at(post: Mapping[str, Any]) -> datetime:
    at = post.get("created_utc")
    if not isinstance(at, int | float):
        raise VendorUnknown("Reddit does not say when a post was made.")
    return datetime.fromtimestamp(at, UTC)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _data(thing: object) -> dict[str, Any]:
    """What a thing of Reddit's holds: `{kind, data}`."""
    found = thing.get("data") if isinstance(thing, dict) else None
    if not isinstance(found, dict):
        raise VendorUnknown("Reddit's answer cannot be read.")
    return found


def _listed(page: Page) -> list[dict[str, Any]]:
    try:
        found = json.loads(page.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("Reddit's list of flairs cannot be read.")
    return found
