"""Microsoft Graph in one app's name: its token, its mailboxes, and Microsoft's errors as ours.

https://learn.microsoft.com/graph/api/resources/mail-api-overview and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
(read 2026-11-21)
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.oauth.app_token import LOGIN, AppToken, Said
from bot.platforms.lent import Lent
from channels.email.calls import Answer, Calls
from channels.email.mime import MAX_MAIL
from channels.email.settings import Settings

HOME: Final = "https://graph.microsoft.com"
SCOPE: Final = "https://graph.microsoft.com/.default"
EARLY_S: Final = 300.0
STEADY: Final = {"Prefer": 'IdType="ImmutableId"'}
"""Ids that stay when a mail moves. https://learn.microsoft.com/graph/outlook-immutable-id"""


class Graph:
    """Calls, with a token."""

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._clock: Clock = lent.clock
        self._calls = Calls(lent.endpoints.get("graph", "") or HOME)
        self._base = f"{self._calls.base}/v1.0"
        self._login = Calls(lent.endpoints.get("microsoft", "") or LOGIN)
        secret = settings.ms_client_secret.get_secret_value()
        self._app = AppToken(settings.ms_tenant_id, settings.ms_client_id, secret, self._sign_in)
        self._token, self._until = "", float("-inf")
        self._lock = asyncio.Lock()

    def has(self, path: str) -> bool:
        """Whether it is an address of Graph: a path, or a whole link of its own."""
        return not path.startswith("http") or path.startswith(f"{self._base}/")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        content: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once; `path` begins behind the version, or is a whole link of Graph's own.

        Raises VendorRefused, ConnectionBroken: surely nothing was done; VendorUnknown.
        """
        if not self.has(path):
            raise VendorRefused("This address is not Microsoft Graph's.")
        url = path if path.startswith("http") else self._base + path
        given = {"Authorization": f"Bearer {await self.token()}", **STEADY, **(headers or {})}
        answer = await self._calls.ask(
            method, url, headers=given, content=content, most=2 * MAX_MAIL
        )
        if answer.status == 401:
            self._until = float("-inf")
            raise VendorRefused("Microsoft does not take the token.", retry_after_s=1.0)
        if answer.status == 429:
            raise VendorRefused("Microsoft asks for a pause.", retry_after_s=answer.wait_s)
        if answer.status >= 500:
            raise VendorUnknown("Microsoft Graph did not do what it was asked.")
        if 300 <= answer.status < 400:
            raise VendorUnknown("Microsoft Graph points to another address.")
        return answer

    async def token(self) -> str:
        """The app's token. Raises ConnectionBroken, VendorRefused while it cannot be had."""
        async with self._lock:
            if self._clock.monotonic() >= self._until:
                self._token, lasts_s = await self._new_token()
                self._until = self._clock.monotonic() + max(0.0, lasts_s - EARLY_S)
            return self._token

    async def _new_token(self) -> tuple[str, float]:
        try:
            found = await self._app.new(SCOPE)
        except VendorUnknown as error:  # a token that is lost does no harm
            raise VendorRefused("Microsoft gave no token.", retry_after_s=2.0) from error
        if found is None:
            raise ConnectionBroken(
                "Microsoft does not take ms_tenant_id, ms_client_id and ms_client_secret. Make a "
                "new secret under App registrations, the app, Certificates & secrets at "
                "entra.microsoft.com and set it in [channels.email]."
            )
        return found

    async def _sign_in(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Said:
        """One call of the sign-in address. Raises VendorRefused, VendorUnknown."""
        answer = await self._login.ask(method, path, headers=headers, content=body)
        if answer.status == 429:
            raise VendorRefused("Microsoft asks for a pause.", retry_after_s=answer.wait_s)
        text = answer.body.decode("utf-8", "replace")
        return Said(status_code=answer.status, text=text, headers=dict(answer.headers))


def words_of(answer: Answer) -> tuple[str, str]:
    """The code and the words of an error."""
    error = answer.said.get("error")
    found = error if isinstance(error, dict) else {}
    return str(found.get("code", "")), str(found.get("message", ""))[:200]
