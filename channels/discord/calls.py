"""Calls of Discord's REST API through discord.py, which keeps to the limits of each route.

One budget for everything that is written. No redirect is followed. Errors become ours here, with
the step that mends them.
https://docs.discord.com/developers/topics/rate-limits (read 2026-11-21)
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from pydantic import SecretStr
from yarl import URL

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.fetch.straight import straight
from bot.limits import Rate
from bot.platforms.pacing import Among, Pace

TIMEOUT_S: Final = 25.0
UPLOAD_S: Final = 50.0
QUIET_S: Final = 30.0
"""How long a refused token is not tried again: Discord bans an address for many refusals."""
LONGEST_REST_S: Final = 30.0
"""A longer wait is the caller's to decide on."""
_POSTS: Final = Rate(count=2, seconds=3.3)
_EDITS: Final = Rate(count=4, seconds=5.0)
"""Five in five seconds are borne in one channel, of each kind. Not documented; observed by
libraries, which read what is left from each answer. A burst and what follows it fit in that."""
_WHOLE: Final = Rate(count=20, seconds=1.0)
"""Of each kind: 50 a second in all are documented; the rest is room for presses."""
REFUSED_BOT: Final = (
    "Discord refuses the bot's token. Reset it under Bot of the application at "
    "discord.com/developers/applications and give the new one to `bot connect discord`; where it "
    "stands in the settings, set DISCORD_BOT_TOKEN and start again."
)
NO_CONTENT: Final = (
    "The bot may not read messages that do not mention it. Switch on Message Content Intent under "
    "Bot of the application at discord.com/developers/applications, or leave message_content out."
)
CONTENT: Final = 1 << 18 | 1 << 19
"""GATEWAY_MESSAGE_CONTENT and its _LIMITED, among an application's flags.
https://docs.discord.com/developers/resources/application#application-object-application-flags
(read 2026-11-22)"""
_MEND: Final[Mapping[int, str]] = {
    10003: "There is no such channel any more, or the bot does not see it.",
    40005: "It is too large for Discord.",
    50001: "Give the bot access to this channel (View Channel) in the server's settings.",
    50007: "This person takes no direct messages from the bot.",
    50013: "Give the bot's role the permission for it (Send Messages, Send Messages in Threads).",
}
"""Discord's own numbers, and what a person can do."""
_WRONG: Final = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    RuntimeError,
    ValueError,  # an answer that broke off
    LookupError,  # or that is not as it should be: the library reads it as it comes
    TypeError,
)
UNKNOWN_MESSAGE: Final = 10008
STALE_ANSWER: Final = 50027
"""The token of an interaction has ended: a 401 that says nothing of ours."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it leaves."""

    name: str
    media_type: str
    content: bytes


Files = Sequence[Upload]


def point(endpoint: str) -> None:
    """Have the library call another address; an empty one leaves it as it is."""
    if not endpoint:
        return
    parts = urlsplit(endpoint)
    base = endpoint.rstrip("/")
    Route.BASE = base if base.endswith("/api/v10") else f"{base}/api/v10"
    scheme = "wss" if parts.scheme == "https" else "ws"
    DiscordWebSocket.DEFAULT_GATEWAY = URL(f"{scheme}://{parts.netloc}/")


class Calls:
    """The REST API under one token."""

    def __init__(
        self,
        token: SecretStr,
        clock: Clock,
        on_broken: Callable[[ConnectionBroken], None],
        among: Among = lambda: 1,
    ) -> None:
        self.posts = Pace(clock, _POSTS, _WHOLE, among)
        self.edits = Pace(clock, _EDITS, _WHOLE, among)
        self._clock = clock
        self._token = token
        self._refused: str | None = None
        self._quiet_until = 0.0
        self._on_broken = on_broken
        self._http: HTTPClient | None = None
        self._opening = asyncio.Lock()
        self.user = ""
        self.username = ""
        self.app = ""
        self._flags = 0

    async def open(self) -> None:
        """Sign in. Raises ConnectionBroken, VendorRefused, VendorUnknown."""
        async with self._opening:
            now = self._clock.monotonic()
            if self._http is None and self._refused is not None and now < self._quiet_until:
                raise ConnectionBroken(self._refused)
            if self._http is None:
                loop = asyncio.get_running_loop()
                http = HTTPClient(loop, http_trace=straight(), max_ratelimit_timeout=LONGEST_REST_S)
                try:
                    await self._sign_in(http)
                except BaseException as error:
                    await http.close()
                    if isinstance(error, ConnectionBroken):
                        self._refused, self._quiet_until = error.message, now + QUIET_S
                    raise
                self._http, self._refused = http, None

    async def close(self) -> None:
        """Sign out; the next call signs in again."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def check_content(self) -> None:
        """Raises ConnectionBroken where the application may not read messages without mentions."""
        if not self._flags & CONTENT:
            raise ConnectionBroken(NO_CONTENT)

    async def do(
        self, method: str, path: str, body: Json = None, *, reason: str = "", **names: str
    ) -> Any:
        """Call a route, such as `GET`, `/channels/{channel_id}`. Gives its JSON.

        The body of a GET is its query; the reason stands in the server's audit log. Raises
        VendorRefused (surely not done), VendorUnknown (nobody knows), ConnectionBroken.
        """
        kind = "params" if method == "GET" else "json"
        more: dict[str, Any] = {} if body is None else {kind: body}
        if reason:
            more["reason"] = reason
        return await self._call(Route(method, path, **names), more, names)

    async def bring(self, route: tuple[str, str], body: Json, files: Files, **names: str) -> Any:
        """Call a route with files beside its body. Raises as `do` does."""
        more = {"form": _form(body, files)} if files else {"json": body}
        return await self._call(Route(*route, **names), more, names)

    async def _call(self, route: Route, more: dict[str, Any], names: Mapping[str, str]) -> Any:
        await self.open()
        assert self._http is not None  # noqa: S101 - opened above
        try:
            async with asyncio.timeout(UPLOAD_S if "form" in more else TIMEOUT_S):
                return await self._http.request(route, **more)
        except _WRONG as error:
            found = ours(error)
            if isinstance(found, VendorRefused) and found.retry_after_s:
                for pace in (self.posts, self.edits):
                    pace.rest(found.retry_after_s, names.get("channel_id", ""))
            if isinstance(found, ConnectionBroken):
                self._on_broken(found)
            raise found from error

    async def _sign_in(self, http: HTTPClient) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                me = await http.static_login(self._token.get_secret_value().strip())
                app = await http.application_info()
        except _WRONG as error:
            raise ours(error) from error
        self.user, self.app = str(me["id"]), str(app["id"])
        self.username, self._flags = str(me.get("username", "")), int(app.get("flags") or 0)


def ours(error: Exception) -> BotError:
    """The library's error as one of ours."""
    match error:
        case discord.LoginFailure():
            return ConnectionBroken(REFUSED_BOT)
        case discord.RateLimited(retry_after=seconds):
            return VendorRefused("Discord asks for a rest.", retry_after_s=float(seconds))
        case discord.DiscordServerError():
            return VendorUnknown(f"Discord has a fault of its own (HTTP {error.status}).")
        case discord.HTTPException(status=401, code=code) if code != STALE_ANSWER:
            return ConnectionBroken(REFUSED_BOT)
        case discord.HTTPException(status=429):
            return VendorRefused("Discord asks for a rest.", retry_after_s=_rest(error))
        case discord.HTTPException(status=status, code=code):
            if status >= 500:
                return VendorUnknown(f"Discord has a fault of its own (HTTP {status}).")
            mend = _MEND.get(code, "")
            return VendorRefused(f"Discord refuses this (code {code}). {mend}".strip(), code=code)
        case _:
            return VendorUnknown(f"Discord did not answer ({type(error).__name__}).")


def _form(body: Json, files: Files) -> list[dict[str, Any]]:
    """Body and files as one form.

    https://docs.discord.com/developers/reference#uploading-files (read 2026-11-21)
    """
    listed: list[Json] = [{"id": n, "filename": file.name} for n, file in enumerate(files)]
    told = {**body, "attachments": listed} if isinstance(body, dict) else {"attachments": listed}
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(told)}]
    for n, file in enumerate(files):
        kind = {"filename": file.name, "content_type": file.media_type}
        parts.append({"name": f"files[{n}]", "value": file.content, **kind})
    return parts


def _rest(error: discord.HTTPException) -> float:
    """How long Discord wants to be left alone; a minute when it does not say."""
    try:
        told = json.loads(error.text) if error.text else {}
        header = error.response.headers.get("Retry-After", 60.0)
        return float(told.get("retry_after", header) if isinstance(told, dict) else header)
    except (TypeError, ValueError):
        return 60.0
