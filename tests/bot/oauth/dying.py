"""A process that renews one connection and is killed with the vendor's answer in its hand."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.oauth.renewal import Renewal
from bot.store import connections as rows
from bot.store.sqlite import SqliteDatabase
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer


async def die(*_: Any) -> Any:
    """With the answer read, and nothing stored."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, name: str, base: str, when: str) -> None:
    """Renew."""
    server = OAuthServer(name)
    server.base = base
    db = SqliteDatabase(folder / "house.db")
    await db.open()
    house = OAuthHouse(folder, server, db=db)
    async with house:
        ((tenant, id_),) = await db.read(rows.due(2**62))
        item = await db.read(rows.of(tenant, id_))
        assert item and item.expires_at
        house.clock.at = item.expires_at
        if when == "before":
            Renewal._asked = die  # type: ignore[method-assign]
        else:
            Renewal._store = die  # type: ignore[method-assign]
        await house.connections.renewal.fresh(item.tenant, item.id)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
