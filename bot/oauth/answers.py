"""What the answers of Google and Microsoft mean for a tool that acts by a connected account.

https://developers.google.com/workspace/gmail/api/guides/handle-errors
https://learn.microsoft.com/graph/errors (read 2026-11-21)

    happened for sure      an answer in full
    surely did not         NotFound, Taken, VendorRefused, OperatorError
    nobody knows           VendorUnknown: 5xx, no answer, one that cannot be read, a redirect

Words of their answers reach nobody: they may quote other people. A reason is one word.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.oauth.accounts import USUAL_BYTES, Client

PAUSE_S, MOST_PAUSE_S = 30.0, 3_600.0
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_SCOPE = frozenset({"", "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_SCOPE |= frozenset({"ErrorAccessDenied", "Authorization_RequestDenied"})
"""Words for what another consent mends."""
_WORD = re.compile(r"[A-Za-z_]{1,60}")


class Taken(Conflict):
    """There is something of this id already."""


class Vendor:
    """One connected account of Google or Microsoft, asked once and answered once."""

    def __init__(self, client: Client, title: str, needs: Sequence[str]) -> None:
        self.client, self.title, self._needs = client, title, needs

    async def ask(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Ask; the object that is answered, empty where nothing is."""
        page = await self.page(method, where, query=query, body=body, headers=headers)
        return {} if page.status in (202, 204) else self.read(page)

    async def page(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = USUAL_BYTES,
    ) -> Page:
        """Ask; an answer that is a success, as it came."""
        try:
            page = await self.client.call(
                method, where, query=query, body=body, headers=headers, max_bytes=max_bytes
            )
        except Invalid as error:  # the address is ours, so it is the answer that cannot be read
            raise VendorUnknown(f"{self.title}'s answer cannot be read: {error.message}") from None
        if 200 <= page.status < 300:
            return page
        raise self.error(page)

    def read(self, page: Page) -> Mapping[str, Any]:
        """The object that a page holds. Raises VendorUnknown."""
        try:
            told = json.loads(page.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise VendorUnknown(f"{self.title}'s answer broke off or could not be read.")
        return told

    def error(self, page: Page) -> Exception:
        """What an answer that is no success means."""
        status, reason = page.status, reason_of(page.body)
        if status == 429 or (status == 403 and reason in _RATE):
            return VendorRefused(f"{self.title} asks for a pause.", retry_after_s=_pause(page))
        if status == 401:
            return self._reconnect(f"{self.title} does not take our access any more.")
        if status == 403 and reason in _OFF:
            return OperatorError(
                f"{self.title} is switched off for our app. Enable it in the Google Cloud console."
            )
        if status == 403 and reason in _SCOPE:
            return self._reconnect(f"{self.title} was not allowed to do this for us.")
        if status == 403:
            return Forbidden(f"{self.title} does not let this account do that ({reason}).")
        if status in (404, 410):
            return NotFound(f"{self.title} has nothing of this id in this account.")
        if status == 409:
            return Taken()
        if 400 <= status < 500:
            return VendorRefused(f"{self.title} refused it{f' ({reason})' if reason else ''}.")
        return VendorUnknown(f"{self.title} answered with status {status}.")

    def _reconnect(self, words: str) -> OperatorError:
        return OperatorError(self.client.again(words, self._needs).message)


def reason_of(body: bytes) -> str:
    """The one word that says why; empty where there is none."""
    try:
        error = json.loads(body)["error"]
        reason = error["errors"][0]["reason"] if "errors" in error else error["code"]
    except (ValueError, LookupError, TypeError):
        return ""
    return reason if isinstance(reason, str) and _WORD.fullmatch(reason) else ""


def _pause(page: Page) -> float:
    told = page.headers.get("retry-after", "")
    return min(float(told), MOST_PAUSE_S) if told.isdecimal() else PAUSE_S
