"""What played networks have in common: requests noted, judged, worked on, and gone wrong on demand.

On top of `oauth_server`, which plays how such a network is connected. A network's own file says
what an operation is called, which scopes it needs, what is wrong with a request (`judge`), what
comes of it (`work`), and how it words a refusal (`refused`).
"""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.oauth_server import Consent, Issued, OAuthServer
from tests.fakes.troubled import Troubled

Body = dict[str, Any]
BEFORE = {
    "unauthorized": 401, "forbidden": 403, "missing": 404, "conflict": 409, "large": 413,
    "unfit": 422, "limited": 429,
}  # fmt: skip
"""Refusals, with nothing done."""


@dataclass
class Ask:
    """One request that came with a token that works."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Body
    """The fields of JSON or a form; those of the address are in `query` only."""
    files: Mapping[str, bytes]
    kind: str
    """The body's media type."""
    token: str
    issued: Issued
    headers: Mapping[str, str]
    raw: bytes = b""

    @property
    def given(self) -> Body:
        """Fields of address and body together."""
        return {**self.query, **self.body}


@dataclass
class Answer:
    """What a network says."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class NetworkServer(Troubled, OAuthServer):
    """A network."""

    NEEDS: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Scopes of each operation."""

    def __init__(self, name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(name)
        self.now = now
        self.count = itertools.count(17_900_000_000_000_001)

    async def __aexit__(self, *error: object) -> None:
        self.end()
        await super().__aexit__(*error)

    # --- what a test orders and asks -----------------------------------------------------------

    def bodies_of(self, operation: str) -> list[Any]:
        """What it was asked with, in order."""
        return [body for name, body in self.asked if name == operation]

    def new_id(self) -> str:
        """An id that nothing else has."""
        return str(next(self.count))

    def hand_out(self, *scopes: str) -> str:
        """A token with these scopes, without the dance."""
        token = f"canary-by-hand-{self.new_id()}"
        self.access[token] = Issued(Consent(list(scopes), "", "", "", self.account))
        return token

    # --- what a network says of itself ---------------------------------------------------------

    def operation(self, method: str, path: str) -> str:
        """What the network calls this; empty for what is no operation of its API."""
        raise NotImplementedError

    def judge(self, ask: Ask) -> None:
        """Note what should not have been sent in `mistakes`."""
        raise NotImplementedError

    def work(self, ask: Ask) -> Answer:
        """Do it."""
        raise NotImplementedError

    def refused(self, how: str) -> Answer:
        """How it words a refusal, one of `BEFORE` or of its own."""
        raise NotImplementedError

    def issued_for(self, token: str) -> Issued | None:
        """What a token stands for."""
        return self.access.get(token)

    def token_of(self, request: web.Request, fields: Mapping[str, Any]) -> str:
        """The token that a request came with."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    # --- what it does --------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        operation = self.operation(request.method, request.path)
        if not operation:
            return await super()._api(request)
        if "canary" in request.query_string:
            self.mistakes.append("a token stands in an address")
        body, files = await _parts(request)
        token = self.token_of(request, {**request.query, **body})
        issued = self.issued_for(token)
        if issued is None or not issued.alive:
            return _response(self.refused("unauthorized"))
        ask = Ask(
            operation=operation, method=request.method, path=request.path, body=body, files=files,
            query=dict(request.query), kind=request.content_type if request.can_read_body else "",
            token=token, issued=issued, headers=dict(request.headers),
            raw=await request.read() if not files else b"",
        )  # fmt: skip
        self.asked.append((operation, ask.given))
        self.judge(ask)
        if not self.NEEDS.get(operation, frozenset()) <= set(issued.consent.scopes):
            return _response(self.refused("forbidden"))

        async def work() -> web.Response:
            return _response(self.work(ask))

        return await self.answered(request, operation, work)

    def no(self, how: str) -> web.Response:
        if how == "error":
            return web.Response(status=503, text="<h1>over capacity</h1>", content_type="text/html")
        return _response(self.refused(how))


def _response(answer: Answer) -> web.Response:
    text = "" if answer.body is None else json.dumps(answer.body)
    return web.Response(
        status=answer.status, text=text, content_type="application/json", headers=answer.headers
    )


async def _parts(request: web.Request) -> tuple[Body, Mapping[str, bytes]]:
    """The fields and the files of a body."""
    if request.content_type == "multipart/form-data":
        fields: Body = {}
        files: dict[str, bytes] = {}
        async for part in await request.multipart():
            data = bytes(await part.read())  # type: ignore[union-attr]
            name = str(part.name)  # type: ignore[union-attr]
            if part.filename or name == "data":  # type: ignore[union-attr]
                files[name] = data
            else:
                fields[name] = data.decode()
        return fields, files
    if request.content_type == "application/x-www-form-urlencoded":
        return {name: str(value) for name, value in (await request.post()).items()}, {}
    raw = await request.read()
    if request.content_type == "application/json" and raw:
        found = json.loads(raw)
        return (found if isinstance(found, dict) else {"": found}), {}
    return {}, {}
