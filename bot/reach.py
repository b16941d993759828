"""What tools that act on other people's services are lent: accounts to act by, and files to give.

client = await reach.accounts.client(ctx.tenant, "x", ctx.agent, needs=(SCOPE,))
item, data = await reach.file(ctx, "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6")
"""

from bot.core.errors import NotFound
from bot.core.event import Attachment
from bot.core.tool import ToolContext
from bot.files.library import Library
from bot.files.shelf import TenantShelf
from bot.frozen import frozen
from bot.oauth.accounts import Accounts


@frozen
class Reach:
    """Accounts and files, each for the person who asks and the agent that acts."""

    accounts: Accounts
    library: Library | None = None
    address: str = ""
    """Where the house is reached from outside; empty when it is not."""

    async def file(self, ctx: ToolContext, id_: str) -> Attachment:
        """A kept file that the person may read. Raises NotFound."""
        return await self._library().attachment(ctx, id_)

    async def bytes_of(self, ctx: ToolContext, id_: str) -> bytes:
        """All of it. Raises NotFound, StoreError, VendorError."""
        _, data = await self._library().whole(ctx, id_)
        return data

    def link(self, ctx: ToolContext, item: Attachment) -> str:
        """An address that gives the file to anybody, for a week; empty without a public one."""
        return TenantShelf(ctx.tenant, self._library().files, self.address).link(item)

    def _library(self) -> Library:
        if self.library is None:
            raise NotFound("This house keeps no files.")
        return self.library
