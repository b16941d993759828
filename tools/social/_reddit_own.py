"""An account's own posts on Reddit: listed, read back with points and comments, deleted.

https://www.reddit.com/dev/api#POST_api_del (read 2026-11-21). What others answered below a deleted
post stays on Reddit.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._own import (
    ListOwn,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._post import Said
from tools.social._reddit_api import DELETING, READING, TITLE, OwnPosts, reddit_of

_SITE = r"https://(?:www\.|old\.|new\.)?reddit\.com"
_POST = re.compile(
    rf"(?:{_SITE}/r/[\w-]{{2,24}}/comments/|https://redd\.it/|t3_)?([0-9a-z]{{4,13}})(?:/\S*)?"
)


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit("it is no post; give its id or its address on reddit.com")
    return found[1]


Post = Annotated[str, Field(max_length=400), AfterValidator(_post)]


class RedditRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Post


class RedditDelete(RedditRead):
    """Which, and what it says."""

    text: Said = ""


async def reddit_list(ctx: ToolContext, args: ListOwn) -> Outcome:
    """List the newest posts of the connected account on Reddit, newest first.

    Use it to see what was posted, or to find a post's id. Do not use it for comments or for what
    others posted: it shows none of that.
    - count: how many, 1 to 50.
    Example: {"count": 5}
    """
    return await listed(OwnPosts(await reddit_of(ctx, READING)), args.count)


async def reddit_read(ctx: ToolContext, args: RedditRead) -> Outcome:
    """Read one post of the connected account on Reddit back, with its points and comments' number.

    Use it when the person asks how one post is doing, or whether it is there. Do not use it for
    others' posts.
    - post: its id, or its address on reddit.com.
    Example: {"post": "https://www.reddit.com/r/bread/comments/1abcde/my_first_rye/"}
    """
    return await read_back(OwnPosts(await reddit_of(ctx, READING)), args.post)


async def reddit_delete(ctx: ToolContext, args: RedditDelete) -> Outcome:
    """Delete one post of the connected account on Reddit, for good; its comments stay.

    Use it when the person wants a post of theirs taken down. Do not use it to correct a title.
    - post: its id, or its address on reddit.com; reddit_list has the ids.
    Example: {"post": "1abcde"}
    """
    return await taken_down(OwnPosts(await reddit_of(ctx, DELETING)), args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the post is there still."""
    post = RedditDelete.model_validate(effect.arguments).post
    return await is_gone(OwnPosts(await reddit_of(ctx, DELETING)), post)


async def complete(ctx: ToolContext, args: RedditDelete) -> RedditDelete:
    """Fill in what the post says. Raises what says why it cannot be deleted."""
    return await shown(OwnPosts(await reddit_of(ctx, DELETING)), args, args.post)


def preview(args: RedditDelete) -> Card:
    """Show what will be gone."""
    return deletion_card(TITLE, args)


TOOLS = (
    Tool(
        name="reddit_list",
        arguments=ListOwn,
        perform=reddit_list,
        provider="reddit",
        needs=READING,
        outside=True,
        saying="reading the posts on Reddit",
    ),
    Tool(
        name="reddit_read",
        arguments=RedditRead,
        perform=reddit_read,
        provider="reddit",
        needs=READING,
        outside=True,
        saying="reading a post on Reddit",
    ),
    Tool(
        name="reddit_delete",
        arguments=RedditDelete,
        perform=reddit_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="reddit",
        needs=DELETING,
        saying="deleting a post on Reddit",
    ),
)
