"""An app that only listens: what a played vendor tells is kept, and answered as a test says.

It stands for the app in the tests of the played vendors. `proof` decides whether a call is believed;
one that raises ValueError is answered with 403 and counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.played import Played


@dataclass(frozen=True, slots=True)
class Heard:
    """One call."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


class Hearing:
    """Listens for a vendor, whose `webhook_via` it becomes."""

    def __init__(self, vendor: Played, proof: Callable[[Heard], Any] = lambda heard: None) -> None:
        self.vendor, self.proof = vendor, proof
        self.heard: list[Heard] = []
        self.refused = 0
        self.answer: Callable[[Heard], web.Response] = lambda heard: web.Response()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/{path:.*}", self._hear)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.vendor.webhook_via = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _hear(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        heard = Heard(request.path, headers, await request.read(), dict(request.query))
        try:
            self.proof(heard)
        except ValueError:
            self.refused += 1
            return web.Response(status=403)
        self.heard.append(heard)
        return self.answer(heard)
