"""Microsoft Graph in one app's name: its token, its mailboxes, and Microsoft's errors as ours.

https://learn.microsoft.com/graph/api/resources/mail-api-overview and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
(read 2026-11-21)
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.lent import Lent
from channels.email.calls import Answer, Calls
from channels.email.mime import MAX_MAIL
from channels.email.settings import Settings

HOME: Final = "https://graph.microsoft.com"
LOGIN: Final = "https://login.microsoftonline.com"
SCOPE: Final = "https://graph.microsoft.com/.default"
EARLY_S: Final = 300.0
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
STEADY: Final = {"Prefer": 'IdType="ImmutableId"'}
"""Ids that stay when a mail moves. https://learn.microsoft.com/graph/outlook-immutable-id"""


class Graph:
    """Calls, with a token."""

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = lent.clock
        self._calls = Calls(lent.endpoints.get("graph", "") or HOME)
        self._base = f"{self._calls.base}/v1.0"
        self._login = Calls(lent.endpoints.get("microsoft", "") or LOGIN)
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
        return answer

    async def token(self) -> str:
        """The app's token. Raises ConnectionBroken, VendorRefused while it cannot be had."""
        async with self._lock:
            if self._clock.monotonic() >= self._until:
                self._token, lasts_s = await self._new_token()
                self._until = self._clock.monotonic() + max(0.0, lasts_s - EARLY_S)
            return self._token

    async def _new_token(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.ms_client_id,
            "client_secret": self._settings.ms_client_secret.get_secret_value(),
            "scope": SCOPE,
        }
        path = f"/{quote(self._settings.ms_tenant_id)}/oauth2/v2.0/token"
        try:
            answer = await self._login.ask(
                "POST", path, headers=FORM, content=urlencode(form).encode()
            )
        except VendorUnknown as error:  # a token that is lost does no harm
            raise VendorRefused("Microsoft gave no token.", retry_after_s=2.0) from error
        token, lasts_s = answer.said.get("access_token"), answer.said.get("expires_in")
        if answer.status == 200 and isinstance(token, str) and isinstance(lasts_s, int | float):
            return token, float(lasts_s)
        if answer.status in (400, 401):
            raise ConnectionBroken(
                "Microsoft does not take ms_tenant_id, ms_client_id and ms_client_secret. Make a "
                "new secret under App registrations, the app, Certificates & secrets at "
                "entra.microsoft.com and set it in [channels.email]."
            )
        raise VendorRefused("Microsoft gave no token.", retry_after_s=answer.wait_s)


def words_of(answer: Answer) -> tuple[str, str]:
    """The code and the words of an error."""
    error = answer.said.get("error")
    found = error if isinstance(error, dict) else {}
    return str(found.get("code", "")), str(found.get("message", ""))[:200]
