"""Whether a request comes from Microsoft: the token that it carries, checked before it is read.

Signed with RS256 by a key of Microsoft's list, from the one issuer, for this bot, in time (five
minutes of skew), and for the very service address that the activity names, so that no answer with
the house's token goes elsewhere. The list is asked for once a day, and for a key that it lacks at
most every five minutes.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
(read 2026-11-21)
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import jwt

from bot.core.errors import VendorUnknown
from bot.core.ports import Clock
from bot.lazy import at_hand

ISSUER: Final = "https://api.botframework.com"
HOME: Final = "https://login.botframework.com"
METADATA: Final = "/v1/.well-known/openidconfiguration"
SKEW_S: Final = 300
FRESH_S: Final = 24 * 3600.0
FLOOR_S: Final = 300.0
FAILED_FLOOR_S: Final = 5.0
"""How soon after a failure the list is asked for again."""
TIMEOUT_S: Final = 10
MAX_LIST: Final = 2**20
MAX_KEYS: Final = 200
MAX_TOKEN: Final = 8_000


class Forged(Exception):
    """It does not come from Microsoft, or is not for us."""


@dataclass(frozen=True, slots=True)
class Key:
    """One of Microsoft's keys."""

    key: Any
    """What PyJWT makes of it; its library gives it no common type."""
    endorsements: tuple[str, ...]
    """Platforms that the key may speak for; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good token says."""

    service: str
    key: Key

    def fits(self, service: str, channel: str) -> bool:
        """Whether it was made for an activity of this service and platform."""
        is_endorsed = not self.key.endorsements or channel in self.key.endorsements
        return is_endorsed and service != "" and self.service.rstrip("/") == service.rstrip("/")


class Keys:
    """Microsoft's list of keys."""

    def __init__(self, clock: Clock, endpoint: str) -> None:
        self._clock = clock
        self._home = (endpoint or HOME).rstrip("/")
        self._keys: dict[str, Key] = {}
        self._got_at = self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> Key | None:
        """A key by its id; None where there is none such. Raises VendorUnknown without a list."""
        if kid in self._keys and self._is_fresh():
            return self._keys[kid]
        async with self._lock:
            now = self._clock.monotonic()
            is_wanted = kid not in self._keys or not self._is_fresh()
            floor = FLOOR_S if self._is_fresh() else FAILED_FLOOR_S
            if is_wanted and now - self._asked_at >= floor:
                self._asked_at = now
                try:
                    self._keys = await self._fetch()
                    self._got_at = now
                except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
                    if not self._is_fresh():
                        raise VendorUnknown("Microsoft's keys cannot be had.") from error
        if not self._is_fresh():
            raise VendorUnknown("Microsoft's keys cannot be had.")
        return self._keys.get(kid)

    def _is_fresh(self) -> bool:
        return self._clock.monotonic() - self._got_at < FRESH_S

    async def _fetch(self) -> dict[str, Key]:
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=limit) as session:
            about = await _json(session, f"{self._home}{METADATA}")
            address = about.get("jwks_uri")
            if not isinstance(address, str) or not self._is_home(address):
                raise ValueError("The list of keys lies elsewhere.")
            found = await _json(session, address)
        listed = found.get("keys")
        if not isinstance(listed, list):
            raise ValueError("There is no list of keys.")
        return dict(filter(None, map(_key, listed[:MAX_KEYS])))

    def _is_home(self, address: str) -> bool:
        own, parts = urlsplit(self._home), urlsplit(address)
        return (parts.scheme, parts.netloc) == (own.scheme, own.netloc)


class Doorman:
    """Checks who calls."""

    def __init__(self, keys: Keys, clock: Clock, app: str) -> None:
        self._keys = keys
        self._clock = clock
        self._app = app

    async def check(self, authorization: str) -> Proof:
        """What the token of a request proves. Raises Forged, and VendorUnknown without keys."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
            raise Forged
        await at_hand("jwt")
        try:
            head = jwt.get_unverified_header(token)
            kid = head.get("kid")
            if head.get("alg") != "RS256" or not isinstance(kid, str):
                raise Forged
            key = await self._keys.get(kid)
            if key is None:
                raise Forged
            claims = jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._app,
                issuer=ISSUER,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,  # the house's clock is asked below
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise Forged from None
        self._in_time(claims)
        service = claims.get("serviceurl")
        if not isinstance(service, str) or not service:
            raise Forged
        return Proof(service, key)

    def _in_time(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        until, since = claims["exp"], claims.get("nbf", now)
        if not _is_number(until) or not _is_number(since):
            raise Forged
        if now > until + SKEW_S or now < since - SKEW_S:
            raise Forged


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


async def _json(session: aiohttp.ClientSession, address: str) -> Mapping[str, Any]:
    async with session.get(address, allow_redirects=False) as answer:
        if answer.status != 200:
            raise ValueError(f"The list of keys is answered {answer.status}.")
        raw = bytearray()
        async for part in answer.content.iter_chunked(65_536):
            raw += part
            if len(raw) > MAX_LIST:
                raise ValueError("The list of keys is too long.")
    found = json.loads(bytes(raw))
    if not isinstance(found, dict):
        raise ValueError("The list of keys is no object.")
    return found


def _key(given: object) -> tuple[str, Key] | None:
    """One key of the list, by its id; None for what is no RSA key to check with."""
    if not isinstance(given, dict) or given.get("kty") != "RSA":
        return None
    kid, endorsed = given.get("kid"), given.get("endorsements", [])
    if not isinstance(kid, str) or given.get("use", "sig") != "sig":
        return None
    try:
        made = jwt.PyJWK({**given, "alg": "RS256"})
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    names = endorsed if isinstance(endorsed, list) else []
    return kid, Key(made.key, tuple(name for name in names if isinstance(name, str)))
