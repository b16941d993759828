"""What played networks have in common: what they were asked, what goes wrong, and the token's check.

`Troubled` is any service that a test can make go wrong; `NetworkServer` is one behind `oauth_server`'s
OAuth. A network says which operation a request is, judges it and does it; the rest stands here.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.oauth_server import OAuthServer
from tests.fakes.played import drop

Work = Callable[[], Awaitable[web.Response]]
REFUSALS: Mapping[str, tuple[int, str]] = {
    "bad": (400, "This is not how it is asked for."),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "You may not do this."),
    "missing": (404, "Nothing is here."),
    "conflict": (409, "This is there already."),
    "too_big": (413, "This is too big."),
    "unfit": (422, "This does not fit."),
    "limited": (429, "Too many requests."),
    "error": (503, "over capacity"),
}
"""How a request is refused with nothing done: its name, status and words."""
SLOPPY = ("cut", "hang", "lost", "late", "error_after", "truncated", "redirect")


class Troubled:
    """Keeps what it is asked, and goes wrong when it is told to."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.asked: list[tuple[str, Any]] = []
        """Operation and body of every request that came with a key that works."""
        self.elsewhere = ""
        """Where a redirect leads."""
        self.reset_s = 30
        """What a 429 says about when to come back."""
        self._wrong: list[tuple[str, str]] = []
        self._over = asyncio.Event()

    def fail(self, operation: str, how: str, times: int = 1) -> None:
        """The next requests of an operation go wrong.

        `how`: a name of REFUSALS (nothing done); cut, hang (nothing done, no answer), redirect
        (nothing done), error_after (500, done), lost, late (done, no answer), truncated (done, half
        an answer).
        """
        assert how in REFUSALS or how in SLOPPY, how
        self._wrong += [(operation, how)] * times

    def calls_of(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(1 for name, _ in self.asked if name == operation)

    def refused(self, status: int, words: str) -> web.Response:
        """A refusal, in the network's own shape."""
        raise NotImplementedError

    def limited(self) -> Mapping[str, str]:
        """The headers of a 429."""
        return {"Retry-After": str(self.reset_s)}

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
        if how in REFUSALS:
            answer = self.refused(*REFUSALS[how])
            if how == "limited":
                answer.headers.update(self.limited())
            return answer
        answer = await work()
        if how == "late":
            await self._over.wait()
        if how in ("lost", "late"):
            return await drop(request)
        if how == "error_after":
            return web.Response(status=500, text="internal")
        if how == "truncated":
            assert isinstance(answer.body, bytes)
            half = answer.body[: len(answer.body) // 2]
            return web.Response(status=answer.status, body=half, content_type=answer.content_type)
        return answer


class NetworkServer(Troubled, OAuthServer):
    """One network."""

    needs: Mapping[str, set[str]] = {}
    """Scopes of each operation; what is not named here is left to the OAuth server."""

    def __init__(self, name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(name)
        self.now = now

    async def __aexit__(self, *error: object) -> None:
        self._over.set()
        await super().__aexit__(*error)

    def operation(self, request: web.Request) -> str:
        """What a request asks for, such as `POST /2/tweets`."""
        raise NotImplementedError

    async def body_of(self, request: web.Request) -> Any:
        """What came with it, for `asked`."""
        raw = await request.read()
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            self.mistakes.append(f"{request.path}: the body is no JSON")
            return None

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """Keep in `mistakes` what a client should not have sent."""
        raise NotImplementedError

    async def work(self, request: web.Request, operation: str, body: Any) -> web.Response:
        """Do it."""
        raise NotImplementedError

    async def _api(self, request: web.Request) -> web.StreamResponse:
        operation = self.operation(request)
        if operation not in self.needs:
            return await super()._api(request)
        if "canary" in request.query_string:
            self.mistakes.append("a token stands in an address")
        issued = self.access.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if issued is None or not issued.alive:
            return self.refused(401, "Unauthorized")
        body = await self.body_of(request)
        self.asked.append((operation, body))
        self.judge(request, operation, body)
        if not self.needs[operation] <= set(issued.consent.scopes):
            return self.refused(403, "The token lacks a scope.")
        return await self.answered(request, operation, lambda: self.work(request, operation, body))
