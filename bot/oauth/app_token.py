"""A token of an app's own at Microsoft, where nobody signs in: by Microsoft's own package.

The package waits for its answers, so it works in a thread; what it asks goes by the caller's HTTP,
whose addresses, limits of time and errors are the house's.
https://learn.microsoft.com/entra/msal/python and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
(read 2026-11-22)
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlencode

from bot.core.errors import ConnectionBroken, VendorRefused
from bot.extras import install
from bot.frozen import frozen

LOGIN: Final = "https://login.microsoftonline.com"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSED: Final = frozenset(
    {"invalid_client", "invalid_request", "unauthorized_client", "invalid_tenant", "invalid_grant"}
)


@frozen
class Said:
    """An answer, as the package reads it."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Raises VendorRefused: there is no token in it."""
        raise VendorRefused("Microsoft gave no token.", retry_after_s=2.0)


Ask = Callable[[str, str, Mapping[str, str], bytes | None], Coroutine[None, None, Said]]
"""Method, path below the sign-in address, headers and body. May raise VendorError."""


class AppToken:
    """Asks for the token of one app in one organisation."""

    def __init__(self, tenant: str, client: str, secret: str, ask: Ask) -> None:
        self._tenant, self._client, self._secret, self._ask = tenant, client, secret, ask
        self._app: Any = None

    async def new(self, scope: str) -> tuple[str, float] | None:
        """A token and how many seconds it lasts; None where Microsoft does not know the app.

        Raises VendorError while none can be had, ConnectionBroken where the package is missing.
        """
        return await asyncio.to_thread(self._new, scope, asyncio.get_running_loop())

    def _new(self, scope: str, loop: asyncio.AbstractEventLoop) -> tuple[str, float] | None:
        try:
            self._app = self._app or self._made(_Road(self._ask, loop))
            self._app.remove_tokens_for_client()  # whoever asks had one, and it is no good any more
            told = self._app.acquire_token_for_client([scope])
        except ValueError:  # what Microsoft says of an organisation that is not there
            return None
        except (KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise VendorRefused("Microsoft gave no token.", retry_after_s=2.0) from error
        token, lasts_s = told.get("access_token"), told.get("expires_in")
        if isinstance(token, str) and isinstance(lasts_s, int | float):
            return token, float(lasts_s)
        if told.get("error") in REFUSED:
            return None
        raise VendorRefused("Microsoft gave no token.", retry_after_s=2.0)

    def _made(self, road: "_Road") -> Any:
        try:
            msal = import_module("msal")
        except ImportError as error:
            raise ConnectionBroken(
                f"Microsoft 365 needs a package that is not here: {install('microsoft')}"
            ) from error
        return msal.ConfidentialClientApplication(
            self._client,
            client_credential=self._secret,
            authority=f"{LOGIN}/{self._tenant}",
            instance_discovery=False,  # nobody but Microsoft is asked who Microsoft is
            http_client=road,
        )


class _Road:
    """What the package sends its requests with, from its thread."""

    def __init__(self, ask: Ask, loop: asyncio.AbstractEventLoop) -> None:
        self._ask, self._loop = ask, loop

    def get(self, url: str, params: Any = None, headers: Any = None, **_: object) -> Said:
        return self._go("GET", url + (f"?{urlencode(params)}" if params else ""), headers, None)

    def post(
        self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: object
    ) -> Said:
        body = urlencode(data or {}).encode()
        url += f"?{urlencode(params)}" if params else ""
        return self._go("POST", url, {**FORM, **(headers or {})}, body)

    def close(self) -> None:
        """Nothing is kept open."""

    def _go(self, method: str, url: str, headers: Any, body: bytes | None) -> Said:
        if not url.startswith(f"{LOGIN}/"):
            raise VendorRefused("Microsoft points to an address that is not its own.")
        asking = self._ask(method, url.removeprefix(LOGIN), headers or {}, body)
        said = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        if said.status_code >= 500 or not _is_object(said.text):
            said.raise_for_status()  # the package would take it for a word on the app
        return said


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
