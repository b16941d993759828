"""The life of one server in this process: connected on first use, left, connected again later.

One task owns the connection from its opening to its end, as the package demands; calls come from
any task. A server that fails is left alone for a while that doubles, up to a minute, and whoever
calls meanwhile is told so at once. A list of tools that is old is asked for again before a call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.core.canonical import Json
from bot.core.errors import BotError, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.extras import install
from tools.mcp._definition import Definition
from tools.mcp._result import Said
from tools.mcp._server import Server

if TYPE_CHECKING:
    from tools.mcp._peer import Peer

log = logging.getLogger(__name__)

REST_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
OPEN_S = 30.0
"""How long a server may take until it answers the first time; `npx` may have to fetch it."""
FRESH_S = 60.0
CLOSE_S = 8.0
GATHER_S = 0.2
"""A server that tells changes without end is asked for its list this often."""
MISSING = "MCP servers are set and their package is not installed. Install it:"
Seen = Callable[[Server, Sequence[Definition]], Awaitable[None]]
"""Is told each list of tools."""


class Link:
    """One server."""

    def __init__(self, server: Server, clock: Clock, seen: Seen) -> None:
        self.server = server
        self._clock = clock
        self._seen = seen
        self._lock = asyncio.Lock()
        self._listing = asyncio.Lock()
        self._peer: Peer | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._relists: set[asyncio.Task[None]] = set()
        self._listed_at: float | None = None
        self._failures = 0
        self._rests_until = 0.0
        self.tools: Mapping[str, Definition] = {}
        """As it listed them last, by the server's names."""
        self.problem = ""
        """What is wrong with it, as a sentence; empty while nothing is known to be."""
        self.note = ""

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return self._peer is not None

    async def look(self, *, patient: bool = False) -> None:
        """Connect if need be and read its list; `patient` also while it is left alone.

        Raises VendorRefused.
        """
        if patient:
            self._rests_until, self._failures = 0.0, 0
        await self._list(await self._open())

    async def call(self, definition: Definition, arguments: Mapping[str, Json]) -> Said:
        """Call a tool that is still what it was. Raises VendorRefused, VendorUnknown."""
        peer = await self._open()
        if self._listed_at is None or self._clock.monotonic() - self._listed_at > FRESH_S:
            await self._list(peer)
        now = self.tools.get(definition.name)
        if now is None or now.hash != definition.hash:
            raise VendorRefused(
                f"{self.server.name} has changed {definition.name}. An owner has to look at it: "
                f"bot mcp approve {self.server.name}"
            )
        limit = self.server.timeout_s
        try:
            async with asyncio.timeout(limit):
                said = await peer.call(definition.name, arguments, limit)
        except TimeoutError:
            raise VendorUnknown(f"{self.server.name} gave no answer in {limit:g} s.") from None
        except (VendorRefused, VendorUnknown):
            if peer is self._peer and not self._over.is_set():
                self._listed_at = None  # the next call looks whether it still answers at all
            raise
        self._failures = 0
        return said

    async def close(self) -> None:
        """End the connection, and the program with it; also one that is still being made."""
        if self._task is not None and self._peer is None:
            self._task.cancel()
        async with self._lock:
            await self._leave()

    async def _open(self) -> "Peer":
        async with self._lock:
            if self._peer is not None and not self._over.is_set():
                return self._peer
            wait = self._rests_until - self._clock.monotonic()
            if wait > 0:
                why = self.problem or "It failed."
                raise VendorRefused(f"{why} It is tried again in {wait:.0f} s.")
            await self._leave()
            try:
                return await self._begin()
            except VendorRefused as error:
                self._fail(error.message)
                raise

    async def _begin(self) -> "Peer":
        library = await _library()
        ready: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        ready.add_done_callback(lambda done: done.exception())  # whoever waited may have left
        self._over = asyncio.Event()
        self._listed_at = None
        self._task = asyncio.create_task(
            self._live(library, ready, self._over), name=f"mcp {self.server.name}"
        )
        try:
            async with asyncio.timeout(OPEN_S):
                self._peer = await asyncio.shield(ready)
        except TimeoutError:
            await self._leave()
            message = f"{self.server.name} did not answer within {OPEN_S:g} s."
            raise VendorRefused(message) from None
        return self._peer

    async def _live(self, library: Any, ready: "asyncio.Future[Peer]", over: asyncio.Event) -> None:
        """Own the connection until it is over."""
        try:
            async with library.open_peer(self.server, self._changed, over.set) as peer:
                if not ready.done():
                    ready.set_result(peer)
                await over.wait()
                if self._task is asyncio.current_task() and not self.problem:
                    self._fail(f"{self.server.name} stopped by itself.")
        except Exception as error:  # noqa: BLE001 (an outer door: a server may fail in any way)
            if ready.done():
                log.warning("The MCP server %s broke off: %s", self.server.name, _plain(error))
            else:
                refused = isinstance(error, VendorRefused)
                why = f"{self.server.name} cannot be reached ({type(error).__name__})."
                ready.set_exception(error if refused else VendorRefused(why))
        finally:
            over.set()
            if not ready.done():
                ready.set_exception(VendorRefused(f"{self.server.name} was stopped."))

    async def _list(self, peer: "Peer") -> None:
        async with self._listing:
            try:
                async with asyncio.timeout(self.server.timeout_s):
                    found, self.note = await peer.tools()
            except Exception as error:
                message = f"{self.server.name} does not list its tools ({_plain(error)})."
                self._fail(message)
                self._over.set()
                raise VendorRefused(message) from error
            self.tools, self.problem = _by_name(found), ""
            self._listed_at = self._clock.monotonic()
            await self._seen(self.server, tuple(self.tools.values()))

    def _changed(self) -> None:
        """The server says that its list is another one."""
        self._listed_at = None
        if not self._relists and self._peer is not None:
            task = asyncio.create_task(self._relist(), name=f"mcp {self.server.name} relists")
            self._relists.add(task)
            task.add_done_callback(self._relists.discard)

    async def _relist(self) -> None:
        while self._listed_at is None and self._peer is not None:
            await asyncio.sleep(GATHER_S)
            try:
                await self._list(self._peer)
            except BotError as error:
                log.warning("An MCP server changed its tools: %s", error.message)
                return

    def _fail(self, why: str) -> None:
        self.problem = why
        rest = REST_S[min(self._failures, len(REST_S) - 1)]
        self._failures += 1
        self._rests_until = self._clock.monotonic() + rest

    async def _leave(self) -> None:
        task, peer = self._task, self._peer
        self._task = self._peer = None
        self._over.set()
        for relist in tuple(self._relists):
            relist.cancel()
        if task is None:
            return
        if peer is None:
            task.cancel()  # it waits for a server that says nothing
        _, late = await asyncio.wait({task}, timeout=CLOSE_S)
        if late:
            task.cancel()
            await asyncio.wait({task}, timeout=CLOSE_S)


def _by_name(found: Sequence[Definition]) -> dict[str, Definition]:
    """The first of each name; agents' names must differ as well."""
    made: dict[str, Definition] = {}
    taken: set[str] = set()
    for item in found:
        if item.name not in made and item.tool not in taken:
            made[item.name] = item
            taken.add(item.tool)
    return made


def _plain(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it gave no answer in time"
    return error.message if isinstance(error, BotError) else type(error).__name__


async def _library() -> Any:
    """The part that needs the package, loaded in a thread: it takes half a second."""
    try:
        return await asyncio.to_thread(import_module, "tools.mcp._peer")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("tools", "bot"):
            raise
        raise VendorRefused(f"{MISSING} {install('mcp')}") from error
