"""Whether a connection works: the vendor is asked whose token it is.

Where a vendor has no such address (Apple), renewing the token is the proof, at most once a day.
"""

from dataclasses import replace
from datetime import timedelta

from bot.core.errors import BotError, ConnectionBroken, NotFound
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.oauth.around import Around
from bot.oauth.provider import inside
from bot.oauth.renewal import Renewal
from bot.store import connections as rows
from bot.store.connections import Connection

ONCE = timedelta(days=1)


class Health:
    """Checks connections."""

    def __init__(self, around: Around, renewal: Renewal) -> None:
        self._g = around
        self._renewal = renewal

    async def check(self, tenant: TenantId, id_: str) -> Connection:
        """Ask, and write down the answer. Raises NotFound."""
        item = await self._mine(tenant, id_)
        error, name = "", item.name
        try:
            name = await self._asked(item) or name
        except NotFound:
            raise
        except BotError as failed:
            error = failed.message
        item = await self._mine(tenant, id_)
        if item.status == "broken":
            return item
        now = self._g.clock.now()
        new = replace(item, version=item.version + 1, error=error, name=name, checked_at=now)
        await self._g.db.write(rows.change(new, to_us(now)))
        return await self._mine(tenant, id_)

    async def _mine(self, tenant: TenantId, id_: str) -> Connection:
        item = await self._g.db.read(rows.of(tenant, id_))
        if item is None:
            raise NotFound("There is no such connection here.")
        return item

    async def _asked(self, item: Connection) -> str:
        """The account's name as the vendor has it today."""
        provider = self._g.services.load(item.provider)
        refused: Secret | None = None
        if not provider.who.url:
            is_old = item.token_at is None or self._g.clock.now() - item.token_at > ONCE
            token = (await self._g.open(item)).access
            await self._renewal.fresh(item.tenant, item.id, token if is_old else None)
            return ""
        wire = self._g.wire(provider, await self._g.apps.of(item.tenant, provider))
        while True:
            item, token = await self._renewal.fresh(item.tenant, item.id, refused)
            try:
                told = await wire.who(token)
            except ConnectionBroken:
                if refused is not None:
                    await self._renewal.broken(item, "The service does not take its token.")
                refused = token
            else:
                return str(inside(dict(told), provider.who.name) or "")[:200]
