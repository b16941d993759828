"""Files as channels get them: the bytes of what a message carries, or a link where bytes cannot go.

A shelf belongs to one tenant, so a channel can open nothing of another, whatever a message names.
"""

from collections.abc import AsyncIterator

from bot.core.errors import BotError, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.files.files import Files
from bot.files.links import LONGEST


class TenantShelf:
    """The kept files of one tenant; the port `Shelf`."""

    def __init__(self, tenant: TenantId, files: Files, address: str) -> None:
        """`address` is where the house is reached from outside; empty when it is not."""
        self._tenant = tenant
        self._files = files
        self._address = address.rstrip("/")

    async def has(self, item: Attachment) -> bool:
        """Whether it is still kept, as it was when it was attached."""
        found = await self._files.find(self._tenant, item.source)
        return found is not None and found.sha256 == item.sha256

    async def open(self, item: Attachment) -> AsyncIterator[bytes]:
        """The bytes. Raises VendorRefused when they cannot be had."""
        found = await self._files.find(self._tenant, item.source)
        if found is None or found.sha256 != item.sha256:
            raise VendorRefused(f"The file {item.name} is not kept here any more.")
        try:
            async for piece in self._files.read(found):
                yield piece
        except BotError as error:
            raise VendorRefused(f"The file {item.name} cannot be read: {error.message}") from error

    def link(self, item: Attachment) -> str:
        """An address that gives it to whoever holds it, for a week; empty without a public one."""
        if not self._address:
            return ""
        token, _ = self._files.links.make(self._tenant, item.source, LONGEST)
        return f"{self._address}/files/{token}"
