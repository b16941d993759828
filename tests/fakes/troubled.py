"""A played service of HTTP that keeps what it is asked and goes wrong when a test says so.

One order of things for all of them: what goes wrong before anything is done, the work, and what goes
wrong after it. A service says how it words a refusal (`no`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.played import drop

Work = Callable[[], Awaitable[web.Response]]
SLOPPY = ("cut", "hang", "lost", "late", "error_after", "truncated", "redirect")


class Troubled:
    """Keeps what it is asked, and goes wrong when it is told to."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.asked: list[tuple[str, Any]] = []
        """Operation and body of every request that came with a key that works."""
        self.elsewhere = ""
        """Where a redirect leads."""
        self._wrong: list[tuple[str, str]] = []
        self._over = asyncio.Event()

    def fail(self, operation: str, how: str, times: int = 1) -> None:
        """The next requests of an operation go wrong.

        `how`: a refusal by a word that `no` knows (nothing done); cut, hang (nothing done, no
        answer), redirect (nothing done), error_after (500, done), lost (done, connection reset),
        late (done, never answered), truncated (done, half an answer).
        """
        self._wrong += [(operation, how)] * times

    def calls_of(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(1 for name, _ in self.asked if name == operation)

    def no(self, how: str) -> web.Response:
        """A refusal, in the service's own words. Raises KeyError for a word that it does not know."""
        raise NotImplementedError

    def end(self) -> None:
        """Nobody waits for an answer any more."""
        self._over.set()

    async def answered(
        self, request: web.Request, operation: str, work: Work
    ) -> web.StreamResponse:
        """Do the work and answer, or go wrong as ordered."""
        how = next((how for name, how in self._wrong if name == operation), "")
        if how:
            self._wrong.remove((operation, how))
        if how == "hang":
            await self._over.wait()
        if how in ("cut", "hang"):
            return await drop(request)
        if how == "redirect":
            return web.Response(status=307, headers={"Location": self.elsewhere})
        if how and how not in SLOPPY:
            return self.no(how)
        answer = await work()
        if how == "late":
            await self._over.wait()
        if how in ("lost", "late"):
            return await drop(request)
        if how == "error_after":
            return web.Response(status=500, text="internal")
        if how == "truncated" and isinstance(answer.body, bytes):
            answer.body = answer.body[: len(answer.body) // 2]
        return answer
