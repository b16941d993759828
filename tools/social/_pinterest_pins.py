"""What is on Pinterest already: pins, and whether one of them is the one we mean.

https://developers.pinterest.com/docs/api/v5/boards-list_pins (openapi 5.23.0, read 2026-11-21). In
which order a board lists its pins is not said, so all of them are looked at, up to a number.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.errors import Invalid, VendorUnknown
from tools.social._account import Account
from tools.social._own import Standing
from tools.social._pinterest_api import address, items, pages

SLACK = timedelta(seconds=60)
"""How far Pinterest's clock and ours may be apart."""
_WORDS = ("title", "description", "link", "alt_text")
_NUMBERS = {
    "impression": "times seen",
    "save": "times saved",
    "pin_click": "times opened",
    "clickthrough": "visits of its link",
}


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


class PinterestWall:
    """The account's pins, of one board or of all."""

    title = "Pinterest"

    def __init__(self, account: Account, board: str = "") -> None:
        self._account = account
        self._board = board

    async def newest(self, count: int) -> Sequence[Standing]:
        """As many as are asked for, in Pinterest's own order."""
        where = f"/v5/boards/{self._board}/pins" if self._board else "/v5/pins"
        told = await self._account.call("GET", where, query={"page_size": str(count)})
        return [_standing(pin) for pin in items(told)[:count]]

    async def one(self, post: str) -> Standing:
        """One of them. Raises Gone, Invalid for another's, VendorError."""
        query = {"pin_metrics": "true"}
        pin = await self._account.call("GET", f"/v5/pins/{post}", query=query)
        if pin.get("is_owner") is False:
            raise Invalid("This pin is somebody else's.")
        return _standing({"id": post, **pin})

    async def delete(self, post: str) -> None:
        """Delete it. Raises Gone, VendorError."""
        await self._account.ask("DELETE", f"/v5/pins/{post}")


def _standing(pin: Mapping[str, Any]) -> Standing:
    id_ = str(pin["id"])
    words = "\n".join(filter(None, (str(pin.get(name) or "") for name in _WORDS[:3])))
    return Standing(
        id=id_,
        text=words or "A pin without words.",
        at=made_at(pin) if pin.get("created_at") else None,
        url=address(id_),
        numbers=_numbers(pin),
    )


def _numbers(pin: Mapping[str, Any]) -> dict[str, int]:
    """What Pinterest counted since the pin is there; nothing where it says nothing."""
    told = pin.get("pin_metrics")
    counted = told.get("lifetime_metrics") if isinstance(told, dict) else None
    counted = counted if isinstance(counted, dict) else {}
    known = {words: counted.get(name) for name, words in _NUMBERS.items()}
    return {words: count for words, count in known.items() if isinstance(count, int)}


def made_at(pin: Mapping[str, Any]) -> datetime:
    """When it was made. Raises VendorUnknown."""
    try:
        at = datetime.fromisoformat(str(pin["created_at"]))
    except (KeyError, ValueError):
        raise VendorUnknown("Pinterest did not say when a pin was made.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _plain(pin: Mapping[str, Any]) -> tuple[str, ...]:
    said = (unicodedata.normalize("NFC", str(pin.get(name) or "")) for name in _WORDS)
    return tuple(" ".join(text.split()) for text in said)
