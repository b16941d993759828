"""The least client of HTTP/1.1 that asyncio allows: one connection, one request at a time.

A load that shares a core with the stub must cost little, and aiohttp's client costs four times as
much. It reads answers with a length only, which is what all servers here send.
"""

import asyncio
import json
from collections.abc import Mapping

WAIT_S = 60.0


class Broken(Exception):
    """The server hung up, or answered what this client cannot read."""


class Connection(asyncio.Protocol):
    """One kept connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._got = b""

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; return the status and the body. Raises Broken."""
        if self._transport is None or self._transport.is_closing():
            raise Broken("not connected")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._waiter
        except TimeoutError:
            raise Broken(f"no answer within {WAIT_S:.0f} s") from None

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(Broken(f"hung up: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        if not found or self._waiter is None or self._waiter.done():
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if at < 0:
            self._waiter.set_exception(Broken("an answer without a length"))
            return
        length = int(lowered[at + 15 :].partition(b"\r\n")[0])
        if len(rest) >= length:
            self._got = rest[length:]
            self._waiter.set_result((int(head[9:12]), rest[:length]))


def post(path: str, body: object, headers: Mapping[str, str]) -> bytes:
    """A request as it goes over the wire."""
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join((*lines, "", "")).encode() + data
