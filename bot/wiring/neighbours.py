"""What a house does about the other processes of its database: it hears them, and makes room.

A word from another process is a hint; what it is about stands in rows. When the database comes to
need a newer program than this one, the house takes in no more work, says so for a while to whoever
asks whether it is ready, lets its turns end, and ends itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.fleet import MISSED, TOOK, WORK, Fleet
from bot.live import Live
from bot.store.schema import VERSION
from bot.wiring.engine import Engine

log = logging.getLogger(__name__)

DRAIN_S = 8.0
NOTICE_S = 5.0
"""How long at least it says that it is not ready, so that whoever sends to it goes elsewhere."""


@dataclass(slots=True, kw_only=True)
class Neighbours:
    """The others, as this house minds them."""

    fleet: Fleet
    engine: Engine
    live: Live
    forget: Callable[[], None]
    """People, routes and rules are read anew."""
    read: Callable[[], Awaitable[object]]
    """Agents and tools are read anew."""
    keys: Callable[[], Awaitable[object]]
    """Models answer by the keys that are kept by now."""
    platforms: Callable[[], Awaitable[object]]
    """Whatever is connected by now is listened on."""
    rest: Callable[[], None]
    """The clock, the channels and the jobs stop."""
    quit: Callable[[], None]
    """The program ends."""
    retired: str = ""
    """Why this program is too old for the database; empty as long as it is not."""
    _tasks: set[asyncio.Future[object]] = field(default_factory=set)

    def hear(self) -> None:
        """Act on what other processes say, on their silence, and on what the database needs."""
        fleet, turns = self.fleet, self.engine.turns
        fleet.freed = self._look
        fleet.retire = self._retire
        fleet.on("changed", self._changed)
        fleet.on("channels", lambda: self._keep(self.platforms()))
        fleet.on(MISSED, self._missed)
        fleet.on("stop", turns.stop_here)
        fleet.on(WORK, turns.look)
        fleet.on(TOOK, self.engine.router.taken)

    def _look(self) -> None:
        self.engine.turns.look()
        self.engine.effects.wake()

    def _changed(self) -> None:
        self.forget()
        self._keep(self.read())
        self._keep(self.keys())

    def _missed(self) -> None:
        self.engine.recent.forget()
        self._changed()
        self._keep(self.platforms())
        self.live.lose()
        self._look()

    def _retire(self, least: int) -> None:
        self.retired = (
            f"This program is too old for its database, which now needs schema {least}; it knows "
            f"{VERSION}. It takes in nothing more and ends. Install a newer Switchboard."
        )
        log.error(self.retired)
        self._keep(self._drain())

    async def _drain(self) -> None:
        self.engine.inbox.closed = self.retired
        self.rest()
        await asyncio.gather(self.engine.stop(DRAIN_S), asyncio.sleep(NOTICE_S))
        self.quit()

    def _keep(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
