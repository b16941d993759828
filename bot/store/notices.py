"""Words between processes, by LISTEN and NOTIFY on a connection of their own.

They are only ever hints: one that is lost costs the time until the next sweep, and after a lost
connection everybody is told to look anew. A pooler in transaction mode cannot carry LISTEN, so this
is the one part that needs the direct address.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import asyncpg

from bot.store.fleet import CHANNEL

log = logging.getLogger(__name__)

MAX_BYTES = 7_900
"""PostgreSQL refuses a notice of 8,000 bytes."""
GATHER_S = 0.003
"""How long words are gathered into one statement; the first after a silence goes at once."""
_SAY = (
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, word) "
    "FROM unnest($2::text[]) word"
)
"""A word is a hint, and need not be on the disk."""
PAUSE_S = 1.0
CONNECT_S = 5.0


class Notices:
    """Sends and hears; the port `bot.fleet.Words`."""

    in_commits = True
    deaf = (
        "Words from other processes do not come through, as behind a pooler in transaction mode. "
        "All stays right, and what one process tells another takes up to ten seconds more."
    )

    def __init__(self, url: str, hear: Callable[[str], None], lost: Callable[[], None]) -> None:
        """`hear` gets each word; `lost` is called when some may have been missed."""
        self._url = url
        self._hear = hear
        self._lost = lost
        self._words: deque[str] = deque(maxlen=10_000)
        self._wake = asyncio.Event()

    def send(self, word: str) -> bool:
        """Tell all processes, this one as well; False when the word is too long."""
        if len(word.encode()) > MAX_BYTES:
            return False
        self._words.append(word)
        self._wake.set()
        return True

    async def run(self) -> None:
        """Until cancelled; a lost connection is made again."""
        while True:
            try:
                await self._talk()
            except Exception as error:  # noqa: BLE001 (it goes on, whatever it was)
                log.warning("Other processes cannot be heard: %s", error)
                await asyncio.sleep(PAUSE_S)

    async def _talk(self) -> None:
        conn = await asyncpg.connect(self._url, timeout=CONNECT_S, statement_cache_size=0)
        try:
            conn.add_termination_listener(lambda _: self._wake.set())
            await conn.add_listener(CHANNEL, self._heard)
            self._lost()
            while not conn.is_closed():
                await self._wake.wait()
                self._wake.clear()
                words = list(self._words)
                self._words.clear()
                if words:
                    await conn.execute(_SAY, CHANNEL, words)
                    await asyncio.sleep(GATHER_S)
        finally:
            conn.terminate()

    def _heard(self, conn: Any, pid: int, channel: str, word: object) -> None:
        self._hear(str(word))
