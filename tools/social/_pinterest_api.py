"""Pinterest as its tools speak to it: scopes, what its answers mean, and the account's boards.

https://developers.pinterest.com/docs/api/v5/ (openapi 5.23.0, read 2026-11-21).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bot.core.errors import VendorUnknown
from bot.core.tool import ToolContext
from tools.social._account import Account, Service, Told, account_of
from tools.social._picked import Picked

READING = ("boards:read", "pins:read")
WRITING = (*READING, "boards:write", "pins:write")
PAGE = 100
MOST_PAGES = 10
_NOTES = {"SECRET": "secret: only the account sees it", "PROTECTED": "protected"}


def _reason(told: Told) -> str:
    return str(told.get("message") or "")


SERVICE = Service(name="pinterest", title="Pinterest", reason=_reason)


async def pinterest_of(ctx: ToolContext, needs: tuple[str, ...]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    return await account_of(ctx, SERVICE, needs)


def address(pin: str) -> str:
    """Where people see a pin."""
    return f"https://www.pinterest.com/pin/{pin}/"


async def boards_of(account: Account) -> list[Picked]:
    """The account's boards. Raises VendorError."""
    return [
        Picked(
            id=str(each["id"]),
            name=str(each.get("name") or each["id"]),
            note=_NOTES.get(str(each.get("privacy", "")), ""),
        )
        async for each in pages(account, "/v5/boards", {})
    ]


async def pages(
    account: Account, where: str, query: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    """Every item of a list. Raises VendorUnknown when there are more than are looked through."""
    asked = {"page_size": str(PAGE), **query}
    for _ in range(MOST_PAGES):
        told = await account.call("GET", where, query=asked)
        for each in items(told):
            yield each
        if not told.get("bookmark"):
            return
        asked["bookmark"] = str(told["bookmark"])
    raise VendorUnknown("Pinterest has more there than is looked through.")


def items(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of one page of a list. Raises VendorUnknown."""
    found = told.get("items")
    if not isinstance(found, list) or not all(isinstance(i, dict) and "id" in i for i in found):
        raise VendorUnknown("Pinterest's list cannot be read.")
    return found
