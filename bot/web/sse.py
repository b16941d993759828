"""Server-sent events: one long answer in small pieces, none of which waits in a buffer.

A watcher that takes nothing for half a minute is let go; it comes back with its last id. Source:
html.spec.whatwg.org/multipage/server-sent-events.html (read 2026-11-21).
"""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from bot.core.canonical import Json
from bot.store.rows import dumps

BEAT_S = 15.0
"""A comment after so much silence keeps proxies from closing the connection."""
PATIENCE_S = 30.0
RETRY_MS = 1000
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


STREAMED: web.RequestKey[web.StreamResponse] = web.RequestKey("streamed", web.StreamResponse)
"""The answer that a request may have begun to send."""


class Gone(Exception):
    """The other side is no longer there, or takes nothing."""


class Stream:
    """An answer of events."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(headers=_HEADERS)
        request[STREAMED] = self._response

    async def open(self) -> None:
        """Send the head. Raises Gone."""
        try:
            await self._response.prepare(self._request)
        except ConnectionError as error:
            raise Gone from error

    async def hint(self) -> None:
        """Say how soon to come back after a break."""
        await self._write(f"retry: {RETRY_MS}\n\n")

    async def send(self, event: str, data: Mapping[str, Json], place: str = "") -> None:
        """Send one named event. Raises Gone."""
        head = f"event: {event}\n"
        if place:
            head += f"id: {place}\n"
        await self._write(f"{head}data: {dumps(data)}\n\n")

    async def raw(self, data: str) -> None:
        """Send data without a name, as OpenAI's clients read it. Raises Gone."""
        await self._write(f"data: {data}\n\n")

    async def last(self, data: str, event: str = "message") -> None:
        """Send data to whoever may still be there."""
        head = "" if event == "message" else f"event: {event}\n"
        try:
            await self._write(f"{head}data: {data}\n\n")
        except Gone:
            return

    async def beat(self) -> None:
        """Send a comment that says nothing. Raises Gone."""
        await self._write(": \n\n")

    async def close(self) -> web.StreamResponse:
        """End it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._response.write_eof()
        except (ConnectionError, TimeoutError):
            pass  # whoever left does not mind
        return self._response

    @property
    def response(self) -> web.StreamResponse:
        """The answer, for the server to finish with."""
        return self._response

    async def _write(self, text: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._response.write(text.encode())
        except (ConnectionError, TimeoutError) as error:
            transport = self._request.transport
            if transport is not None:
                transport.abort()
            raise Gone from error
