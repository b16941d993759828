"""The HTTP of Twilio's package by the house's rules: one account's addresses, a limit of time, and
at once an error that says whether something may have been done.

The package logs the numbers of those who are texted, waits for ever, and drops how long Twilio asks
to be left alone; so its log is silent here, and errors are made before it sees them.
https://www.twilio.com/docs/libraries/reference/twilio-python (read 2026-11-22)
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response

from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.platforms.texting import OptedOut

TIMEOUT_S: Final = 20
AGAIN_S: Final = 2.0
"""When to come again after Twilio could not be reached at all."""
OPTED_OUT: Final = 21610
BUSY: Final = 20429
_REFUSED: Final[Mapping[int, str]] = {
    21211: "This is no number that can be texted.",
    21408: "The account may not text this country. Allow it under Messaging, Geo permissions.",
    21606: "This number of ours cannot send texts.",
    21608: "A trial account texts verified numbers only. Verify this one, or upgrade.",
    21612: "This number cannot be texted from ours.",
    21614: "This is no mobile number.",
    21617: "The text is too long.",
    21659: "The number that should send does not belong to the account.",
    30034: "The number is not registered for texts to the United States (A2P 10DLC).",
}
_SILENT: Final = logging.Logger("twilio", logging.CRITICAL + 1)


def session() -> aiohttp.ClientSession:
    """Connections with a limit of time."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))


class Http(AsyncTwilioHttpClient):  # type: ignore[misc]  # the package has no types
    """Calls of one account; without a `session` each has connections of its own."""

    def __init__(self, account: str, login: Mapping[str, str]) -> None:
        """`account` begins every address that is called; `login` is the header that proves us."""
        AsyncHttpClient.__init__(self, _SILENT, True)  # its own makes a session outside of any loop
        self._account, self._login = account, login
        self.session: aiohttp.ClientSession | None = None

    async def request(self, method: str, url: str, **how: Any) -> Response:
        """One call. Raises VendorRefused, OptedOut, VendorUnknown, ConnectionBroken."""
        if not url.startswith(f"{self._account}/"):
            raise VendorRefused("This address is not the account's at Twilio.")
        if self.session is None:
            once = Http(self._account, self._login)
            async with session() as once.session:
                return await once.request(method, url, **how)
        headers = {**(how.get("headers") or {}), **self._login}
        ours = {"headers": headers, "auth": None, "timeout": TIMEOUT_S}
        try:
            answer = await super().request(method, url, **{**how, **ours})
        except aiohttp.ClientConnectorError as error:
            raise VendorRefused("Twilio cannot be reached.", retry_after_s=AGAIN_S) from error
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise VendorUnknown("Twilio did not answer.") from error
        told = _parsed(answer.text)
        if answer.status_code >= 300:
            code = (told or {}).get("code")
            raise _ours(answer.status_code, code, answer.headers.get("Retry-After", ""))
        if told is None:
            raise VendorUnknown("Twilio's answer broke off.")
        return answer


def _parsed(text: str) -> Mapping[str, Any] | None:
    """The object of an answer, empty where nothing is; None for what cannot be read."""
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _ours(status: int, told: object, after: str) -> BotError:
    """What Twilio said, as one of our errors."""
    code = told if isinstance(told, int) else 0
    if code == OPTED_OUT:
        return OptedOut("They have opted out; nothing may be texted to them.", code=code)
    if status == 429 or code == BUSY:
        wait = float(after) if after.isdecimal() else 1.0
        return VendorRefused("Twilio asks to be left alone for a moment.", retry_after_s=wait)
    if status in (401, 403) and code not in _REFUSED:
        return ConnectionBroken(
            "Twilio does not know these credentials. Give the account_sid and auth_token that "
            "console.twilio.com shows: bot connect sms."
        )
    if status >= 500 or status < 400:
        return VendorUnknown(f"Twilio did not say whether it took it ({status}).")
    what = f"error {code}" if code else f"status {status}"
    return VendorRefused(_REFUSED.get(code, f"Twilio refused it ({what})."), code=code)
