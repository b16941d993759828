"""What tools get that act by a connected account and carry files: the accounts, and the kept files.

Mail that takes files along and files that go to a drive need both; the rest needs the accounts
alone. Whose file it is and whose account is checked by each of the two, at every call.
"""

from collections.abc import Sequence
from contextlib import suppress

from bot.core.canonical import Json
from bot.core.errors import Conflict, OperatorError
from bot.core.tool import ToolContext
from bot.files.library import Library
from bot.frozen import frozen
from bot.oauth.accounts import Accounts, Client, ScopeMissing
from bot.store.files import File


@frozen
class Carrying:
    """Both."""

    accounts: Accounts
    library: Library

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

    async def known(self, ctx: ToolContext, id_: str) -> dict[str, Json]:
        """What a card shows of a kept file: id, name, media_type, size (bytes), sha256.

        Raises NotFound.
        """
        item = await self.library.attachment(ctx, id_)
        return {
            "id": item.source,
            "name": item.name,
            "media_type": item.media_type,
            "size": item.size,
            "sha256": item.sha256,
        }

    async def taken(self, ctx: ToolContext, id_: str, sha256: str) -> tuple[File, bytes]:
        """A kept file as it was shown. Raises NotFound, StoreError; Conflict for another one."""
        item, data = await self.library.whole(ctx, id_)
        if item.sha256 != sha256:
            raise Conflict(f"The file {item.name} is another than was shown. Ask for it anew.")
        return item, data


def carrying(ctx: ToolContext) -> Carrying:
    """What this call may carry by. Raises OperatorError in a house without it."""
    if not isinstance(ctx.settings, Carrying):
        raise OperatorError("This house connects no mailboxes and no drives.")
    return ctx.settings
