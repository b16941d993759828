"""What tools that act on other people's services are lent: accounts to act by, and files to give.

    client = await reach.client(ctx, "x", needs=(SCOPE,))
    item, data = await reach.taken(ctx, "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6", sha256)

Whose file it is and whose account is checked at every call.
"""

from collections.abc import Sequence
from contextlib import suppress

from bot.core.canonical import Json
from bot.core.errors import Conflict, Invalid, NotFound, OperatorError
from bot.core.event import Attachment
from bot.core.tool import ToolContext
from bot.files.drawing import Drawn
from bot.files.library import Library
from bot.files.shelf import TenantShelf
from bot.frozen import frozen
from bot.oauth.accounts import Accounts, Client, NotConnected, ScopeMissing
from bot.store.files import File


@frozen
class Reach:
    """Accounts and files, each for the person who asks and the agent that acts."""

    accounts: Accounts
    library: Library | None = None
    address: str = ""
    """Where the house is reached from outside; empty when it is not."""
    options: object = None
    """A package's own settings, beside what is lent to it."""

    async def client(
        self, ctx: ToolContext, provider: str, needs: Sequence[str], wider: Sequence[str] = ()
    ) -> Client:
        """A client of an account that was granted this, or what holds all of it (`wider`).

        Raises NotConnected, ScopeMissing (for `needs`), Reconnect.
        """
        try:
            return await self.accounts.client(ctx.tenant, provider, ctx.agent, needs)
        except ScopeMissing:
            if wider:
                with suppress(ScopeMissing):
                    return await self.accounts.client(ctx.tenant, provider, ctx.agent, wider)
            raise

    async def acting(self, ctx: ToolContext, provider: str, needs: Sequence[str]) -> Client:
        """A client of the very account that the call was shown with.

        Raises Invalid where none is connected, Conflict where it is another by now, ScopeMissing,
        Reconnect: in all of them nothing was done.
        """
        try:
            client = await self.client(ctx, provider, needs)
        except NotConnected as error:
            raise Invalid(error.message) from None
        if client.id != ctx.connection:
            raise Conflict(
                f"{client.title} was connected anew since this was asked for. Ask for it again."
            )
        return client

    async def file(self, ctx: ToolContext, id_: str) -> Attachment:
        """A kept file that the person may read. Raises NotFound."""
        return await self._library().attachment(ctx, id_)

    async def known(self, ctx: ToolContext, id_: str) -> dict[str, Json]:
        """What a card shows of a kept file: id, name, media_type, size (bytes), sha256.

        Raises NotFound.
        """
        item = await self.file(ctx, id_)
        return {
            "id": item.source,
            "name": item.name,
            "media_type": item.media_type,
            "size": item.size,
            "sha256": item.sha256,
        }

    async def bytes_of(self, ctx: ToolContext, id_: str) -> bytes:
        """All of it. Raises NotFound, StoreError, VendorError."""
        _, data = await self._library().whole(ctx, id_)
        return data

    async def taken(self, ctx: ToolContext, id_: str, sha256: str) -> tuple[File, bytes]:
        """A kept file as it was shown. Raises NotFound, StoreError; Conflict for another one."""
        item, data = await self._library().whole(ctx, id_)
        if item.sha256 != sha256:
            raise Conflict(f"The file {item.name} is another than was shown. Ask for it anew.")
        return item, data

    async def text_of(self, data: bytes) -> Drawn:
        """The text of bytes that are not kept here. Raises NoText, NotFound."""
        return await self._library().text_of(data)

    def link(self, ctx: ToolContext, item: Attachment) -> str:
        """An address that gives the file to anybody, for a week; empty without a public one."""
        return TenantShelf(ctx.tenant, self._library().files, self.address).link(item)

    def _library(self) -> Library:
        if self.library is None:
            raise NotFound("This house keeps no files.")
        return self.library


def reach_of(ctx: ToolContext) -> Reach:
    """What this call may act by. Raises OperatorError in a house without it."""
    if not isinstance(ctx.settings, Reach):
        raise OperatorError("This house connects no accounts.")
    return ctx.settings
