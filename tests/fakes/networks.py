"""What played networks have in common: how they refuse, and the token's check.

`Refusing` is a service that says no by a list of names; `NetworkServer` is one behind `oauth_server`'s
OAuth. A network says which operation a request is, judges it and does it; the rest stands here.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.oauth_server import OAuthServer
from tests.fakes.troubled import Troubled

REFUSALS: Mapping[str, tuple[int, str]] = {
    "bad": (400, "This is not how it is asked for."),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "You may not do this."),
    "missing": (404, "Nothing is here."),
    "conflict": (409, "This is there already."),
    "large": (413, "This is too big."),
    "unfit": (422, "This does not fit."),
    "limited": (429, "Too many requests."),
    "error": (503, "over capacity"),
}
"""How a request is refused with nothing done: its name, status and words."""


class Refusing(Troubled):
    """A service that refuses by the names of REFUSALS."""

    def refused(self, status: int, words: str) -> web.Response:
        """A refusal, in the network's own shape."""
        raise NotImplementedError

    def limited(self) -> Mapping[str, str]:
        """The headers of a 429."""
        return {"Retry-After": str(self.retry_after)}

    def no(self, how: str) -> web.Response:
        answer = self.refused(*REFUSALS[how])
        if how == "limited":
            answer.headers.update(self.limited())
        return answer


class NetworkServer(Refusing, OAuthServer):
    """One network."""

    needs: Mapping[str, set[str]] = {}
    """Scopes of each operation; what is not named here is left to the OAuth server."""

    def __init__(self, name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(name)
        self.now = now

    async def __aexit__(self, *error: object) -> None:
        self.end()
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
