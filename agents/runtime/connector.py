"""Connections to model providers that give up on an unreachable host in time.

LiteLLM replaces the limits of the session that it is given by its own, which on some routes is the
whole time of a call, and none of them covers the look-up of a name. So the limit stands here, in
the one place that every request of the session passes.
"""

import asyncio

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from agents.runtime.providers import CONNECT_S


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
