"""Letting go of a connection: the vendor is told, and whatever it answers, nothing stays here."""

from collections.abc import Mapping

from bot.core.errors import BotError, NotFound
from bot.core.ids import TenantId
from bot.core.times import to_us
from bot.oauth.around import Around, Tokens
from bot.oauth.wire import Wire
from bot.store import connections as rows
from bot.store.connections import Connection

SAID: Mapping[str, str] = {
    "revoked": "The service has taken our access back.",
    "not asked": "The service has no way to be told. Take our app off there as well: {by_hand}",
    "not here": "The package that knows this service is not used here, so nobody told the service. "
    "Take our app off there as well.",
    "did not answer": "The service could not be told. Take our app off there as well: {by_hand}",
}


class Ending:
    """Ends connections."""

    def __init__(self, around: Around) -> None:
        self._g = around

    async def end(self, tenant: TenantId, id_: str, actor: str) -> str:
        """Revoke, then wipe; a sentence on what the vendor said. Raises NotFound."""
        item = await self._g.db.read(rows.of(tenant, id_))
        if item is None:
            raise NotFound("There is no such connection here.")
        provider = self._g.services.find(item.provider)
        how = await self._revoke(item)
        await self.wipe(item, actor, how)
        return SAID[how].replace("{by_hand}", provider.by_hand if provider else "")

    async def wipe(self, item: Connection, actor: str, how: str) -> None:
        """Delete it with its tokens."""
        await self._g.db.write(rows.remove(item, to_us(self._g.clock.now()), actor, how))
        await self._g.told(item, "works")

    async def _revoke(self, item: Connection) -> str:
        provider = self._g.services.find(item.provider)
        if provider is None:
            return "not here"
        if provider.revoke is None:
            return "not asked"
        try:
            app = await self._g.apps.of(item.tenant, provider)
            tokens = await self._g.open(item)
        except BotError:
            return "did not answer"
        return await leave(self._g.wire(provider, app), item.account, tokens)


async def leave(wire: Wire, account: str, tokens: Tokens) -> str:
    """Tell the vendor that it is over, by the token that ends most; a word for what came of it."""
    way = wire.provider.revoke
    if way is None:
        return "not asked"
    kind = "refresh" if tokens.refresh and not way.as_bearer else "access"
    token = tokens.refresh if kind == "refresh" else tokens.access
    try:
        await wire.revoke(account, kind, token)
    except BotError:
        return "did not answer"
    return "revoked"
