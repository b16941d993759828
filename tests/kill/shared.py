"""One life among several on a shared PostgreSQL: talks of its own, and one that all talk in.

The files of the vendor, the channel and the acknowledgements are common to all. Signs of life are
given quickly, so that a death is seen within a second.
"""

import asyncio
from typing import Any

import asyncpg

import bot.fleet
from bot.core.errors import StoreError
from bot.core.ports import new_id
from bot.fleet import Fleet, Peers
from bot.store.fleet import Worker
from bot.store.notices import Notices
from bot.store.postgres import PostgresDatabase
from tests.kill.child import House

INTERNAL = asyncpg.InternalClientError
COMMON = 1001
SHARES = 3


class SharedHouse(House):
    """One process of several."""

    async def live(self) -> None:
        bot.fleet.BEAT_S, bot.fleet.DEAD_S, bot.fleet.SURE_S = 0.1, 1.5, 0.5
        self._helpers: list[asyncio.Task[Any]] = []
        await super().live()
        for helper in self._helpers:
            helper.cancel()

    @property
    def _number(self) -> int:
        """Which of the processes this is, whatever its life."""
        return int(self.life.place.partition("-")[0])

    async def _open_database(self) -> Peers | None:
        self._outsider = await asyncpg.connect(self.life.database)
        self._looking = asyncio.Lock()
        name = new_id(self.clock, "own")
        self.db = PostgresDatabase(self.life.database, name=name)
        await self.db.open()
        me = Worker(id=name, place=self.life.place, version="1", files_shared=True)
        fleet = Fleet(self.db, self.clock, me)
        await fleet.join()
        fleet.freed = self._freed
        fleet.on("stop", lambda conv: self.engine.turns.stop_here(conv))
        words = Notices(self.life.database, fleet.hear, fleet.missed)
        fleet.words, fleet.evict = words, self.db.evict
        self._helpers += [
            asyncio.create_task(work) for work in (fleet.run(), fleet.watch(), words.run())
        ]
        return fleet

    def _freed(self) -> None:
        self.engine.turns.wake()
        self.engine.effects.wake()

    async def _look(self, sql: str) -> list[Any]:
        async with self._looking:
            while True:
                try:
                    if self._outsider.is_closed():
                        self._outsider = await asyncpg.connect(self.life.database)
                    found: list[Any] = await self._outsider.fetch(sql)
                    return found
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, INTERNAL):
                    self._outsider.terminate()
                    await asyncio.sleep(0.05)

    async def _send(self, talk: int, number: int) -> None:
        """Whoever was told that it could not be taken in sends it again, as every vendor does."""
        while True:
            try:
                return await super()._send(talk, number)
            except StoreError:
                await asyncio.sleep(0.05)

    async def _schedule(self) -> None:
        """So does whoever was told that a schedule could not be written."""
        while True:
            try:
                return await super()._schedule()
            except StoreError:
                await asyncio.sleep(0.05)

    async def _talk(self, talk: int) -> None:
        if talk == 0:
            await self._common()
        else:
            await super()._talk(talk + 10 * self._number)

    async def _common(self) -> None:
        """Say something in the conversation of all, as long as messages are wanted."""
        said = [line["number"] for line in self.sent.lines() if line["talk"] == COMMON]
        acked = {line["ext"] for line in self.acks.lines()}
        mine = [number for number in said if number % SHARES == self._number]
        for number in mine:
            if f"{COMMON}:{number}" not in acked:
                await self._send(COMMON, number)
        count = len(mine)
        while not self.life.messages or count < self.life.messages:
            number = count * SHARES + self._number
            self.sent.add(talk=COMMON, number=number, ext=f"{COMMON}:{number}")
            await self._send(COMMON, number)
            count += 1
