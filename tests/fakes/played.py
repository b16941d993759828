"""What the played carriers of text messages and e-mail have in common.

A server on the loopback that counts what it is asked, keeps what no client should have sent in
`mistakes`, goes wrong when a test says so, and calls the app's webhooks as if it stood behind a
proxy: `webhook_via` is where the app really listens, the address that the vendor was given stays
the one that is signed and named in `Host`.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.fakes.troubled import Wire, drop

Answer = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Fault:
    """One way in which the next calls go wrong."""

    call: str
    how: str
    times: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    call: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What the app answered to a webhook; status 0: nobody did, `text` says connection or timeout."""

    status: int
    text: str = ""
    media: str = ""
    size: int = 0
    """Bytes of the body."""

    @property
    def is_taken(self) -> bool:
        """Whether the app took it."""
        return 200 <= self.status < 300


class Played:
    """One vendor. A subclass adds its routes and wraps each in `serve`."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.mistakes: list[str] = []
        self.requests: list[Asked] = []
        self.told: list[tuple[str, int]] = []
        """Address and status of every webhook call, in order."""
        self.webhook_via = ""
        """`http://127.0.0.1:PORT` of the app; empty: the address itself is called."""
        self.ack_s = 15.0
        self.slow_s = 0.0
        self.host, self.port, self.base = "127.0.0.1", 0, ""
        self.count = itertools.count(1)
        self._faults: list[Fault] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()

    def routes(self, app: web.Application) -> None:
        """Add what this vendor serves."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60_000_000, middlewares=[self.wire.stand])
        self.routes(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        self.base = f"http://{self.host}:{self.port}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closing.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        await self._runner.cleanup()

    # --- what a test asks and orders -----------------------------------------------------------

    def asked(self, call: str) -> list[Any]:
        """The bodies of every request of that name, in order."""
        return [each.body for each in self.requests if each.call == call]

    def fail(self, call: str, how: str = "error", times: int = 1, retry_after: int = 1) -> None:
        """The next requests of a name (`*`: any) go wrong.

        `how`: error (HTTP 500, nothing done), ratelimited, cut (connection reset, nothing done),
        lost (done, then the connection is reset), hang (nothing done, never answered), late (done,
        never answered).
        """
        self._faults.append(Fault(call, how, times, retry_after))

    async def settled(self) -> None:
        """Wait until everything that goes on in the background has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- for the vendors -----------------------------------------------------------------------

    def too_many(self, retry_after: int) -> web.Response:
        """How this vendor says 429."""
        raise NotImplementedError

    def broken(self) -> web.Response:
        """How this vendor says 500."""
        return web.Response(status=500, text="upstream connect error")

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something go on in the background."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def serve(
        self, call: str, request: web.Request, body: Any, answer: Answer
    ) -> web.StreamResponse:
        """Note a request and answer it, or go wrong as ordered."""
        self.requests.append(Asked(call, body, dict(request.headers), dict(request.query)))
        fault = self._fault(call)
        how = fault.how if fault else ""
        if how == "hang":
            await self._closing.wait()
        if how in ("hang", "cut"):
            return await drop(request)
        if fault is not None and how == "ratelimited":
            return self.too_many(fault.retry_after)
        if how == "error":
            return self.broken()
        await asyncio.sleep(self.slow_s)
        found = await answer()
        if how == "late":
            await self._closing.wait()
        return await drop(request) if how in ("lost", "late") else found

    def _fault(self, call: str) -> Fault | None:
        for fault in self._faults:
            if fault.call in ("*", call):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def tell(
        self, url: str, data: Any, headers: Mapping[str, str], method: str = "POST"
    ) -> Told:
        """Call a webhook by way of the proxy; the answer, or status 0 when there is none."""
        parts = urlsplit(url)
        real, named = url.partition("#")[0], dict(headers)
        if self.webhook_via:
            query = f"?{parts.query}" if parts.query else ""
            real = f"{self.webhook_via}{parts.path or '/'}{query}"
            named |= {"Host": parts.netloc, "X-Forwarded-Proto": parts.scheme}
            named |= {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": parts.netloc}
        sent = {"data": data} if method == "POST" else {}
        told = Told(0, "timeout")
        try:
            async with (
                asyncio.timeout(self.ack_s),
                self._session.request(
                    method, real, headers=named, allow_redirects=False, **sent
                ) as answer,
            ):
                content = await answer.read()
                text = content.decode("utf-8", "replace")
                told = Told(answer.status, text, answer.content_type, len(content))
        except aiohttp.ClientConnectorError:
            told = Told(0, "connection")
        except (TimeoutError, aiohttp.ClientError, ConnectionError):
            pass
        self.told.append((url, told.status))
        return told
