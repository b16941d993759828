"""Words between processes by NATS: where nothing goes past the database's pooler, or much is said.

Core NATS, at most once: words are only ever hints, and after a lost connection everybody is told
to look anew. The path of the address is the subject: houses on one server hear only their own.
https://docs.nats.io/nats-concepts/core-nats, https://nats-io.github.io/nats.py/ (read 2026-11-22)
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from nats.aio.client import Callback, Client, ErrorCallback
from nats.aio.msg import Msg
from nats.errors import Error, SlowConsumerError

log = logging.getLogger(__name__)

SUBJECT = "switchboard"
"""Where the address names none."""
MAX_BYTES = 500_000
"""Half of what a server takes unless it is told otherwise."""
PAUSE_S = 1.0
CONNECT_S = 5
PING_S = 5
"""A server that does not answer two pings is lost."""


class Words:
    """Sends and hears; the port `bot.fleet.Words`."""

    in_commits = False

    def __init__(self, url: str, hear: Callable[[str], None], lost: Callable[[], None]) -> None:
        """`hear` gets each word; `lost` is called when some may have been missed."""
        self._url = url
        self._subject = subject_of(url)
        self._hear = hear
        self._lost = lost
        self._words: deque[bytes] = deque(maxlen=10_000)
        self._most = MAX_BYTES
        self._wake = asyncio.Event()
        self._is_behind = False
        """Words were left out, for they came faster than they were heard."""

    @property
    def deaf(self) -> str:
        """What to say when words do not come through."""
        return (
            f"Words from other processes do not come through NATS at {called(self._url)}. "
            "All stays right, and what one process tells another takes up to ten seconds more."
        )

    def send(self, word: str) -> bool:
        """Tell all processes, this one as well; False when the word is too long."""
        sent = word.encode()
        if len(sent) > self._most:
            return False
        self._words.append(sent)
        self._wake.set()
        return True

    async def run(self) -> None:
        """Until cancelled; a lost connection is made again."""
        while True:
            try:
                await self._talk()
                log.warning("NATS at %s is gone; it is asked again.", called(self._url))
            except Exception as error:  # noqa: BLE001 (it goes on, whatever it was)
                log.warning("NATS at %s cannot be used: %s", called(self._url), _why(error))
            await asyncio.sleep(PAUSE_S)

    async def _talk(self) -> None:
        conn = await _connected(self._url, self._closed, self._failed)
        self._is_behind = False
        try:
            self._most = min(MAX_BYTES, conn.max_payload)
            await conn.subscribe(self._subject, cb=self._heard)
            await conn.flush(CONNECT_S)
            self._lost()
            while not conn.is_closed and not self._is_behind:
                await self._wake.wait()
                self._wake.clear()
                while self._words and not conn.is_closed:
                    await conn.publish(self._subject, self._words.popleft())
        finally:
            await conn.close()

    async def _heard(self, message: Msg) -> None:
        self._hear(message.data.decode(errors="replace"))

    async def _closed(self) -> None:
        self._wake.set()

    async def _failed(self, error: Exception) -> None:
        if isinstance(error, SlowConsumerError):  # told for each word, so begun anew once
            self._is_behind = True
            self._wake.set()


async def examine(url: str) -> str:
    """Why words cannot go this way, in a sentence; empty when one came back."""
    heard = asyncio.Event()
    words = Words(url, lambda _: heard.set(), lambda: None)
    words.send("")
    talking = asyncio.ensure_future(words._talk())
    hearing = asyncio.ensure_future(heard.wait())
    try:
        async with asyncio.timeout(CONNECT_S):
            await asyncio.wait({talking, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
        return "" if heard.is_set() else f"NATS at {called(url)} closed the connection."
    except Exception as error:  # noqa: BLE001 (each is a reason)
        return f"NATS at {called(url)} cannot be used: {_why(error)}."
    finally:
        for task in (talking, hearing):
            task.cancel()
        await asyncio.gather(talking, hearing, return_exceptions=True)


def called(url: str) -> str:
    """The address without its password: `127.0.0.1:4222/switchboard`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 4222}/{subject_of(url)}"


def subject_of(url: str) -> str:
    """The subject that an address names."""
    return urlsplit(url).path.strip("/") or SUBJECT


async def _connected(url: str, closed: Callback, failed: ErrorCallback) -> Client:
    """One connection, that ends when it is lost: then words were, too. Raises what went wrong."""
    conn = Client()
    try:
        await conn.connect(
            urlsplit(url)._replace(path="").geturl(),
            name="switchboard",
            allow_reconnect=False,
            connect_timeout=CONNECT_S,
            ping_interval=PING_S,
            max_outstanding_pings=2,
            closed_cb=closed,
            error_cb=failed,
        )
    except BaseException:
        await conn.close()  # it leaves its socket open
        raise
    return conn


def _why(error: Exception) -> str:
    """The reason, without a password that an address in it may hold."""
    if isinstance(error, Error | OSError) and "://" not in str(error):
        return str(error).removeprefix("nats: ").rstrip(".") or type(error).__name__
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
