"""The Bot API through python-telegram-bot, with Telegram's errors as errors of the house.

The token is a part of every address, so no error of the library leaves this file with its words
unless Telegram itself wrote them. A refusal surely did not happen; anything else may have.
https://core.telegram.org/bots/api#making-requests (read 2026-11-21)
"""

import json
from datetime import timedelta
from http import HTTPStatus
from math import isnan
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr
from telegram import Bot, error
from telegram.request import HTTPXRequest

from bot.core.canonical import Json
from bot.core.errors import (
    BotError,
    ConnectionBroken,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from channels.telegram.payloads import WANTED

HOME: Final = "https://api.telegram.org"
POLL_S: Final = 25
BATCH: Final = 100
MAX_DOWNLOAD: Final = 20 * 2**20
"""https://core.telegram.org/bots/api#getfile (read 2026-11-21)"""
CHUNK: Final = 64 * 1024
UNSAID_S: Final = 3.0
DAY_S: Final = 86_400.0
REVOKED: Final = (
    "Telegram does not know this token any more. Ask @BotFather for a new one with /token and "
    "give it to `bot connect telegram`; where it stands in the settings, set it there (`token` or "
    "BOTFATHERTOKEN) and start again."
)
SHARED: Final = (
    "Another program reads this bot's messages: Telegram gives them to one at a time. Stop the "
    "other one, or make a bot of its own for it with @BotFather."
)
_KNOWN: Final = frozenset({400, 401, 403, 404, 409, 429})
"""Refusals that the library has names for."""
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Api:
    """One bot's connection: a way for what is said, and one for what is heard."""

    def __init__(self, token: SecretStr, endpoint: str) -> None:
        base = (endpoint or HOME).rstrip("/")
        secret = token.get_secret_value()
        self._mouth = _Way(
            connection_pool_size=64,
            connect_timeout=5,
            read_timeout=20,
            write_timeout=20,
            pool_timeout=10,
        )
        self._ear = _Way(connection_pool_size=1, connect_timeout=5, write_timeout=10)
        self.bot = Bot(
            secret,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._mouth,
            get_updates_request=self._ear,
        )
        self._updates = f"{base}/bot{secret}/getUpdates"

    async def open(self) -> None:
        """Be ready to speak, also after `close`."""
        await self._mouth.initialize()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._ear.shutdown()
        await self._mouth.shutdown()

    async def updates(self, offset: int) -> list[Json]:
        """What happened since; confirms all before `offset`. Raises what `meaning` makes."""
        await self._ear.initialize()
        asked = {
            "offset": offset,
            "limit": BATCH,
            "timeout": POLL_S,
            "allowed_updates": json.dumps(WANTED),
        }
        try:
            found = await self._ear.post(
                f"{self._updates}?{urlencode(asked)}", read_timeout=POLL_S + 10
            )
        except error.TelegramError as wrong:
            raise meaning(wrong) from None
        return list(found) if isinstance(found, list) else []

    async def download(self, file_id: str) -> bytes:
        """The bytes of a file. Raises what `meaning` makes."""
        await self.open()
        try:
            file = await self.bot.get_file(file_id)
            if (file.file_size or 0) > MAX_DOWNLOAD:
                raise VendorRefused("Telegram gives bots files of at most 20 MB.")
            return bytes(await file.download_as_bytearray())
        except error.TelegramError as wrong:
            raise meaning(wrong) from None


class _Way(HTTPXRequest):
    """Takes a refusal for one: what is none of `_KNOWN`, such as a 413, the library takes for a
    fault of the network, after which nobody would know whether it was done; and so a 429 that names
    no wait, or breaks at one that is no number.
    """

    async def do_request(self, *given: Any, **more: Any) -> tuple[int, bytes]:
        """One request. Raises as the library does, RetryAfter for every 429, and BadRequest for any
        other refusal of 4xx."""
        code, payload = await super().do_request(*given, **more)
        is_lost = code == HTTPStatus.REQUEST_TIMEOUT
        if code == HTTPStatus.TOO_MANY_REQUESTS:
            raise error.RetryAfter(_wait(payload))
        if 400 <= code < 500 and code not in _KNOWN and not is_lost:
            raise error.BadRequest(_described(payload) or f"status {code}")
        return code, payload


def _described(payload: bytes) -> str:
    """Telegram's own words; empty where it gives none."""
    return str(_told(payload).get("description") or "")[:200]


def _wait(payload: bytes) -> timedelta:
    """How long Telegram wants to be left alone, up to a day; `UNSAID_S` where it does not say."""
    parameters = _told(payload).get("parameters")
    told = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if not isinstance(told, int | float) or isnan(told):
        return timedelta(seconds=UNSAID_S)
    return timedelta(seconds=min(max(1.0, told), DAY_S))


def _told(payload: bytes) -> dict[str, Any]:
    """The object that Telegram answered; empty where it is none."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def meaning(wrong: error.TelegramError) -> BotError:
    """The same for the house; `retry_after_s` where Telegram said when to come again."""
    if isinstance(wrong, error.RetryAfter):
        return VendorRefused("Telegram asks for a pause.", retry_after_s=pause_of(wrong))
    if isinstance(wrong, error.InvalidToken):
        return ConnectionBroken(REVOKED)
    if isinstance(wrong, error.Conflict):
        return OperatorError(SHARED)
    if isinstance(wrong, error.Forbidden):
        return VendorRefused(f"Telegram does not let the bot write there: {wrong.message}.")
    if isinstance(wrong, error.BadRequest | error.ChatMigrated):
        return VendorRefused(f"Telegram refused it: {wrong.message}.")
    if never_left(wrong):
        return VendorRefused("Telegram cannot be reached.", retry_after_s=1.0)
    return VendorUnknown("Telegram did not answer.")


def pause_of(wrong: error.RetryAfter) -> float:
    """Seconds. The public attribute changes its type with a variable of the environment."""
    return wrong._retry_after.total_seconds()


def never_left(wrong: error.TelegramError) -> bool:
    """Whether the request surely did not reach Telegram."""
    return isinstance(wrong.__cause__, _NEVER_LEFT)


def says(wrong: error.TelegramError, *words: str) -> bool:
    """Whether Telegram's own words mean one of these."""
    return isinstance(wrong, error.BadRequest) and any(
        each in wrong.message.lower() for each in words
    )
