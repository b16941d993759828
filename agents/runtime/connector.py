"""Connections to model providers: they give up on an unreachable host in time, and share nothing.

LiteLLM replaces the limits of the session that it is given by its own, which on some routes is the
whole time of a call, and none of them covers the look-up of a name. So the limit stands here, in
the one place that every request of the session passes. So does the most that an answer may be
long: LiteLLM keeps whatever comes until it is whole. aiohttp's client loads when the first session
is made (`bot/lazy.py`), and what is built on it is therefore made then.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

CONNECT_S = 4.5
"""With the rest of a call below five seconds, the most that an unreachable host may cost."""

MAX_BODY = 8 << 20
"""Bytes of a whole answer."""
MAX_STREAM = 64 << 20
"""Bytes of a streamed one: its words and some 250 bytes around every few of them."""
ANSWERS: ContextVar[list[aiohttp.ClientResponse] | None] = ContextVar("answers", default=None)
"""Gets each answer of a task that wants to see them, once its head is there."""
log = logging.getLogger(__name__)


def session() -> aiohttp.ClientSession:
    """A session for all calls: no limit, and no cookies that one tenant would leave to another."""
    return aiohttp.ClientSession(
        connector=connector(),
        response_class=_measured(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )


def connector(resolver: AbstractResolver | None = None) -> aiohttp.TCPConnector:
    """Any number of connections, each given up after a few seconds, the name's look-up included."""
    return _impatient()(limit=0, resolver=resolver)


async def read(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    """The whole body; None when it is longer than `most` bytes, and the rest is not read."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > most:
            response.close()
            return None
        pieces.append(piece)
    return b"".join(pieces)


@cache
def _impatient() -> type[aiohttp.TCPConnector]:
    """Gives up after a few seconds, the look-up of the name included; one that is open is taken
    without a clock."""

    class Connector(aiohttp.TCPConnector):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._factory = partial(_incoming(), loop=self._loop)

        async def _create_connection(
            self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
        ) -> ResponseHandler:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await super()._create_connection(req, traces, timeout)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError("cannot connect") from error

    return Connector


@cache
def _incoming() -> type[aiohttp.client_proto.ResponseHandler]:
    """What comes over one connection; it is cut off where an answer is too long."""

    class Incoming(aiohttp.client_proto.ResponseHandler):
        most = MAX_STREAM
        _taken = 0

        def set_response_params(self, **params: Any) -> None:
            self._taken, self.most = 0, MAX_STREAM
            super().set_response_params(**params)

        def data_received(self, data: bytes) -> None:
            self._taken += len(data)
            if self._taken <= self.most:
                super().data_received(data)
            elif self.transport is not None:
                log.warning("A model's answer was cut off: it is too long.")
                self.transport.abort()

    return Incoming


@cache
def _measured() -> type[aiohttp.ClientResponse]:
    """An answer, of which it is known whether it may be a stream once its head is there."""

    class Response(aiohttp.ClientResponse):
        async def start(self, connection: Connection) -> Response:
            await super().start(connection)
            protocol: Any = connection.protocol
            if isinstance(protocol, _incoming()) and self.content_type == "application/json":
                # Whoever counts for himself comes first, and can say so.
                protocol.most = 2 * MAX_BODY  # type: ignore[attr-defined]
            if (answers := ANSWERS.get()) is not None:
                answers.append(self)
            return self

    return Response
