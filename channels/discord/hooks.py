"""Presses and commands that Discord posts to us, each signed with Ed25519.

Discord probes the address with bad signatures now and then and takes it away when one passes.
https://docs.discord.com/developers/interactions/overview (read 2026-11-21)
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from bot.core.ports import Clock
from channels.discord.payloads import Interaction
from channels.discord.presses import Answer

PATH: Final = "/webhooks/discord/interactions"
PING: Final = 1
"""Discord's knock, and what it wants to hear."""
MAX_BYTES: Final = 256 * 1024
WINDOW_S: Final = 300
"""Ours: Discord documents none. An older request is a replay."""


class Hooks:
    """The one address."""

    def __init__(
        self,
        public_key: str,
        clock: Clock,
        take: Callable[[Interaction], Awaitable[Answer | None]],
    ) -> None:
        """`take` gives the answer; None while nobody listens."""
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        self._clock = clock
        self._take = take

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """The address that goes into the application's page."""
        return (("POST", PATH, self._post),)

    async def _post(self, request: web.Request) -> web.Response:
        body = await _read(request)
        if body is None:
            return web.json_response({"error": "too long"}, status=413)
        signature = request.headers.get("X-Signature-Ed25519", "")
        timestamp = request.headers.get("X-Signature-Timestamp", "")
        if not self.is_signed(signature, timestamp, body):
            return web.json_response({"error": "invalid request signature"}, status=401)
        try:
            given = json.loads(body)
            if isinstance(given, dict) and given.get("type") == PING:
                return web.json_response({"type": PING})
            told = Interaction.model_validate(given)
        except (ValidationError, ValueError, RecursionError):
            return web.json_response({"error": "not an interaction"}, status=400)
        answer = await self._take(told)
        if answer is None:
            return web.json_response({"error": "not listening yet"}, status=503)
        return web.json_response(answer)

    def is_signed(self, signature: str, timestamp: str, body: bytes) -> bool:
        """Whether Discord signed these bytes, lately."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return False
        try:
            self._key.verify(bytes.fromhex(signature), timestamp.encode() + body)
        except (InvalidSignature, ValueError):
            return False
        return abs(self._clock.now().timestamp() - int(timestamp)) <= WINDOW_S


async def _read(request: web.Request) -> bytes | None:
    """The body; None when it is longer than any that Discord sends."""
    if (request.content_length or 0) > MAX_BYTES:
        return None
    body = b""
    async for part in request.content.iter_chunked(65_536):
        body += part
        if len(body) > MAX_BYTES:
            return None
    return body
