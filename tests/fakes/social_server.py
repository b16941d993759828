"""What the played social networks have in common, beside their OAuth (`oauth_server.py`).

A network's file says which scopes an operation takes (`NEEDS`), how an operation is told from its
request, what is wrong with a request (`judge`), what it does (`work`) and how this network words a
refusal (`refusal`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.oauth_server import OAuthServer
from tests.fakes.troubled import Troubled

REFUSALS = {
    "bad": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "large": 413,
    "unfit": 422,
    "limited": 429,
}
"""Ways of saying no, and their status."""


@dataclass(frozen=True)
class Reply:
    """What a network answers: an object, or nothing but a status and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class SocialServer(Troubled, OAuthServer):
    """One network."""

    NEEDS: ClassVar[Mapping[str, set[str]]] = {}
    """Scopes of each operation, which is named `METHOD /path/{id}`."""
    OPEN: ClassVar[frozenset[str]] = frozenset()
    """Operations that take no token."""

    def __init__(self, name: str, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(name)
        self.now = now or (lambda: datetime.now(UTC))

    async def __aexit__(self, *error: object) -> None:
        self.end()
        await super().__aexit__(*error)

    # --- what a network says of itself ---------------------------------------------------------

    def operation(self, request: web.Request) -> str:
        """Which operation a request asks for; one that is not in `NEEDS` is left to the OAuth."""
        raise NotImplementedError

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """Put what is wrong with a request into `mistakes`."""
        raise NotImplementedError

    def work(self, operation: str, request: web.Request, body: Any) -> Reply:
        """Do it. A KeyError in here is a body that was judged wrong."""
        raise NotImplementedError

    def refusal(self, how: str, status: int) -> Reply:
        """How this network words a refusal of that kind."""
        raise NotImplementedError

    def judge_reply(self, request: web.Request, operation: str, reply: Reply) -> None:
        """Hold the server's own answer against what is published, where something is."""

    # --- the order of things -------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        operation = self.operation(request)
        if operation not in self.NEEDS and operation not in self.OPEN:
            return await super()._api(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if "canary" in request.query_string:
            self.mistakes.append("a token stands in an address")
        if operation in self.OPEN:
            granted: set[str] = set()
        elif (issued := self.access.get(token)) is None or not issued.alive:
            return _answer(self.refusal("unauthorized", 401))
        else:
            granted = set(issued.consent.scopes)
        body = await self._read(request)
        self.asked.append((operation, body if body is not None else dict(request.query)))
        self.judge(request, operation, body)
        if not self.NEEDS.get(operation, set()) <= granted:
            return _answer(self.refusal("forbidden", 403))

        async def work() -> web.Response:
            return self._done(request, operation, body)

        return await self.answered(request, operation, work)

    async def _read(self, request: web.Request) -> Any:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            return {
                name: value.file.read() if isinstance(value, web.FileField) else value
                for name, value in form.items()
            }
        raw = await request.read()
        if request.content_type != "application/json" or not raw:
            return raw or None
        try:
            return json.loads(raw)
        except ValueError:
            self.mistakes.append(f"{request.path}: the body is no JSON")
            return None

    def no(self, how: str) -> web.Response:
        if how == "error":
            return web.Response(status=503, text="over capacity")
        return _answer(self.refusal(how, REFUSALS[how]), self.retry_after)

    def _done(self, request: web.Request, operation: str, body: Any) -> web.Response:
        try:
            reply = self.work(operation, request, body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.mistakes.append(f"{operation}: {type(error).__name__} {error} with {body!r:.200}")
            reply = self.refusal("bad", 400)
        self.judge_reply(request, operation, reply)
        return _answer(reply)


def _answer(reply: Reply, retry_after: int = 0) -> web.Response:
    headers = dict(reply.headers)
    if reply.status == 429 and retry_after:
        headers.setdefault("Retry-After", str(retry_after))
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    return web.Response(
        status=reply.status,
        text=json.dumps(reply.body),
        headers=headers,
        content_type="application/json",
    )
