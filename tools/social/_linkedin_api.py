"""LinkedIn as its tools speak to it: scopes, what its answers mean, and the pages of an account.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api and
https://learn.microsoft.com/linkedin/marketing/versioning (read 2026-11-21). A version of the API is
served for a year or so and then answered with 426. Which scope the list of pages wants is not
certain; the organisation scopes are what pages take anyhow.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.core.errors import BotError, OperatorError, VendorRefused, VendorUnknown
from bot.core.ports import Page
from bot.core.tool import ToolContext
from tools.social._account import Account, Service, Told, account_of
from tools.social._picked import Picked

MEMBER = ("w_member_social",)
PAGES = ("w_organization_social", "r_organization_social")
_ROLES = ("ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER")
_MOST_PAGES = 25
_SHARE = re.compile(r"urn:li:(?:share|ugcPost|activity):\d+")


class NotAllowed(VendorRefused):
    """LinkedIn lets this account, or this app, not do that."""


class Duplicate(VendorRefused):
    """LinkedIn says that this text was posted already."""

    def __init__(self, message: str, urn: str) -> None:
        super().__init__(message)
        self.urn = urn
        """The post that says it; empty where LinkedIn does not tell."""


def _reason(told: Told) -> str:
    return str(told.get("message") or "")


def _meaning(page: Page, told: Told) -> BotError | None:
    if page.status == 426:
        return OperatorError(
            "LinkedIn does not serve the version of its API any more that this program speaks. "
            "Bring Switchboard up to date."
        )
    if page.status == 403:
        return NotAllowed(
            f"LinkedIn does not allow this: {_reason(told)[:200] or 'no reason given'}. For a "
            "company page the account must manage it, and the app be approved for organisations."
        )
    words = f"{_reason(told)} {told.get('code', '')} {told.get('errorDetails', '')}"
    if page.status in (409, 422) and "duplicate" in words.lower():
        found = _SHARE.search(words)
        urn = found[0] if found else ""
        return Duplicate("LinkedIn says that this text was posted already.", urn)
    return None


SERVICE = Service(name="linkedin", title="LinkedIn", reason=_reason, meaning=_meaning)


async def linkedin_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


def person_of(account: Account) -> str:
    """The name by which LinkedIn knows the person."""
    return f"urn:li:person:{account.id}"


def in_path(urn: str) -> str:
    """A urn as a part of a path."""
    return quote(urn, safe="")


def address(urn: str) -> str:
    """Where people read a post."""
    return f"https://www.linkedin.com/feed/update/{urn}"


async def pages_of(account: Account) -> list[Picked]:
    """The company pages that the account may post for, by their names. Raises VendorError."""
    query = {"q": "roleAssignee", "state": "APPROVED", "count": "100"}
    headers = {"X-RestLi-Method": "FINDER"}
    told = await account.call("GET", "/rest/organizationAcls", query=query, headers=headers)
    urns = [
        str(each.get("organization", ""))
        for each in elements(told)
        if str(each.get("role", "")).startswith(_ROLES)
    ]
    found = []
    for urn in list(dict.fromkeys(filter(None, urns)))[:_MOST_PAGES]:
        id_ = urn.rsplit(":", 1)[1]
        page = await account.call("GET", f"/rest/organizations/{in_path(id_)}")
        found.append(Picked(id=urn, name=str(page.get("localizedName") or id_)))
    return found


def elements(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of a list. Raises VendorUnknown."""
    found = told.get("elements")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("LinkedIn's list cannot be read.")
    return found
