"""What is on Pinterest already: pins, and whether one of them is the one we mean.

https://developers.pinterest.com/docs/api/v5/boards-list_pins (openapi 5.23.0, read 2026-11-21). In
which order a board lists its pins is not said, so all of them are looked at, up to a number.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.errors import Invalid, VendorUnknown
from tools.social._account import Account
from tools.social._pinterest_api import items, pages

SLACK = timedelta(seconds=60)
"""How far Pinterest's clock and ours may be apart."""
_WORDS = ("title", "description", "link", "alt_text")


async def find_pin(
    account: Account, board: str, meant: Mapping[str, str], since: datetime
) -> str | None:
    """The id of the pin on that board with these words; None when there surely is none.

    `meant`: title, description, link, alt_text. Raises VendorError when it cannot be said.
    """
    wanted = _plain(meant)
    async for pin in pages(account, f"/v5/boards/{board}/pins", {}):
        if _plain(pin) == wanted and made_at(pin) >= since - SLACK:
            return str(pin["id"])
    return None


async def newest(account: Account, board: str, count: int) -> list[Mapping[str, Any]]:
    """Pins as Pinterest lists them, of one board or of all."""
    where = f"/v5/boards/{board}/pins" if board else "/v5/pins"
    told = await account.call("GET", where, query={"page_size": str(count)})
    return items(told)[:count]


async def one(account: Account, pin: str, *, numbers: bool = False) -> Mapping[str, Any]:
    """One pin of the account's own. Raises Gone, Invalid for another's, VendorError."""
    query = {"pin_metrics": "true"} if numbers else {}
    told = await account.call("GET", f"/v5/pins/{pin}", query=query)
    if told.get("is_owner") is False:
        raise Invalid("This pin is somebody else's.")
    return told


def made_at(pin: Mapping[str, Any]) -> datetime:
    """When it was made. Raises VendorUnknown."""
    try:
        at = datetime.fromisoformat(str(pin["created_at"]))
    except (KeyError, ValueError):
        raise VendorUnknown("Pinterest did not say when a pin was made.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def seen(pin: Mapping[str, Any]) -> str:
    """Its title, description and link, one below the other, as far as it has them."""
    return "\n".join(filter(None, (str(pin.get(name) or "") for name in _WORDS[:3])))


def _plain(pin: Mapping[str, Any]) -> tuple[str, ...]:
    said = (unicodedata.normalize("NFC", str(pin.get(name) or "")) for name in _WORDS)
    return tuple(" ".join(text.split()) for text in said)
