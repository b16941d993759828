"""An account's own posts on X, after they were made: listed, read back, deleted.

https://docs.x.com/x-api/posts/delete-post (read 2026-08-22). A post that is deleted is gone for
good, so its text stands on the card, and only the post with that very text is deleted.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import VendorRefused
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._account import Account
from tools.social._own import (
    ListOwn,
    Standing,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._post import Said
from tools.social._x_api import READING, WRITING, address, x_of
from tools.social._x_posts import newest, one, seen

_POST = re.compile(r"(?:https://(?:www\.)?(?:x|twitter)\.com/\w{1,15}/status/)?(\d{1,19})/?")


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit("it is no post; give its number or its address on x.com")
    return found[1]


Post = Annotated[str, Field(max_length=200), AfterValidator(_post)]


class XRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Post


class XDelete(BaseModel):
    """Which, and what it says."""

    model_config = ConfigDict(extra="forbid")

    post: Post
    text: Said = ""


class Posts:
    """The account's posts on X."""

    title = "X"

    def __init__(self, x: Account) -> None:
        self._x = x

    async def newest(self, count: int) -> Sequence[Standing]:
        """The account's own, newest first."""
        return [self._standing(post) for post in await newest(self._x, count)]

    async def one(self, post: str) -> Standing:
        """One of them. Raises Gone, Invalid for another's, VendorError."""
        return self._standing(await one(self._x, post))

    async def delete(self, post: str) -> None:
        """Delete it. Raises Gone, VendorError."""
        answer = await self._x.call("DELETE", f"/2/tweets/{post}")
        told = answer.get("data")
        if not isinstance(told, dict) or told.get("deleted") is not True:
            raise VendorRefused("X did not delete the post.")

    def _standing(self, post: Mapping[str, Any]) -> Standing:
        id_ = str(post["id"])
        with suppress(ValueError):
            at = datetime.fromisoformat(str(post.get("created_at")))
            return Standing(id=id_, text=seen(post), at=at, url=address(self._x, id_))
        return Standing(id=id_, text=seen(post), url=address(self._x, id_))


async def _posts(ctx: ToolContext, needs: tuple[str, ...]) -> Posts:
    return Posts(await x_of(ctx, needs))


async def x_list(ctx: ToolContext, args: ListOwn) -> Outcome:
    """List the newest posts of the connected account on X, newest first.

    Use it to see what was posted, or to find the number of a post. Do not use it for answers or for
    what others posted: it shows none of that. Each call costs money: do not repeat it needlessly.
    - count: how many, 1 to 50.
    Example: {"count": 5}
    """
    return await listed(await _posts(ctx, READING), args.count)


async def x_read(ctx: ToolContext, args: XRead) -> Outcome:
    """Read one post of the connected account on X back: is it there, and what does it say?

    Use it when the person asks about one post. Do not use it to read others' posts.
    - post: its number, or its address on x.com.
    Example: {"post": "https://x.com/shop/status/1990000000000000001"}
    """
    return await read_back(await _posts(ctx, READING), args.post)


async def x_delete(ctx: ToolContext, args: XDelete) -> Outcome:
    """Delete one post of the connected account on X, for good.

    Use it when the person wants a post of theirs taken down. Do not use it to correct a post unless
    they said so: deleting loses its answers.
    - post: its number, or its address on x.com; x_list has the numbers.
    Example: {"post": "1990000000000000001"}
    """
    return await taken_down(await _posts(ctx, WRITING), args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the post is there still."""
    post = XDelete.model_validate(effect.arguments).post
    return await is_gone(await _posts(ctx, WRITING), post)


async def complete(ctx: ToolContext, args: XDelete) -> XDelete:
    """Fill in what the post says. Raises what says why it cannot be deleted."""
    return await shown(await _posts(ctx, WRITING), args, args.post)


def preview(args: XDelete) -> Card:
    """Show what will be gone."""
    return deletion_card(Posts.title, args)


TOOLS = (
    Tool(
        name="x_list",
        arguments=ListOwn,
        perform=x_list,
        provider="x",
        needs=READING,
        outside=True,
        saying="reading the posts on X",
    ),
    Tool(
        name="x_read",
        arguments=XRead,
        perform=x_read,
        provider="x",
        needs=READING,
        outside=True,
        saying="reading a post on X",
    ),
    Tool(
        name="x_delete",
        arguments=XDelete,
        perform=x_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="x",
        needs=WRITING,
        saying="deleting a post on X",
    ),
)
