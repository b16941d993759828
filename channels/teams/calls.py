"""Calls of the Bot Connector: one app, its token, its budgets, and Microsoft's errors as ours.

A thread takes 7 messages in a second, 8 in two, 60 in thirty and 1,800 in an hour; the app 30
requests a second. Edits and typing count. 412 and 429 surely did nothing; a 5xx may have.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit (read 2026-11-21)
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.core.canonical import Json
from bot.core.errors import ConnectionBroken, VendorError, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.limits import Rate
from bot.platforms.pacing import Among, Pace
from channels.teams.places import Services
from channels.teams.settings import Settings

LOGIN: Final = "https://login.microsoftonline.com"
SCOPE: Final = "https://api.botframework.com/.default"
TIMEOUT_S: Final = 20
MAX_ANSWER: Final = 256 * 1024
EARLY_S: Final = 300
"""A token is renewed so long before its end."""
AGAIN_S: Final = 2.0
"""When to come again where Microsoft does not say."""
TRIES: Final = 4
LONGEST_WAIT_S: Final = 30.0
# Buckets that keep below all four limits of a thread together, bursts included.
SHORT: Final = Rate(count=6, seconds=6.0)
HOUR: Final = Rate(count=300, seconds=720.0)
ALL: Final = Rate(count=12, seconds=1.0)
Answer = Mapping[str, Any]

_RENEW = (
    "The client secret of the Teams app is wrong or has expired. Make a new one under App "
    "registrations, the app, Certificates & secrets at portal.azure.com, and give its value to "
    "`bot connect teams`; where it stands in the settings, set app_secret there and start again."
)
_APP = (
    "The directory does not know this Teams app. Set app_id and tenant_id in [channels.teams] as "
    "they stand under Configuration of the Azure Bot at portal.azure.com."
)
LOGIN_ERRORS: Final[Mapping[int, str]] = {
    7000215: _RENEW,
    7000222: _RENEW,
    700016: _APP,
    90002: _APP,
    900023: _APP,
    7000112: "The Teams app is switched off. An admin enables it under Enterprise applications.",
}
"""https://learn.microsoft.com/entra/identity-platform/reference-error-codes (read 2026-11-21)"""
NOT_TAKEN: Final = (
    "Teams does not take the token of this app. The Azure Bot must have this app_id and tenant_id, "
    "type Single Tenant, and Microsoft Teams switched on under Channels at portal.azure.com."
)
_BLOCKED = "The person has blocked or removed the app. They can add it again under Apps in Teams."
FORBIDDEN: Final[Mapping[str, str]] = {
    "BotNotInConversationRoster": (
        "The app is not in this chat or team. Add it there: Apps in Teams, the app, Add to a team "
        "or chat."
    ),
    "ConversationBlockedByUser": _BLOCKED,
    "MessageWritesBlocked": _BLOCKED,
    "BotDisabledByAdmin": (
        "An admin has switched the app off. Allow it under Teams apps, Manage apps at "
        "admin.teams.microsoft.com."
    ),
}
NOT_ALLOWED: Final = (
    "Teams does not let the app write here. In the Azure portal the Azure Bot needs Microsoft "
    "Teams under Channels; the app's manifest needs the bot scope of this place (personal, team or "
    "groupChat), and for a channel the permission ChannelMessage.Send.Group, which an owner of the "
    "team grants by adding the app again."
)


class Calls:
    """The connector, in one app's name."""

    def __init__(
        self,
        settings: Settings,
        endpoint: str,
        clock: Clock,
        broken: Callable[[ConnectionBroken], None] = lambda error: None,
        among: Among = lambda: 1,
    ) -> None:
        """`broken` is told when the app may speak to nobody any more."""
        self._settings = settings
        self._login = (endpoint or LOGIN).rstrip("/")
        self._clock = clock
        self._broken = broken
        self._session: aiohttp.ClientSession | None = None
        self._token, self._until = "", float("-inf")
        self._lock = asyncio.Lock()
        self._short, self._hour = (
            Pace(clock, SHORT, ALL, among),
            Pace(clock, HOUR, ALL, among),
        )
        self.services = Services(endpoint)

    async def close(self) -> None:
        """Let go of every connection."""
        session, self._session = self._session, None
        if session:
            await session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Connections; made when they are needed, also after `close`."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self._session

    # --- the token --------------------------------------------------------------------------

    async def token(self) -> str:
        """The app's token. Raises ConnectionBroken, and VendorRefused while it cannot be had."""
        async with self._lock:
            if self._clock.monotonic() >= self._until:
                self._token, lasts_s = await self._new_token()
                self._until = self._clock.monotonic() + max(0.0, lasts_s - EARLY_S)
            return self._token

    async def _new_token(self) -> tuple[str, float]:
        address = f"{self._login}/{self._settings.tenant_id}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.app_id,
            "client_secret": self._settings.app_secret.get_secret_value(),
            "scope": SCOPE,
        }
        try:
            async with self.session.post(address, data=form, allow_redirects=False) as answer:
                status, body = answer.status, await _body(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VendorRefused("Microsoft cannot be reached.", retry_after_s=AGAIN_S) from error
        token, lasts_s = body.get("access_token"), body.get("expires_in")
        if status == 200 and isinstance(token, str) and token:
            return token, float(lasts_s) if isinstance(lasts_s, int | float) else 0.0
        if status in (400, 401, 403):
            raise self._break(ConnectionBroken(_why_no_token(body)))
        raise VendorRefused("Microsoft gives no token for now.", retry_after_s=AGAIN_S)

    def _break(self, error: ConnectionBroken) -> ConnectionBroken:
        self._broken(error)
        return error

    # --- the connector ----------------------------------------------------------------------

    async def surely(self, place: str, method: str, path: str, body: Json) -> Answer:
        """Call until it is taken or surely refused; waits its turn, and where Teams says so.

        Rewriting twice does no harm, so there an answer that is missing is asked for again.
        Raises VendorRefused, VendorUnknown, ConnectionBroken.
        """
        for left in reversed(range(TRIES)):
            await self._hour.turn(place)
            await self._short.turn(place)
            try:
                return await self.call(place, method, path, body)
            except VendorError as error:
                wait_s = error.retry_after_s
                if wait_s is None and method == "PUT" and isinstance(error, VendorUnknown):
                    wait_s = AGAIN_S / 4 * (1 + self._chance())
                if wait_s is None or not left or wait_s > LONGEST_WAIT_S:
                    raise
                await asyncio.sleep(wait_s)
        raise VendorRefused("Teams did not take it.")

    def spare(self, place: str) -> bool:
        """Take room for something that may be dropped; False when it is to be dropped."""
        return self._hour.spare(place) and self._short.spare(place)

    async def call(self, place: str, method: str, path: str, body: Json) -> Answer:
        """One call, below `/v3/conversations`. Raises like `surely`."""
        for is_again in (False, True):
            status, headers, found = await self._once(place, method, path, body)
            if status != 401 or is_again:
                break
            self._until = float("-inf")  # the token is old; once with a new one
        if status < 300:
            return found
        if status == 401:
            raise self._break(ConnectionBroken(NOT_TAKEN))
        raise self._refusal(place, status, headers, found)

    async def _once(
        self, place: str, method: str, path: str, body: Json
    ) -> tuple[int, Mapping[str, str], Answer]:
        service = self.services.of(place)
        headers = {"Authorization": f"Bearer {await self.token()}"}
        try:
            async with self.session.request(
                method,
                URL(f"{service}/v3/conversations{path}", encoded=True),
                json=body,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return answer.status, answer.headers, await _body(answer)
        except aiohttp.ClientConnectorError as error:
            raise VendorRefused("Teams cannot be reached.", retry_after_s=AGAIN_S) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VendorUnknown("Teams did not answer.") from error

    def _refusal(
        self, place: str, status: int, headers: Mapping[str, str], body: Answer
    ) -> VendorError:
        code = _code(body)
        if status in (412, 429):
            wait_s = _seconds(headers.get("Retry-After", "")) or AGAIN_S * (1 + self._chance())
            self._short.rest(wait_s, place)
            return VendorRefused("Teams asks for a pause.", retry_after_s=wait_s, code=code)
        if status < 400:
            return VendorUnknown(f"Teams points to another address ({status}).", code=code)
        if status >= 500:
            return VendorUnknown("Teams did not answer.", code=code)
        if status == 403:
            return VendorRefused(FORBIDDEN.get(code, NOT_ALLOWED), code=code)
        if status == 404:
            return VendorRefused("This chat or message is not there any more.", code="NotFound")
        if status == 413:
            return VendorRefused("The message is too long for Teams.", code=code)
        return VendorRefused(f"Teams refused it: {code or status}.", code=code)

    def _chance(self) -> float:
        """Between 0 and 1, so that many do not come again at once."""
        return self._clock.chance(1)[0] / 255


def path_to(conversation: str, activity: str = "") -> str:
    """The address of a conversation's messages, or of one of them."""
    path = f"/{quote(conversation, safe='')}/activities"
    return f"{path}/{quote(activity, safe='')}" if activity else path


async def _body(answer: aiohttp.ClientResponse) -> Answer:
    """The answer's object; empty where it has none that can be read."""
    raw = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        raw += part
        if len(raw) > MAX_ANSWER:
            return {}
    try:
        found = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(body: Answer) -> str:
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code[:80] if isinstance(code, str) else ""


def _why_no_token(body: Answer) -> str:
    codes = body.get("error_codes")
    for code in codes if isinstance(codes, list) else ():
        if isinstance(code, int) and code in LOGIN_ERRORS:
            return LOGIN_ERRORS[code]
    word = body.get("error")
    if word == "invalid_client":
        return _RENEW
    return f"Microsoft gives this app no token ({str(word)[:80]}). {_APP}"


def _seconds(value: str) -> float:
    """A wait that Teams names; 0.0 where it names none."""
    try:
        return min(max(0.0, float(value)), 3600.0)
    except ValueError:
        return 0.0
