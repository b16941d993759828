"""Connections to model providers: they give up on an unreachable host in time, and share nothing.

LiteLLM replaces the limits of the session that it is given by its own, which on some routes is the
whole time of a call, and none of them covers the look-up of a name. So the limit stands here, in
the one place that every request of the session passes.
"""

import asyncio

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

CONNECT_S = 4.5
"""With the rest of a call below five seconds, the most that an unreachable host may cost."""


def session() -> aiohttp.ClientSession:
    """A session for all calls: no limit, and no cookies that one tenant would leave to another."""
    return aiohttp.ClientSession(
        connector=Connector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )


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


class Connector(aiohttp.TCPConnector):
    """Gives up after a few seconds, the look-up of the name included."""

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """A connection, new or kept."""
        try:
            async with asyncio.timeout(CONNECT_S):
                return await super().connect(req, traces, timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("cannot connect") from error
