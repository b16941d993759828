"""How far a channel has read at its platform, so that it goes on there after a restart.

A place in somebody else's list, such as a link to what changed since; nothing of what was read.
"""

from datetime import datetime
from typing import Protocol

from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import from_us, to_us
from bot.store import bookmarks as rows
from bot.store.script import Database


class Bookmarks(Protocol):
    """Where one channel of one tenant keeps how far it has read."""

    async def read(self, name: str) -> tuple[str, datetime] | None:
        """What was kept for a list, and when; None where nothing was. Raises StoreError."""
        ...

    async def keep(self, name: str, value: str) -> None:
        """Keep it, in place of what was. Raises StoreError."""
        ...


class Kept:
    """Those of the database."""

    def __init__(self, db: Database, clock: Clock, tenant: TenantId, channel: str) -> None:
        self._db, self._clock = db, clock
        self._tenant, self._channel = tenant, channel

    async def read(self, name: str) -> tuple[str, datetime] | None:
        found = await self._db.read(rows.get(self._tenant, self._channel, name))
        return (found[0], from_us(found[1])) if found else None

    async def keep(self, name: str, value: str) -> None:
        at = to_us(self._clock.now())
        await self._db.write(rows.put(self._tenant, self._channel, name, value, at))


class NoBookmarks:
    """Those of a channel that stands alone: it begins anew each time."""

    async def read(self, name: str) -> tuple[str, datetime] | None:
        return None

    async def keep(self, name: str, value: str) -> None:
        return None
