"""Slack's requests to the house: proved first, read then.

The signature covers the raw body and a time at most five minutes away; a request without a good one
is answered 401 and nothing of it is read. A workspace that is not ours is answered 404, and what
the house could not store 503, so that Slack sends it again.
https://docs.slack.dev/authentication/verifying-requests-from-slack (read 2026-11-21)
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken
from bot.core.ports import Clock
from channels.slack.intake import Stranger

log = logging.getLogger(__name__)

MAX_BODY: Final = 2**20
MAX_FIELDS: Final = 100
MAX_CHALLENGE: Final = 500
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NO_RETRY: Final = {"X-Slack-No-Retry": "1"}
Take = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Json] | None]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Time:
    """The house's clock, as the library asks it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.now().timestamp()


class Hooks:
    """The three addresses that an app has at Slack."""

    def __init__(self, secret: str, clock: Clock, take: Take) -> None:
        self._verifier = SignatureVerifier(secret, _Time(clock))  # type: ignore[arg-type]
        self._take = take

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Method, path and handler."""
        return (
            ("POST", "/webhooks/slack/events", self._events),
            ("POST", "/webhooks/slack/interactions", self._interactions),
            ("POST", "/webhooks/slack/commands", self._commands),
        )

    async def _events(self, request: web.Request) -> web.Response:
        raw = await self._proved(request, JSON)
        if isinstance(raw, web.Response):
            return raw
        payload = _object(raw)
        if payload is None:
            return web.Response(status=400)
        if payload.get("type") == "url_verification":
            challenge = payload.get("challenge")
            if not isinstance(challenge, str) or len(challenge) > MAX_CHALLENGE:
                return web.Response(status=400)
            safe = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=challenge, content_type="text/plain", headers=safe)
        return await self._taken("events_api", payload)

    async def _interactions(self, request: web.Request) -> web.Response:
        raw = await self._proved(request, FORM)
        if isinstance(raw, web.Response):
            return raw
        fields = _fields(raw)
        payload = _object(fields.get("payload", "").encode()) if fields else None
        if payload is None:
            return web.Response(status=400)
        return await self._taken("interactive", payload)

    async def _commands(self, request: web.Request) -> web.Response:
        raw = await self._proved(request, FORM)
        if isinstance(raw, web.Response):
            return raw
        fields = _fields(raw)
        return await self._taken("slash_commands", fields) if fields else web.Response(status=400)

    async def _taken(self, road: str, payload: Mapping[str, Any]) -> web.Response:
        try:
            answer = await self._take(road, payload)
        except Stranger:
            return web.Response(status=404, headers=NO_RETRY)
        except ConnectionBroken:
            return web.Response()
        except BotError as error:
            log.warning("Slack's request is not taken; it comes again: %s", error.message)
            return web.Response(status=503)
        return web.Response() if answer is None else web.json_response(answer)

    async def _proved(self, request: web.Request, wanted: str) -> bytes | web.Response:
        """The raw body of a request that Slack signed; else the answer."""
        if request.content_type != wanted:
            return web.Response(status=415)
        raw = bytearray()
        async for part in request.content.iter_chunked(65_536):
            raw += part
            if len(raw) > MAX_BODY:
                return web.Response(status=413)
        body = bytes(raw)
        try:
            is_good = self._verifier.is_valid_request(body, dict(request.headers))
        except (ValueError, TypeError, OverflowError):
            is_good = False
        return body if is_good else web.Response(status=401)


def _object(raw: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _fields(raw: bytes) -> dict[str, str]:
    """The fields of a form; none where it is no form, or a field is there twice."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    found = dict(pairs)
    return found if len(found) == len(pairs) else {}
