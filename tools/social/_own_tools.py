"""The three tools for an account's own posts, for networks where nothing about them is particular.

A network says where its posts hang (`Own`), and gets `NAME_list`, `NAME_read` and, where it lets a
program delete, `NAME_delete`. What they do stands in `_own.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from inspect import cleandoc
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from bot.frozen import frozen
from tools.social._network import Network
from tools.social._own import (
    ListOwn,
    Wall,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._post import Said, Title

PostId = Annotated[str, Field(pattern=r"^\d{1,25}(_\d{1,25})?$")]
"""A post's number, as the list gives it."""
Hang = Callable[[ToolContext, Sequence[str], str], Awaitable[Wall]]
"""The account's posts: by what must be granted, and the page or the post that it is about."""


class PageList(ListOwn):
    """How many, of which page."""

    page: Title | None = None


class OwnRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: PostId


class OwnDelete(BaseModel):
    """Which, and what it says."""

    model_config = ConfigDict(extra="forbid")

    post: PostId
    text: Said = ""


@frozen
class Own:
    """What the tools are made of."""

    network: Network
    wall: Hang
    reading: tuple[str, ...]
    deleting: tuple[str, ...] = ()
    """Empty where the network lets no program delete."""
    example: str
    """A number of a post, as it looks there."""
    pages: bool = False
    """Whether an account may have several pages."""


def tools_of(own: Own) -> tuple[Tool, ...]:
    """The tools of a network's own posts."""
    return (_list(own), _read(own), *([_delete(own)] if own.deleting else []))


def _list(own: Own) -> Tool:
    name, title = own.network.name, own.network.title

    async def perform(ctx: ToolContext, args: ListOwn) -> Outcome:
        page = args.page if isinstance(args, PageList) else None
        return await listed(await own.wall(ctx, own.reading, page or ""), args.count)

    lines = [
        f"List the newest posts of the connected account on {title}, newest first.\n",
        "Use it to see what was posted, or to find the number of a post. Do not use it for what",
        "others posted: it shows none of that.",
        "- count: how many, 1 to 50.",
    ]
    if own.pages:
        lines.append("- page: the name or id of the page; leave it out when there is only one.")
    perform.__doc__ = "\n".join((*lines, 'Example: {"count": 5}'))
    return Tool(
        name=f"{name}_list",
        arguments=PageList if own.pages else ListOwn,
        perform=perform,
        provider=name,
        needs=own.reading,
        outside=True,
        saying=f"reading the posts on {title}",
    )


def _read(own: Own) -> Tool:
    name, title = own.network.name, own.network.title

    async def perform(ctx: ToolContext, args: OwnRead) -> Outcome:
        return await read_back(await own.wall(ctx, own.reading, args.post), args.post)

    perform.__doc__ = cleandoc(f"""
        Read one post of the connected account on {title} back: is it there, what does it say, and
        what did it meet with?

        Use it when the person asks about one post. Do not use it to read others' posts.
        - post: its number; {name}_list has the numbers.
        Example: {{"post": "{own.example}"}}
    """)
    return Tool(
        name=f"{name}_read",
        arguments=OwnRead,
        perform=perform,
        provider=name,
        needs=own.reading,
        outside=True,
        saying=f"reading a post on {title}",
    )


def _delete(own: Own) -> Tool:
    name, title = own.network.name, own.network.title

    async def perform(ctx: ToolContext, args: OwnDelete) -> Outcome:
        return await taken_down(await own.wall(ctx, own.deleting, args.post), args)

    async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
        post = OwnDelete.model_validate(effect.arguments).post
        return await is_gone(await own.wall(ctx, own.deleting, post), post)

    async def complete(ctx: ToolContext, args: OwnDelete) -> OwnDelete:
        return await shown(await own.wall(ctx, own.deleting, args.post), args, args.post)

    def preview(args: OwnDelete) -> Card:
        return deletion_card(title, args)

    perform.__doc__ = cleandoc(f"""
        Delete one post of the connected account on {title}, for good.

        Use it when the person wants a post of theirs taken down. Do not use it to correct a post
        unless they said so: deleting loses its answers.
        - post: its number; {name}_list has the numbers.
        Example: {{"post": "{own.example}"}}
    """)
    return Tool(
        name=f"{name}_delete",
        arguments=OwnDelete,
        perform=perform,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=name,
        needs=own.deleting,
        saying=f"deleting a post on {title}",
    )
