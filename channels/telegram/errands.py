"""Small things to do for Telegram after an event is safe: answers to presses, questions, notices.

They must not hold up what comes in. A queue that is full drops them: the person presses again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.core.errors import BotError

log = logging.getLogger(__name__)

ROOM = 1000
AT_ONCE = 16
Errand = Callable[[], Awaitable[object]]


class Errands:
    """Does them, some at once, while `working`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Errand] = asyncio.Queue(ROOM)
        self._workers: list[asyncio.Task[None]] = []

    def add(self, errand: Errand) -> None:
        """Do this soon."""
        try:
            self._queue.put_nowait(errand)
        except asyncio.QueueFull:
            log.warning("Telegram is slow; an answer to a press was dropped.")

    async def __aenter__(self) -> "Errands":
        self._workers = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._queue.join()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            errand = await self._queue.get()
            try:
                await errand()
            except BotError as error:
                log.warning("Telegram did not take what came after an event: %s", error.message)
            except Exception:
                log.exception("What comes after an event broke.")
            finally:
                self._queue.task_done()
