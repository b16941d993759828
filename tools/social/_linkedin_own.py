"""Posts on LinkedIn after they were made: a page's listed and read back, one's own deleted.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api (read
2026-11-21). LinkedIn shows the posts of a page to those who manage it, and those of a person only
to apps that it has let in specially: such a post is deleted by its address, unread.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.tool import Tool, ToolContext
from tools.social._account import Account, Gone
from tools.social._linkedin_api import (
    MEMBER,
    PAGES,
    NotAllowed,
    address,
    in_path,
    linkedin_of,
    pages_of,
)
from tools.social._linkedin_posts import newest, one, seen, when
from tools.social._picked import pick
from tools.social._post import Title, unfit
from tools.social._taking_down import Shelf, Taken, taking_down

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


class LinkedInList(BaseModel):
    """Whose, and how many."""

    model_config = ConfigDict(extra="forbid")

    page: Title
    count: int = Field(default=5, ge=1, le=50)


class LinkedInRead(BaseModel):
    """Which."""

    model_config = ConfigDict(extra="forbid")

    post: Urn


class LinkedInDelete(Taken):
    """Which, and what it says."""

    post: Urn


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
    posts = await newest(account, page.id, args.count)
    told = [f"{p['id']} ({when(p)}): {seen(p)}" for p in posts]
    return Outcome(state=EffectState.SENT, data="\n".join(told) or "There is no post yet.")


async def linkedin_read(ctx: ToolContext, args: LinkedInRead) -> Outcome:
    """Read one post of a company page on LinkedIn back: is it there, and what does it say?

    Use it when the person asks about one post of a page. LinkedIn shows no program a person's own
    posts, so do not use it for those.
    - post: its address on linkedin.com, or its name such as urn:li:share:7300000000000000001.
    Example: {"post": "urn:li:share:7300000000000000001"}
    """
    account = await linkedin_of(ctx, PAGES)
    try:
        post = await one(account, args.post)
    except Gone:
        return Outcome(state=EffectState.SENT, data=SHELF.gone)
    told = f"{address(args.post)} ({when(post)}): {seen(post)}"
    return Outcome(state=EffectState.SENT, data=told)


async def _words(account: Account, urn: str) -> str:
    """What it says; empty where LinkedIn does not let us read it."""
    try:
        return seen(await one(account, urn))
    except NotAllowed:
        return ""


async def _away(account: Account, urn: str) -> None:
    await account.ask("DELETE", f"/rest/posts/{in_path(urn)}")


async def _open(ctx: ToolContext) -> Account:
    return await linkedin_of(ctx, MEMBER)


SHELF = Shelf(
    provider="linkedin",
    title="LinkedIn",
    what="post",
    needs=MEMBER,
    open=_open,
    words=_words,
    away=_away,
)
DELETING = """Delete one post on LinkedIn, the person's own or one of a page they manage, for good.

Use it when the person wants a post of theirs taken down. Do not use it to correct a post unless
they said so: deleting loses its comments.
- post: its address on linkedin.com, or its name such as urn:li:share:7300000000000000001.
- text: leave it out; it is filled in with what the post says, where LinkedIn shows that.
Example: {"post": "urn:li:share:7300000000000000001"}
"""

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
    taking_down(SHELF, LinkedInDelete, DELETING),
)
