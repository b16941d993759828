"""What is done once a platform has been answered: so much at once, minded, and ended together.

Words to one person, a form, a look at something: whoever asked waits for none of it. What does not
fit any more is dropped with a line in the log, for the person presses again; what fails is logged.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bot.core.errors import BotError
from bot.platforms.texting import OptedOut

log = logging.getLogger(__name__)

MOST = 500


class Background:
    """The work of one platform that is on its way."""

    def __init__(self, platform: str, most: int = MOST) -> None:
        self._platform = platform
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._tasks

    def add(
        self, work: Coroutine[Any, Any, None], after_s: float = 0.0
    ) -> asyncio.Task[None] | None:
        """Do it soon, or in so long; None when too much is on its way, and it is dropped."""
        if len(self._tasks) >= self._most:
            work.close()
            log.warning("Too much is on its way to %s; something is dropped.", self._platform)
            return None
        task = asyncio.ensure_future(self._mind(work, after_s))
        self._tasks.add(task)

        def left(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            work.close()  # what was ended before it began

        task.add_done_callback(left)
        return task

    async def end(self) -> None:
        """End what is on its way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _mind(self, work: Coroutine[Any, Any, None], after_s: float) -> None:
        try:
            if after_s:
                await asyncio.sleep(after_s)
            await work
        except OptedOut:
            log.info("What comes afterwards is not sent: whom it was for has opted out.")
        except BotError as error:
            log.warning("%s did not take what comes afterwards: %s", self._platform, error.message)
        except Exception:
            log.exception("What comes afterwards broke on %s.", self._platform)
