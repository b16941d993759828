"""What stands on the blog's site: listed, read back, taken down.

https://developer.wordpress.org/rest-api/reference/posts/ and https://docs.ghost.org/admin-api (read
2026-11-21). Only for a site on WordPress or Ghost; posts of the folder are files, seen at `/blog`.
"""

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Conflict, Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._blog_settings import BlogSettings, Site, fetcher_of, speaker
from tools.social._own import (
    ListOwn,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._post import Hidden, Said
from tools.social._site import Blog

NO_SITE = (
    "The blog is no site on WordPress or Ghost here. Posts of the folder are seen at /blog; "
    "connect a site with `bot connect wordpress` or `bot connect ghost`."
)
TRASH = "It goes to the trash of WordPress, which is emptied after 30 days as a rule."
Post = Annotated[str, Field(max_length=60, pattern=r"^[0-9a-z]{1,60}$")]


class BlogRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Post


class BlogDelete(BlogRead):
    """Which, what it says, and where it stands."""

    text: Said = ""
    site: Hidden = ""


def blog_at(ctx: ToolContext, site: Site) -> Blog:
    """A site, to be asked."""
    blog: Blog = speaker(site.kind)(fetcher_of(ctx), site, ctx.clock)
    return blog


async def _blog(ctx: ToolContext, shown_as: str | None = None) -> tuple[Blog, str]:
    """The tenant's site and its label. Raises Invalid without one, Conflict for another."""
    settings = ctx.settings
    site = None
    if isinstance(settings, BlogSettings) and settings.site:
        site = await settings.site(ctx.tenant)
    if site is None:
        raise Invalid(NO_SITE)
    if shown_as is not None and site.label != shown_as:
        raise Conflict("The blog is somewhere else than was shown. Ask anew.")
    return blog_at(ctx, site), site.label


async def blog_list(ctx: ToolContext, args: ListOwn) -> Outcome:
    """List the newest posts of the blog, where it is a site on WordPress or Ghost.

    Use it to see what was published, or to find a post's id. Do not use it to look for others'
    writing: it shows the team's own blog.
    - count: how many, 1 to 50.
    Example: {"count": 5}
    """
    return await listed((await _blog(ctx))[0], args.count)


async def blog_read(ctx: ToolContext, args: BlogRead) -> Outcome:
    """Read one post of the blog back, where it is a site on WordPress or Ghost.

    Use it when the person asks what a post says, or whether it is there. Do not use it for other
    sites: that is web_read.
    - post: its id, as blog_list shows it.
    Example: {"post": "17"}
    """
    return await read_back((await _blog(ctx))[0], args.post)


async def blog_delete(ctx: ToolContext, args: BlogDelete) -> Outcome:
    """Take one post of the blog down, where it is a site on WordPress or Ghost.

    Use it when the person wants a post taken down. Do not use it to correct a post unless they said
    so.
    - post: its id, as blog_list shows it.
    Example: {"post": "17"}
    """
    return await taken_down((await _blog(ctx, args.site))[0], args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the post is there still."""
    args = BlogDelete.model_validate(effect.arguments)
    return await is_gone((await _blog(ctx, args.site))[0], args.post)


async def complete(ctx: ToolContext, args: BlogDelete) -> BlogDelete:
    """Fill in where the post stands and what it says. Raises what says why it cannot be."""
    blog, label = await _blog(ctx)
    return await shown(blog, args.model_copy(update={"site": label}), args.post)


def preview(args: BlogDelete) -> Card:
    """Show what will be gone."""
    card = deletion_card("the blog", args, Line(name="Where", value=args.site))
    if args.site.startswith("WordPress"):
        return replace(card, warnings=(TRASH,))
    return card


TOOLS = (
    Tool(
        name="blog_list",
        arguments=ListOwn,
        perform=blog_list,
        outside=True,
        saying="reading the blog",
    ),
    Tool(
        name="blog_read",
        arguments=BlogRead,
        perform=blog_read,
        outside=True,
        saying="reading a post of the blog",
    ),
    Tool(
        name="blog_delete",
        arguments=BlogDelete,
        perform=blog_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        saying="taking a post off the blog",
    ),
)
