"""An account's own posts on Tumblr: listed, read back with their notes, deleted.

https://github.com/tumblr/docs/blob/master/api.md (read 2026-11-21). What others reblogged stays.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
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
from tools.social._post import Said, Title
from tools.social._tumblr_api import READING, TITLE, WRITING, OwnPosts, blog_of, tumblr_of

_NAME = r"[A-Za-z0-9-]{1,32}"
_POST = re.compile(
    rf"(?:https://www\.tumblr\.com/{_NAME}/|https://{_NAME}\.tumblr\.com/post/)?"
    r"(\d{1,20})(?:/[\w-]*)?"
)


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit("it is no post; give its number or its address on tumblr.com")
    return found[1]


Post = Annotated[str, Field(max_length=400), AfterValidator(_post)]


class TumblrList(ListOwn):
    """How many, and of which blog."""

    blog: Title = ""


class TumblrRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Post
    blog: Title = ""


class TumblrDelete(TumblrRead):
    """Which, and what it says."""

    text: Said = ""


async def _wall(ctx: ToolContext, needs: tuple[str, ...], blog: str) -> OwnPosts:
    tumblr = await tumblr_of(ctx, needs)
    return OwnPosts(tumblr, await blog_of(tumblr, blog))


async def tumblr_list(ctx: ToolContext, args: TumblrList) -> Outcome:
    """List the newest posts of a blog of the connected account on Tumblr, newest first.

    Use it to see what was posted, or to find a post's number. Do not use it for others' blogs: it
    shows none of them.
    - count: how many, 1 to 50.
    - blog: the blog's name; leave it out for the main one.
    Example: {"count": 5}
    """
    return await listed(await _wall(ctx, READING, args.blog), args.count)


async def tumblr_read(ctx: ToolContext, args: TumblrRead) -> Outcome:
    """Read one post of the connected account on Tumblr back, with its number of notes.

    Use it when the person asks how one post is doing, or whether it is there. Do not use it for
    others' posts.
    - post: its number, or its address on tumblr.com.
    - blog: the blog's name; leave it out for the main one.
    Example: {"post": "https://www.tumblr.com/annbakes/712345678901234561"}
    """
    return await read_back(await _wall(ctx, READING, args.blog), args.post)


async def tumblr_delete(ctx: ToolContext, args: TumblrDelete) -> Outcome:
    """Delete one post of the connected account on Tumblr, for good; reblogs of it stay.

    Use it when the person wants a post of theirs taken down. Do not use it to correct a post unless
    they said so.
    - post: its number, or its address on tumblr.com; tumblr_list has the numbers.
    - blog: the blog's name; leave it out for the main one.
    Example: {"post": "712345678901234561"}
    """
    return await taken_down(await _wall(ctx, WRITING, args.blog), args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the post is there still."""
    args = TumblrDelete.model_validate(effect.arguments)
    return await is_gone(await _wall(ctx, WRITING, args.blog), args.post)


async def complete(ctx: ToolContext, args: TumblrDelete) -> TumblrDelete:
    """Fill in the blog and what the post says. Raises what says why it cannot be deleted."""
    tumblr = await tumblr_of(ctx, WRITING)
    args = args.model_copy(update={"blog": await blog_of(tumblr, args.blog)})
    return await shown(OwnPosts(tumblr, args.blog), args, args.post)


def preview(args: TumblrDelete) -> Card:
    """Show what will be gone."""
    return deletion_card(TITLE, args, Line(name="Blog", value=args.blog or "the main one"))


TOOLS = (
    Tool(
        name="tumblr_list",
        arguments=TumblrList,
        perform=tumblr_list,
        provider="tumblr",
        needs=READING,
        outside=True,
        saying="reading the posts on Tumblr",
    ),
    Tool(
        name="tumblr_read",
        arguments=TumblrRead,
        perform=tumblr_read,
        provider="tumblr",
        needs=READING,
        outside=True,
        saying="reading a post on Tumblr",
    ),
    Tool(
        name="tumblr_delete",
        arguments=TumblrDelete,
        perform=tumblr_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="tumblr",
        needs=WRITING,
        saying="deleting a post on Tumblr",
    ),
)
