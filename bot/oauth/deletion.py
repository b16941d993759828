"""A vendor tells us that somebody took our app off, or wants their data deleted.

Meta signs it with the app's secret (`signed_request`), and waits for an address and a code; the
page behind it says what became of it for as long as somebody may ask. A request that was cut off is
sent again by the vendor and finds less to do. An account that nobody here connected gets the same
answer. https://developers.facebook.com/docs/development/create-an-app/app-dashboard/
data-deletion-callback (read 2026-11-21).
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

from bot.core.canonical import Json
from bot.core.errors import Forbidden, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.oauth.around import Around
from bot.oauth.ending import Ending
from bot.oauth.provider import App, load
from bot.store import connections as rows
from bot.store import oauth_deletions as book
from bot.store.oauth_deletions import Deletion

FRESH = timedelta(hours=1)
MAX_REQUEST = 10_000
SIGNERS = ("facebook", "instagram", "threads")
"""Who signs so."""


def opened(text: str, secret: Secret, now_s: float) -> Mapping[str, Json]:
    """What a `signed_request` says. Raises Forbidden when it is not signed with this secret now."""
    signature, dot, payload = text.partition(".")
    wrong = Forbidden("This request is not signed by the app it names, or not now.")
    try:
        if not dot or len(text) > MAX_REQUEST or not secret:
            raise wrong
        made = hmac.digest(secret.reveal().encode(), payload.encode(), hashlib.sha256)
        if not hmac.compare_digest(made, _bytes(signature)):
            raise wrong
        told = json.loads(_bytes(payload))
    except (ValueError, binascii.Error, RecursionError):
        raise wrong from None
    if not isinstance(told, dict) or told.get("algorithm") != "HMAC-SHA256":
        raise wrong
    at = told.get("issued_at")
    if at is not None and not (
        isinstance(at, int | float) and abs(now_s - at) <= FRESH.total_seconds()
    ):
        raise wrong
    return told


class Deletions:
    """Answers vendors, and those who ask what became of it."""

    def __init__(self, around: Around, ending: Ending) -> None:
        self._g = around
        self._ending = ending

    async def deauthorised(self, name: str, text: str) -> int:
        """Wipe the connections of an account; returns how many. Raises Forbidden, NotFound."""
        return await self._wipe(name, *await self._meant(name, text))

    async def delete(self, name: str, text: str) -> Mapping[str, Json]:
        """The same, with `{url, confirmation_code}` to ask by. Raises Forbidden, NotFound."""
        account, whose = await self._meant(name, text)
        code = self._g.clock.chance(16).hex()
        now = to_us(self._g.clock.now())
        await self._g.db.write(book.begin(_hash(code), name, now))
        count = await self._wipe(name, account, whose)
        await self._g.db.write(book.done(_hash(code), count, to_us(self._g.clock.now())))
        url = f"{self._g.address()}/oauth/deletion/{code}"
        return {"url": url, "confirmation_code": code}

    async def status(self, code: str) -> Deletion:
        """What became of one. Raises NotFound."""
        found = await self._g.db.read(book.of(_hash(code)))
        if found is None:
            raise NotFound("There is no request with this code. Look whether it is whole.")
        return found

    async def _meant(self, name: str, text: str) -> tuple[str, tuple[TenantId | None, App]]:
        """The account that is meant, and the app that signed. Raises Forbidden, NotFound."""
        if name not in SIGNERS:
            raise NotFound("This service does not tell us so.")
        now = self._g.clock.now().timestamp()
        for tenant, app in await self._g.apps.everywhere(load(name)):
            try:
                told = opened(text, app.secret, now)
            except Forbidden:
                continue
            account = told.get("user_id")
            if not isinstance(account, str | int) or isinstance(account, bool):
                raise Invalid("The request names nobody.")
            return str(account), (tenant, app)
        raise Forbidden("This request is not signed by an app of ours, or not now.")

    async def _wipe(self, name: str, account: str, whose: tuple[TenantId | None, App]) -> int:
        """End the connections that this app made of an account; the vendor knows already."""
        tenant, app = whose
        count = 0
        for item in await self._g.db.read(rows.of_account(name, account)):
            if item.client == app.id and tenant in (None, item.tenant):
                await self._ending.wipe(item, "vendor", "asked for it")
                count += 1
        return count


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
