"""Slack's requests to the house: proved first, read then.

The signature covers the raw body and a time at most five minutes away; a request without a good one
is answered 401 and nothing of it is read. A workspace that is not ours is answered 404, and what
the house could not store 503, so that Slack sends it again.
https://docs.slack.dev/authentication/verifying-requests-from-slack (read 2026-11-21)
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
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


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that proves who calls, and who takes what it has proved."""

    secret: str
    take: Take


Keys = Callable[[str], Awaitable[Sequence[Key]]]


class Hooks:
    """The three addresses that an app has at Slack."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        """`keys` gives those to try for a name in the path; it is empty where there is none."""
        self._keys = keys
        self._time = _Time(clock)

    @classmethod
    def of(cls, secret: str, clock: Clock, take: Take) -> Self:
        """The addresses of one app alone."""

        async def keys(_: str) -> Sequence[Key]:
            return (Key(secret, take),)

        return cls(keys, clock)

    def routes(self, name: str = "") -> Sequence[tuple[str, str, Handler]]:
        """Method, path and handler; `name`: a part of the path that says which keys to try."""
        return (
            ("POST", f"/webhooks/slack{name}/events", self._events),
            ("POST", f"/webhooks/slack{name}/interactions", self._interactions),
            ("POST", f"/webhooks/slack{name}/commands", self._commands),
        )

    async def _events(self, request: web.Request) -> web.Response:
        proved = await self._proved(request, JSON)
        if isinstance(proved, web.Response):
            return proved
        raw, take = proved
        payload = _object(raw)
        if payload is None:
            return web.Response(status=400)
        if payload.get("type") == "url_verification":
            challenge = payload.get("challenge")
            if not isinstance(challenge, str) or len(challenge) > MAX_CHALLENGE:
                return web.Response(status=400)
            safe = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=challenge, content_type="text/plain", headers=safe)
        return await _taken(take, "events_api", payload)

    async def _interactions(self, request: web.Request) -> web.Response:
        proved = await self._proved(request, FORM)
        if isinstance(proved, web.Response):
            return proved
        raw, take = proved
        fields = _fields(raw)
        payload = _object(fields.get("payload", "").encode()) if fields else None
        if payload is None:
            return web.Response(status=400)
        return await _taken(take, "interactive", payload)

    async def _commands(self, request: web.Request) -> web.Response:
        proved = await self._proved(request, FORM)
        if isinstance(proved, web.Response):
            return proved
        raw, take = proved
        fields = _fields(raw)
        return await _taken(take, "slash_commands", fields) if fields else web.Response(status=400)

    async def _proved(self, request: web.Request, wanted: str) -> tuple[bytes, Take] | web.Response:
        """The raw body of a request that Slack signed, and who takes it; else the answer."""
        if request.content_type != wanted:
            return web.Response(status=415)
        raw = bytearray()
        async for part in request.content.iter_chunked(65_536):
            raw += part
            if len(raw) > MAX_BODY:
                return web.Response(status=413)
        body = bytes(raw)
        parts = request.path.split("/")  # "", webhooks, slack, perhaps a name, events
        try:
            keys = await self._keys(parts[3] if len(parts) > 4 else "")
        except BotError as error:
            log.warning("Slack's request is not taken; it comes again: %s", error.message)
            return web.Response(status=503)
        for key in keys:
            if self._is_good(key.secret, body, request.headers):
                return body, key.take
        return web.Response(status=401)

    def _is_good(self, secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
        verifier = SignatureVerifier(secret, self._time)  # type: ignore[arg-type]
        try:
            return bool(verifier.is_valid_request(body, dict(headers)))
        except (ValueError, TypeError, OverflowError):
            return False


async def _taken(take: Take, road: str, payload: Mapping[str, Any]) -> web.Response:
    try:
        answer = await take(road, payload)
    except Stranger:
        return web.Response(status=404, headers=NO_RETRY)
    except ConnectionBroken:
        return web.Response()
    except BotError as error:
        log.warning("Slack's request is not taken; it comes again: %s", error.message)
        return web.Response(status=503)
    return web.Response() if answer is None else web.json_response(answer)


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
