"""Where a mail of a connected box stands, and putting it elsewhere: inbox, read or not, labels.

https://developers.google.com/workspace/gmail/api/guides/labels
https://learn.microsoft.com/graph/api/message-update, .../message-move (read 2026-11-22)

Gmail has labels, and the inbox is one of them; Outlook has categories, and a folder for the
archive. What stands so already is not done again, so everything here may be repeated. Only labels
that people made are known here: none of Gmail's own, such as its bin.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from bot.core.canonical import Json
from bot.core.errors import VendorUnknown
from bot.frozen import frozen
from bot.oauth.answers import Taken, Vendor
from tools.mailbox import _gmail, _outlook
from tools.mailbox._mail import Box, is_id


@frozen
class Place:
    """How a mail stands."""

    is_archived: bool
    is_read: bool
    labels: tuple[str, ...]


@frozen
class Wish:
    """How it is to stand; None and empty: that stays."""

    archive: bool = False
    read: bool | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def left(self, now: Place) -> "Wish | None":
        """What of it is still to be done."""
        there = {each.lower() for each in now.labels}
        left = Wish(
            archive=self.archive and not now.is_archived,
            read=None if self.read == now.is_read else self.read,
            add=tuple(each for each in self.add if each.lower() not in there),
            remove=tuple(each for each in self.remove if each.lower() in there),
        )
        return None if left == Wish() else left


class Places(Protocol):
    """The places of one box."""

    async def look(self, id_: str) -> Place:
        """How a mail stands. Raises NotFound."""
        ...

    async def put(self, id_: str, wish: Wish) -> None:
        """Put it so."""
        ...


class GmailPlaces:
    """Labels of Gmail."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def look(self, id_: str) -> Place:
        """See `Places`."""
        where = f"{_gmail.BASE}/messages/{quote(id_, safe='')}"
        told = await self._vendor.ask("GET", where, query={"format": "minimal"})
        ids = _texts(told.get("labelIds"))
        named = {id_: name for name, id_ in (await self._named()).items()}
        return Place(
            is_archived="INBOX" not in ids,
            is_read="UNREAD" not in ids,
            labels=tuple(named[each] for each in ids if each in named),
        )

    async def put(self, id_: str, wish: Wish) -> None:
        """See `Places`. A label that is not there yet is made."""
        named = {name.lower(): each for name, each in (await self._named()).items()}
        on = [named.get(each.lower()) or await self._make(each) for each in wish.add]
        off = [named[each.lower()] for each in wish.remove if each.lower() in named]
        if wish.archive:
            off.append("INBOX")
        if wish.read is not None:
            (off if wish.read else on).append("UNREAD")
        body: dict[str, Json] = {"addLabelIds": list[Json](on), "removeLabelIds": list[Json](off)}
        where = f"{_gmail.BASE}/messages/{quote(id_, safe='')}/modify"
        await self._vendor.ask("POST", where, body=body)

    async def _named(self) -> Mapping[str, str]:
        """Name → id of the labels that people made."""
        told = (await self._vendor.ask("GET", f"{_gmail.BASE}/labels")).get("labels")
        found = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
        own = [each for each in found if each.get("type") == "user" and is_id(each.get("id"))]
        return {str(each.get("name")): str(each["id"]) for each in own}

    async def _make(self, name: str) -> str:
        seen = {"labelListVisibility": "labelShow", "messageListVisibility": "show"}
        body: dict[str, Json] = {"name": name, **seen}
        try:
            made = await self._vendor.ask("POST", f"{_gmail.BASE}/labels", body=body)
        except Taken:  # made in this moment, or by an attempt whose answer was lost
            named = {each.lower(): id_ for each, id_ in (await self._named()).items()}
            made = {"id": named.get(name.lower())}
        if not is_id(made.get("id")):
            raise VendorUnknown("Gmail did not say how it calls the label.")
        return str(made["id"])


class OutlookPlaces:
    """Categories and the archive of Outlook."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    async def look(self, id_: str) -> Place:
        """See `Places`."""
        told = await self._mail(id_)
        if not isinstance(told.get("isRead"), bool):
            raise VendorUnknown("Outlook did not say how the mail stands.")
        name = str(told.get("internetMessageId") or "").replace("'", "''")
        query = {"$filter": f"internetMessageId eq '{name}'", "$select": "id"}
        where = "/v1.0/me/mailFolders/archive/messages"
        found = await self._vendor.ask("GET", where, query=query, headers=_outlook.STEADY)
        listed = found.get("value")
        if not isinstance(listed, list):
            raise VendorUnknown("Outlook's list cannot be read.")
        return Place(
            is_archived=any(isinstance(e, dict) and e.get("id") == told.get("id") for e in listed),
            is_read=told["isRead"],
            labels=tuple(_texts(told.get("categories"))),
        )

    async def put(self, id_: str, wish: Wish) -> None:
        """See `Places`. The archive comes last."""
        where, body = f"{_outlook.BASE}/{quote(id_, safe='')}", dict[str, Json]()
        if wish.read is not None:
            body["isRead"] = wish.read
        if wish.add or wish.remove:
            off = {each.lower() for each in wish.remove}
            kept = _texts((await self._mail(id_)).get("categories"))
            there = [each for each in kept if each.lower() not in off]
            body["categories"] = list[Json]([*there, *wish.add])
        if body:
            await self._vendor.ask("PATCH", where, body=body, headers=_outlook.STEADY)
        if wish.archive:
            to: dict[str, Json] = {"destinationId": "archive"}
            await self._vendor.ask("POST", f"{where}/move", body=to, headers=_outlook.STEADY)

    async def _mail(self, id_: str) -> Mapping[str, Any]:
        query = {"$select": "id,isRead,categories,internetMessageId"}
        where = f"{_outlook.BASE}/{quote(id_, safe='')}"
        return await self._vendor.ask("GET", where, query=query, headers=_outlook.STEADY)


def places_of(box: Box) -> Places:
    """The places of a box."""
    return GmailPlaces(box.vendor) if box.where == "gmail" else OutlookPlaces(box.vendor)


def _texts(told: object) -> Sequence[str]:
    return [str(each) for each in told] if isinstance(told, list) else []
