"""Posts on LinkedIn after they were made: a page's listed and read back, one's own deleted.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api (read
2026-11-21). LinkedIn shows the posts of a page to those who manage it, and those of a person only
to apps that it has let in specially: such a post is deleted by its address, unread.
"""

import re
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social._linkedin_api import MEMBER, PAGES, linkedin_of, pages_of
from tools.social._linkedin_posts import LinkedInWall
from tools.social._own import (
    ListOwn,
    deletion_card,
    is_gone,
    listed,
    read_back,
    shown,
    taken_down,
)
from tools.social._picked import pick
from tools.social._post import Said, Title

_POST = re.compile(
    r"(?:https://www\.linkedin\.com/feed/update/)?(urn:li:(?:share|ugcPost|activity):\d{1,25})/?"
)


def _post(value: str) -> str:
    found = _POST.fullmatch(value.strip())
    if found is None:
        raise unfit(
            "it is no post; give its address on linkedin.com/feed/update or its urn:li:share name"
        )
    return found[1]


Urn = Annotated[str, Field(max_length=200), AfterValidator(_post)]


class LinkedInList(ListOwn):
    """Whose, and how many."""

    page: Title


class LinkedInRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Urn


class LinkedInDelete(LinkedInRead):
    """Which, and what it says."""

    text: Said = ""


async def linkedin_list(ctx: ToolContext, args: LinkedInList) -> Outcome:
    """List the newest posts of a company page on LinkedIn, newest first.

    Use it to see what a page posted, or to find a post. LinkedIn shows no program a person's own
    posts, so do not use it for those.
    - page: the company page, such as "Rye".
    - count: how many, 1 to 50.
    Example: {"page": "Rye", "count": 5}
    """
    account = await linkedin_of(ctx, PAGES)
    page = pick(args.page, await pages_of(account), "page", "LinkedIn")
    return await listed(LinkedInWall(account, page.id), args.count)


async def linkedin_read(ctx: ToolContext, args: LinkedInRead) -> Outcome:
    """Read one post of a company page on LinkedIn back: is it there, and what does it say?

    Use it when the person asks about one post of a page. LinkedIn shows no program a person's own
    posts, so do not use it for those.
    - post: its address on linkedin.com, or its name such as urn:li:share:7300000000000000001.
    Example: {"post": "urn:li:share:7300000000000000001"}
    """
    return await read_back(LinkedInWall(await linkedin_of(ctx, PAGES)), args.post)


async def linkedin_delete(ctx: ToolContext, args: LinkedInDelete) -> Outcome:
    """Delete one post on LinkedIn, the person's own or one of a page they manage, for good.

    Use it when the person wants a post of theirs taken down. Do not use it to correct a post unless
    they said so: deleting loses its comments.
    - post: its address on linkedin.com, or its name such as urn:li:share:7300000000000000001.
    Example: {"post": "urn:li:share:7300000000000000001"}
    """
    return await taken_down(await _unread(ctx), args)


async def find_deleted(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether it is there still; where LinkedIn does not say, deleting again does no harm."""
    return await is_gone(await _unread(ctx), LinkedInDelete.model_validate(effect.arguments).post)


async def complete(ctx: ToolContext, args: LinkedInDelete) -> LinkedInDelete:
    """Fill in what the post says. Raises what says why it cannot be deleted."""
    return await shown(await _unread(ctx), args, args.post)


def preview(args: LinkedInDelete) -> Card:
    """Show what will be gone."""
    card = deletion_card("LinkedIn", args)
    if args.text:
        return card
    mute = "LinkedIn does not let me read it: open it and look before you say yes."
    return replace(card, warnings=(mute, *card.warnings))


async def _unread(ctx: ToolContext) -> LinkedInWall:
    return LinkedInWall(await linkedin_of(ctx, MEMBER), is_strict=False)


TOOLS = (
    Tool(
        name="linkedin_list",
        arguments=LinkedInList,
        perform=linkedin_list,
        provider="linkedin",
        needs=PAGES,
        outside=True,
        saying="reading the posts of a page on LinkedIn",
    ),
    Tool(
        name="linkedin_read",
        arguments=LinkedInRead,
        perform=linkedin_read,
        provider="linkedin",
        needs=PAGES,
        outside=True,
        saying="reading a post on LinkedIn",
    ),
    Tool(
        name="linkedin_delete",
        arguments=LinkedInDelete,
        perform=linkedin_delete,
        find=find_deleted,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="linkedin",
        needs=MEMBER,
        saying="deleting a post on LinkedIn",
    ),
)
