"""How a company page on LinkedIn does: its followers, and what its posts met with.

https://learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics
and organization-network-size (read 2026-11-22). Only who administers a page may ask, with a scope
of its own; counts are of the last twelve months and without advertisements. A person's own numbers
are shown to no program.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, field_validator

from bot.core.effect import EffectState, Outcome
from bot.core.errors import VendorUnknown
from bot.core.tool import Tool, ToolContext
from tools._arguments import unfit
from tools.social._account import Account
from tools.social._linkedin_api import elements, in_path, linkedin_of, pages_of
from tools.social._linkedin_own import Urn
from tools.social._picked import pick
from tools.social._post import Title

NEEDS = ("r_organization_social", "rw_organization_admin")
_LISTS = {"share": "shares", "ugcPost": "ugcPosts"}
"""The kinds of posts that are counted by themselves, each with what LinkedIn calls a list of it."""
_COUNTS = {
    "impressionCount": "impressions",
    "uniqueImpressionsCount": "people reached",
    "clickCount": "clicks",
    "likeCount": "reactions",
    "commentCount": "comments",
    "shareCount": "shares",
}


class LinkedInNumbers(BaseModel):
    """Of which page, and of which of its posts."""

    model_config = ConfigDict(extra="forbid")

    page: Title
    post: Urn | None = None

    @field_validator("post")
    @classmethod
    def counted(cls, value: str | None) -> str | None:
        """Refuse a kind of name that LinkedIn does not count by."""
        if value and _kind(value) not in _LISTS:
            raise unfit("LinkedIn counts no urn:li:activity; take the name from linkedin_list")
        return value


async def linkedin_numbers(ctx: ToolContext, args: LinkedInNumbers) -> Outcome:
    """Tell how a company page on LinkedIn does, or one of its posts: followers, clicks and so on.

    Use it when the person asks how a page or a post of it went. Do not use it for a person's own
    posts: LinkedIn shows no program their numbers.
    - page: the company page, such as "Rye".
    - post: one of its posts, by address or name from linkedin_list; leave it out for all together.
    Example: {"page": "Rye", "post": "urn:li:share:7300000000000000001"}
    """
    account = await linkedin_of(ctx, NEEDS)
    page = pick(args.page, await pages_of(account), "page", "LinkedIn")
    met = await _met(account, page.id, args.post)
    if args.post:
        none = f"LinkedIn has no numbers of {args.post} on the page {page.name}."
        return _told(f"{args.post}: {met}." if met else none)
    where = f"/rest/networkSizes/{in_path(page.id)}"
    size = await account.call("GET", where, query={"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"})
    head = f"{page.name}: {_count(size, 'firstDegreeSize')} followers."
    return _told(f"{head} Its posts of the last twelve months: {met or 'no numbers yet'}.")


async def _met(account: Account, page: str, post: str | None) -> str:
    """What the posts met with, in words; empty where LinkedIn has counted nothing."""
    where = "/rest/organizationalEntityShareStatistics?q=organizationalEntity"
    where += f"&organizationalEntity={quote(page, safe='')}"
    if post:  # a list's brackets stand bare, and what is in it does not
        where += f"&{_LISTS[_kind(post)]}=List({quote(post, safe='')})"
    found = elements(await account.call("GET", where))
    if post:
        found = [each for each in found if post in (each.get("share"), each.get("ugcPost"))]
    if not found:
        return ""
    counts = found[0].get("totalShareStatistics")
    if not isinstance(counts, dict):
        raise VendorUnknown("LinkedIn's numbers cannot be read.")
    known = [name for name in _COUNTS if name in counts] or list(_COUNTS)
    return ", ".join(f"{_count(counts, name)} {_COUNTS[name]}" for name in known)


def _count(told: Mapping[str, Any], name: str) -> int:
    """Raises VendorUnknown where no number stands."""
    found = told.get(name)
    if not isinstance(found, int):
        raise VendorUnknown("LinkedIn's numbers cannot be read.")
    return found


def _kind(post: str) -> str:
    return post.split(":")[2]


def _told(text: str) -> Outcome:
    return Outcome(state=EffectState.SENT, data=text)


TOOL = Tool(
    name="linkedin_numbers",
    arguments=LinkedInNumbers,
    perform=linkedin_numbers,
    provider="linkedin",
    needs=NEEDS,
    outside=True,
    saying="looking at the numbers of a page on LinkedIn",
)
