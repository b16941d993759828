"""Who is who on a platform, as it told at most an hour ago: for names, and for owners who link.

A channel that can list its users keeps them here, a page at a time; nobody becomes anybody in the
house by it.
"""

from collections.abc import Sequence

from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.store import platform_users as rows
from bot.store.platform_users import PlatformUser
from bot.store.script import Database


class Users:
    """The users of one platform."""

    def __init__(self, db: Database, clock: Clock, channel: str) -> None:
        self._db = db
        self._clock = clock
        self._channel = channel

    async def keep(self, tenant: TenantId, users: Sequence[PlatformUser]) -> int:
        """Write down a page of them; gives the time that stands beside them."""
        at = to_us(self._clock.now())
        await self._db.write(rows.put(tenant, self._channel, users, at))
        return at

    async def whole(self, tenant: TenantId, workspace: str, since: int) -> None:
        """All of a workspace were kept since then: the others are not there any more."""
        await self._db.write(rows.drop(tenant, self._channel, workspace, since))

    async def names(self, tenant: TenantId, workspace: str) -> dict[str, str]:
        """Id → name of everybody in a workspace."""
        return await self._db.read(rows.names(tenant, self._channel, workspace))

    async def age_s(self, tenant: TenantId, workspace: str) -> float:
        """Seconds since the workspace was last asked; endless when it never was."""
        newest = await self._db.read(rows.newest(tenant, self._channel, workspace))
        return (to_us(self._clock.now()) - newest) / 1e6 if newest else float("inf")
