"""An account's own posts on X, after they were made: listed, read back, deleted.

https://docs.x.com/x-api/posts/delete-post (read 2026-08-22). A post that is deleted is gone for
good, so its text stands on the card, and only the post with that very text is deleted.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Conflict, VendorRefused
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._account import Gone
from tools.social._post import Text, unfit
from tools.social._x_api import READING, WRITING, address, x_of
from tools.social._x_posts import newest, one, seen

_POST = re.compile(r"(?:https://(?:www\.)?(?:x|twitter)\.com/\w{1,15}/status/)?(\d{1,19})/?")
GONE = "The post is not on X any more."


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit("it is no post; give its number or its address on x.com")
    return found[1]


Post = Annotated[str, Field(max_length=200), AfterValidator(_post)]


class XList(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=5, ge=1, le=50)


class XRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Post


class XDelete(BaseModel):
    """Which, and what it says."""

    model_config = ConfigDict(extra="forbid")

    post: Post
    text: Text = ""


async def x_list(ctx: ToolContext, args: XList) -> Outcome:
    """List the newest posts of the connected account on X, newest first.

    Use it to see what was posted, or to find the number of a post. It shows no answers, no shared
    posts of others, and nobody else's posts. Each call costs money: do not repeat it needlessly.
    - count: how many, 1 to 50.
    Example: {"count": 5}
    """
    x = await x_of(ctx, READING)
    posts = await newest(x, args.count)
    told = [f"{p['id']} ({p.get('created_at', 'no date')}): {seen(p)}" for p in posts]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no post yet.")


async def x_read(ctx: ToolContext, args: XRead) -> Outcome:
    """Read one post of the connected account on X back: is it there, and what does it say?

    Use it when the person asks about one post. Do not use it to read others' posts.
    - post: its number, or its address on x.com.
    Example: {"post": "https://x.com/shop/status/1990000000000000001"}
    """
    x = await x_of(ctx, READING)
    try:
        post = await one(x, args.post)
    except Gone:
        return Outcome(state=EffectState.SENT, data=GONE)
    told = f"{address(x, args.post)} ({post.get('created_at', 'no date')}): {seen(post)}"
    return Outcome(state=EffectState.SENT, data=told)


async def x_delete(ctx: ToolContext, args: XDelete) -> Outcome:
    """Delete one post of the connected account on X, for good.

    Use it when the person wants a post of theirs taken down. Do not use it to correct a post unless
    they said so: deleting loses its answers.
    - post: its number, or its address on x.com; x_list has the numbers.
    - text: leave it out; it is filled in with what the post says.
    Example: {"post": "1990000000000000001"}
    """
    x = await x_of(ctx, WRITING)
    try:
        if seen(await one(x, args.post)) != args.text:
            raise Conflict("This post says something else than what was shown. Ask anew.")
        answer = await x.call("DELETE", f"/2/tweets/{args.post}")
    except Gone:
        return Outcome(state=EffectState.SENT, vendor_ref=args.post, data=GONE)
    told = answer.get("data")
    if not isinstance(told, dict) or told.get("deleted") is not True:
        raise VendorRefused("X did not delete the post.")
    return Outcome(state=EffectState.SENT, vendor_ref=args.post, data="Deleted.")


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the post is there still."""
    post = XDelete.model_validate(effect.arguments).post
    x = await x_of(ctx, WRITING)
    try:
        await one(x, post)
    except Gone:
        return Outcome(state=EffectState.SENT, vendor_ref=post, data=GONE)
    return None


async def complete(ctx: ToolContext, args: XDelete) -> XDelete:
    """Fill in what the post says. Raises what says why it cannot be deleted."""
    x = await x_of(ctx, WRITING)
    return args.model_copy(update={"text": seen(await one(x, args.post))})


def preview(args: XDelete) -> Card:
    """Show what will be gone."""
    return Card(
        title="Delete a post on X",
        fields=(Line(name="Post", value=args.post),),
        body=args.text,
        warnings=("It cannot be brought back.",),
        audience="everyone (public)",
    )


TOOLS = (
    Tool(
        name="x_list",
        arguments=XList,
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
