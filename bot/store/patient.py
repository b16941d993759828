"""Writing what must not be forgotten: a full disk is waited out, not reported.

For what has already happened, such as a vendor's answer or the end of a turn: there is nobody who
could try again. Everything else raises StoreError at once, so that whoever asked is told.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from bot.core.errors import StoreError
from bot.store.script import Database, Script

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 5.0


async def surely(db: Database, script: Callable[[], Script[T]]) -> T:
    """Write, again and again until the disk takes it; any other error is raised.

    When only the answer of a commit was lost the script runs twice, so it must change nothing
    the second time.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await db.write(script())
        except StoreError as error:
            log.warning("Waiting for the database: %s", error.message)
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE_S, pause * 2)
