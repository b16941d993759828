"""Google tells that an account's tokens were taken back, or that the account was shut.

https://developers.google.com/identity/protocols/risc
https://www.rfc-editor.org/rfc/rfc8417 (read 2026-11-22)

Such a token is signed by Google, for one of our apps, and tells of what happened: it has no end.
So one that is told again changes nothing that was connected since. A connection that it ends is
broken, its tokens are forgotten at once, and the owners are told. Of one token Google names no
account, but how it begins or its hash: the connection that keeps this very token ends, whenever it
was made. Word of sessions in a browser ends nothing here, for nobody signs in with Google.
"""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from bot.core.canonical import Json
from bot.core.errors import ConnectionBroken, Forbidden, NotFound, OperatorError, VendorUnknown
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.lazy import at_hand
from bot.oauth.around import Around, Tokens
from bot.oauth.provider import App, load
from bot.oauth.renewal import Reconnect, Renewal
from bot.store import connections as rows
from bot.store.connections import Connection

NAME: Final = "google"
CONFIGURATION = "https://accounts.google.com/.well-known/risc-configuration"
ISSUER = "https://accounts.google.com"
HOSTS = ("accounts.google.com", "www.googleapis.com")
"""Where Google may say that its keys lie."""
MAX_TOKEN = 20_000
MAX_KEYS = 20
FRESH_S, AGAIN_S = 6 * 3600.0, 60.0
"""How long keys are good, and how soon they are asked for again where one is missing."""
PAUSE_S = 5.0
"""How soon they are asked for again where none could be had."""
_TYPES = "https://schemas.openid.net/secevent"
ALL = f"{_TYPES}/oauth/event-type/tokens-revoked"
ENDS: Mapping[str, str] = {
    ALL: "Google took its tokens back.",
    f"{_TYPES}/risc/event-type/account-disabled": "Google shut the account.",
    f"{_TYPES}/risc/event-type/account-purged": "Google deleted the account.",
}
"""What happened, and what the owners read of it."""
_ACCOUNTS = ("iss-sub", "id_token_claims")
"""How an account is named by its `sub`; the second may add an e-mail address."""
ONE = f"{_TYPES}/oauth/event-type/token-revoked"
PREFIX_CHARS = 16
"""https://developers.google.com/identity/protocols/risc#token_identifiers (read 2026-11-22)"""
Apps = Sequence[tuple[TenantId | None, App]]
Named = Callable[[str], bool]
"""Whether a token is the one that Google names."""


class Alarms:
    """Hears what Google tells."""

    def __init__(self, around: Around, renewal: Renewal) -> None:
        self._g = around
        self._renewal = renewal
        self._keys: dict[str, Any] = {}  # what PyJWT makes of each
        self._got_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def hear(self, name: str, text: str) -> int:
        """End what it tells of; how many connections that were.

        Raises NotFound, Forbidden for what Google did not sign for us, VendorUnknown without keys.
        """
        if name != NAME:
            raise NotFound("This service does not tell us so.")
        await at_hand("jwt")
        claims, apps = await self._claims(text)
        at, events = claims.get("iat"), claims.get("events")
        if not isinstance(at, int | float) or isinstance(at, bool) or not isinstance(events, dict):
            raise Forbidden("This tells of nothing.")
        until = datetime.fromtimestamp(int(at) + 1, UTC)  # it is told in whole seconds
        count = 0
        for kind, told in events.items():
            if kind in ENDS:
                for item in await self._meant(told, apps):
                    if item.connected_at < until:
                        count += await self._end(item, ENDS[kind])
            elif kind == ONE:
                count += await self._end_of_token(told, apps)
        return count

    async def _claims(self, text: str) -> tuple[Mapping[str, Json], Apps]:
        """What it says, and the apps of ours that it is for. Raises Forbidden, VendorUnknown."""
        wrong = Forbidden("This is not signed by Google for an app of ours.")
        apps = await self._g.apps.everywhere(load(NAME))
        try:
            if len(text) > MAX_TOKEN or not apps:
                raise wrong
            head = jwt.get_unverified_header(text)
            key = await self._key(str(head.get("kid")), apps[0][1])
            if key is None or head.get("alg") != "RS256":
                raise wrong
            options = {"require": ["iss", "aud"], "verify_exp": False, "verify_iat": False}
            ours = sorted({app.id for _, app in apps})
            claims = jwt.decode(text, key, ["RS256"], options=options, audience=ours)  # type: ignore[arg-type]
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise wrong from None
        if str(claims["iss"]).rstrip("/") != ISSUER:
            raise wrong
        named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        return claims, [(tenant, app) for tenant, app in apps if app.id in named]

    async def _key(self, kid: str, app: App) -> Any:
        """One of Google's keys; None for one that it does not publish. Raises VendorUnknown."""
        if not self._is_due(kid):
            return self._keys.get(kid)
        async with self._asking:  # anybody may post here: however many do, Google is asked once
            now = self._g.clock.monotonic()
            if self._is_due(kid):
                if now - self._asked_at < PAUSE_S:
                    raise VendorUnknown("Google's keys cannot be had.")
                self._asked_at = now
                self._keys, self._got_at = await self._published(app), now
        return self._keys.get(kid)

    def _is_due(self, kid: str) -> bool:
        limit = FRESH_S if kid in self._keys else AGAIN_S
        return self._g.clock.monotonic() - self._got_at > limit

    async def _published(self, app: App) -> dict[str, Any]:
        address = (await self._told(CONFIGURATION, app)).get("jwks_uri")
        parts = urlsplit(str(address))
        if parts.scheme != "https" or parts.netloc not in HOSTS:
            raise VendorUnknown("Google's keys lie elsewhere.")
        listed = (await self._told(str(address), app)).get("keys")
        found: dict[str, Any] = {}
        for each in listed[:MAX_KEYS] if isinstance(listed, list) else []:
            try:
                found[str(each["kid"])] = jwt.PyJWK({**each, "alg": "RS256"}).key
            except (jwt.PyJWTError, LookupError, TypeError, ValueError):
                continue
        return found

    async def _told(self, address: str, app: App) -> Mapping[str, Json]:
        wire = self._g.wire(load(NAME), app)
        page = await self._g.fetcher.fetch(wire.at(address), max_bytes=200_000)
        try:
            found = json.loads(page.body) if page.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise VendorUnknown("Google's keys cannot be had.")
        return found

    async def _meant(self, told: Json, apps: Apps) -> list[Connection]:
        """The connections of the account that is named, by the apps that are told."""
        subject = told.get("subject") if isinstance(told, dict) else None
        if not isinstance(subject, dict) or subject.get("subject_type") not in _ACCOUNTS:
            return []
        found = await self._g.db.read(rows.of_account(NAME, str(subject.get("sub"))))
        return [item for item in found if _is_by(item, apps)]

    async def _end_of_token(self, told: Json, apps: Apps) -> int:
        """End the connection that keeps the token which is named; how many that were."""
        subject = told.get("subject") if isinstance(told, dict) else None
        named = _named(subject) if isinstance(subject, dict) else None
        if named is None:
            return 0
        count = 0
        for item in await self._g.db.read(rows.of_provider(NAME)):
            if _is_by(item, apps):
                count += await self._end(item, ENDS[ALL], named)
        return count

    async def _keeps(self, item: Connection, named: Named) -> bool:
        """Whether its refresh token is the one that is named."""
        try:
            kept = (await self._g.open(item)).refresh.reveal()
        except (ConnectionBroken, OperatorError):  # it has none, or none that can be read
            return False
        return bool(kept) and named(kept)

    async def _end(self, item: Connection, why: str, named: Named | None = None) -> bool:
        """Break it, and forget its tokens. False where it was so, or keeps another token."""
        while item.status != "broken":
            if named and not await self._keeps(item, named):
                return False
            none = await self._g.seal(item, Tokens(access=Secret(""), refresh=Secret("")))
            try:
                await self._renewal.broken(item, why, none)
            except Reconnect:
                return True
            except NotFound:  # it was renewed in this moment, or let go of
                now = await self._g.db.read(rows.of(item.tenant, item.id))
                if now is None:
                    return False
                item = now
        return False


def _is_by(item: Connection, apps: Apps) -> bool:
    """Whether it was connected by one of these apps."""
    return any(item.client == app.id and whose in (None, item.tenant) for whose, app in apps)


def _named(subject: Mapping[str, Json]) -> Named | None:
    """How the token is told that Google means; None where it does not say so as documented."""
    told = subject.get("token")
    if subject.get("token_type") != "refresh_token" or not isinstance(told, str):
        return None
    match subject.get("token_identifier_alg"):
        case "prefix" if len(told) == PREFIX_CHARS:
            return lambda token: token[:PREFIX_CHARS] == told
        case "hash_base64_sha512_sha512":
            return lambda token: _twice_hashed(token) == _bytes(told)
    return None


def _twice_hashed(token: str) -> bytes:
    return hashlib.sha512(hashlib.sha512(token.encode()).digest()).digest()


def _bytes(text: str) -> bytes:
    """Base64 in either alphabet, with or without its padding."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
