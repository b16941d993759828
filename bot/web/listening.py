"""The connections of the server: how long one may be silent, and how many there may be.

A connection costs one of the files that the process may have open, and whoever opens it needs no
token. So one that brings no whole request in time is closed, and where there are too many, the
oldest that waits for a request makes room: a flood of silent connections pushes out its own.
"""

import resource
from asyncio import Transport
from collections.abc import Mapping

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from bot.web.malformed import Listener, Sparing, log

IDLE_S = 75.0
"""Longer than the minute for which the usual proxies keep a connection."""
MOST_FILES = 65_536
"""As many files as anybody needs, where the system would let us have more."""


class Listening(Server):
    """All connections."""

    headers: Mapping[str, str] = {}
    """On every answer that the application does not make itself."""
    most = 0
    """Connections at a time."""

    def __call__(self) -> RequestHandler:
        """Return what serves one connection."""
        return Listener(self, self.headers, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: RequestHandler, transport: Transport) -> None:
        """Count one more; where that is too many, let one go that waits."""
        super().connection_made(handler, transport)
        if len(self._connections) > self.most:
            waiting = (h for h in self._connections if isinstance(h, Listener) and h.is_waiting)
            if oldest := next(waiting, None):
                oldest.force_close()


class Runner(web.AppRunner):
    """Listens for an application."""

    def __init__(
        self,
        app: web.Application,
        headers: Mapping[str, str],
        stop_s: float,
        idle_s: float = IDLE_S,
        most: int = 0,
    ) -> None:
        """`headers` stand on every answer that the application does not make itself.

        `most` is as many as the process can bear, if not said.
        """
        self._headers = headers
        self._idle_s = idle_s
        self._most = most or bearable()
        log.filters = [Sparing()]
        super().__init__(app, shutdown_timeout=stop_s, handle_signals=False)

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        server = Listening(
            made.request_handler,
            request_factory=made.request_factory,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._idle_s,
            logger=log,
        )
        server.headers = self._headers
        server.most = self._most
        return server


def bearable() -> int:
    """How many connections the process can bear: half of its files, once their limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return allowed // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed // 2
