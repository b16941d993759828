"""A played service of HTTP that keeps what it is asked and goes wrong when a test says so.

One order of things for all of them: what goes wrong before anything is done, the work, and what goes
wrong after it. A service says how it words a refusal (`no`). `Wire` stands before a service that is
played without any of this.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

Work = Callable[[], Awaitable[Any]]
Said = tuple[int, Any, Mapping[str, str]]
"""A refusal: status, JSON and headers."""
SLOPPY = ("cut", "hang", "lost", "late", "error_after", "truncated", "redirect")


class Troubled:
    """Keeps what it is asked, and goes wrong when it is told to."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.asked: list[tuple[str, Any]] = []
        """Operation and body of every request that came with a key that works."""
        self.elsewhere = ""
        """Where a redirect leads."""
        self.retry_after = 30
        """Seconds that a 429 asks for."""
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


async def drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise web.HTTPServiceUnavailable()


class Wire(Troubled):
    """The same troubles before a service of its own: `stand` is a middleware of that service's app."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, str] = {}
        """Operation → pattern of the method and path that it is, such as `POST /v3/mail/send`."""
        self.says: dict[str, Said] = {"error": (503, {}, {})}
        """How the service words each refusal."""

    def no(self, how: str) -> web.Response:
        """A refusal of the service."""
        status, told, headers = self.says[how]
        kind = {"Content-Type": "application/json"}
        return web.Response(status=status, body=json.dumps(told), headers={**kind, **headers})

    @web.middleware
    async def stand(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let a request through, or go wrong as ordered."""
        came = f"{request.method} {request.path}"
        name = next((n for n, each in self.calls.items() if re.fullmatch(each, came)), "")
        if not name:
            return await handler(request)
        self.asked.append((name, None))
        is_let_through = False

        async def work() -> web.StreamResponse:
            nonlocal is_let_through
            is_let_through = True
            return await handler(request)

        found = await self.answered(request, name, work)
        if not is_let_through:
            await request.read()  # else the connection ends with the answer
        return found
