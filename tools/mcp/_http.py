"""The way to a server that is an address: one host, checked addresses, no redirect, no proxy.

The package speaks through httpx2; this is the transport below it. Every request must go to the very
origin that the settings name, so its headers reach nobody else. A public name must resolve to
public addresses only, and the connection goes to the address that was checked. An answer has a
limit.

Protocol, read 2026-11-21:
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from collections.abc import AsyncIterator

import httpx2

from bot.core.errors import Invalid
from bot.fetch.addresses import Lookup, check_address, look_up
from tools.mcp._server import Server

MAX_BYTES = 8 * 1024 * 1024
MAX_EVENT = 8 * 1024 * 1024
CONNECT_S = 15.0
SILENCE_S = 300.0
"""A server may hold a stream open and say nothing; a call has a limit of its own."""
_STREAMED = "text/event-stream"


class Guard(httpx2.AsyncBaseTransport):
    """Lets through what goes to one origin."""

    def __init__(self, server: Server, lookup: Lookup = look_up) -> None:
        self._origin = _origin(httpx2.URL(server.url))
        self._private = server.private
        self._lookup = lookup
        self._below = httpx2.AsyncHTTPTransport(retries=0, trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises httpx2.ConnectError when it is not one that may be sent."""
        if _origin(request.url) != self._origin:
            raise httpx2.ConnectError("The server sent us to another address.", request=request)
        host = request.url.host
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=await self._address(request)),
            headers=request.headers,  # its Host was written before the address was pinned
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        response = await self._below.handle_async_request(pinned)
        if response.is_redirect or "content-encoding" in response.headers:
            await response.aclose()
            what = "redirects" if response.is_redirect else "compresses what was asked for plain"
            raise httpx2.ConnectError(f"The server {what}; that is refused.", request=request)
        if not response.headers.get("content-type", "").startswith(_STREAMED):
            response.stream = _Capped(response.stream)
        return response

    async def _address(self, request: httpx2.Request) -> str:
        host, port = request.url.host, request.url.port
        number = port or (443 if request.url.scheme == "https" else 80)
        try:
            found = await self._lookup(host, number)
            if not self._private:
                for address in found:
                    check_address(address)
        except (OSError, Invalid) as error:
            why = error.message if isinstance(error, Invalid) else "Its name is not known."
            raise httpx2.ConnectError(why, request=request) from error
        if not found:
            raise httpx2.ConnectError("Its name is not known.", request=request)
        return str(found[0])

    async def aclose(self) -> None:
        """Close every connection."""
        await self._below.aclose()


class _Capped(httpx2.AsyncByteStream):
    """An answer that may not grow beyond the limit."""

    def __init__(self, below: object) -> None:
        if not isinstance(below, httpx2.AsyncByteStream):
            raise TypeError("An answer of this transport is read as it comes.")
        self._below = below

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._below:
            size += len(piece)
            if size > MAX_BYTES:
                raise httpx2.ReadError(f"The server's answer is larger than {MAX_BYTES} bytes.")
            yield piece

    async def aclose(self) -> None:
        await self._below.aclose()


def http_client(server: Server, lookup: Lookup = look_up) -> httpx2.AsyncClient:
    """A client for one server, with its headers."""
    headers = {name: value.reveal() for name, value in server.headers.items()}
    return httpx2.AsyncClient(
        transport=Guard(server, lookup),
        headers={**headers, "Accept-Encoding": "identity", "User-Agent": "Switchboard"},
        timeout=httpx2.Timeout(CONNECT_S, read=SILENCE_S),
        trust_env=False,
        follow_redirects=False,
    )


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
