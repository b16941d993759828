"""Google's calendar as the tools ask it: one request, one answer or one error that says what to do.

https://developers.google.com/workspace/calendar/api/guides/errors (read 2026-11-21)

    happened for sure      an answer in full
    surely did not         NotFound, Gone, Taken, Changed, VendorRefused, OperatorError
    nobody knows           VendorUnknown: 5xx, no answer, one that cannot be read, a redirect

Words of Google's answers reach nobody: they may quote other people. A reason is one word.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from bot.core.canonical import Json
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Forbidden,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.core.tool import ToolContext
from bot.oauth.accounts import Accounts, Client
from tools.calendar._event import Event

READ = ("https://www.googleapis.com/auth/calendar.readonly",)
WRITE = ("https://www.googleapis.com/auth/calendar.events", *READ)
BASE = "/calendar/v3"
PAUSE_S, MOST_PAUSE_S = 30.0, 3_600.0
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_WORD = re.compile(r"[A-Za-z_]{1,60}")
M = TypeVar("M", bound=BaseModel)


class Gone(NotFound):
    """This event is not in the calendar any more."""


class Taken(Conflict):
    """There is an event of this id already."""


class Changed(Conflict):
    """Somebody has changed this event since you were asked. Look it up and ask for it again."""


class Google:
    """One connected account."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.account = client.account
        self.name = client.name

    async def event(self, calendar: str, id_: str) -> Event:
        """One event, also one that was cancelled. Raises NotFound."""
        return read(Event, await self.ask("GET", path_of(calendar, id_)))

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        etag: str = "",
    ) -> Mapping[str, Json]:
        """Ask once; `etag`: only while the event is still that one."""
        headers = {"If-Match": etag} if etag else None
        page = await self._client.call(
            method, f"{BASE}/{path}", query=query, body=body, headers=headers
        )
        if page.status == 204:
            return {}
        if 200 <= page.status < 300:
            return _object(page)
        raise _error(page)


async def opened(ctx: ToolContext, needs: tuple[str, ...], account: str = "") -> Google:
    """The account that is connected; `account`: the one that was shown on the card.

    Raises OperatorError, with the link that connects one, and Conflict.
    """
    if not isinstance(ctx.settings, Accounts):
        raise OperatorError("This house connects no calendars.")
    try:
        client = await ctx.settings.client(ctx.tenant, "google", ctx.agent, needs)
    except ConnectionBroken as error:  # told to the owners where it is told at all
        raise OperatorError(error.message) from None
    if account and client.account != account:
        raise Conflict("Another Google account is connected now. Ask for it again.")
    return Google(client)


def path_of(calendar: str, id_: str = "") -> str:
    """The path of a calendar's events, or of one."""
    events = f"calendars/{quote(calendar, safe='')}/events"
    return f"{events}/{quote(id_, safe='')}" if id_ else events


def read(kind: type[M], told: object) -> M:
    """An answer as one of our shapes. Raises VendorUnknown."""
    try:
        return kind.model_validate(told)
    except ValidationError:
        raise VendorUnknown("Google's answer could not be understood.") from None


def _object(page: Page) -> Mapping[str, Json]:
    try:
        told = json.loads(page.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise VendorUnknown("Google's answer broke off or could not be read.")
    return told


def _error(page: Page) -> Exception:
    """What a status means."""
    status, reason = page.status, _reason(page.body)
    if status == 429 or (status == 403 and reason in _RATE):
        return VendorRefused("Google asks for a pause.", retry_after_s=_pause(page))
    if status in (401, 403):
        return _forbidden(status, reason)
    known = {404: NotFound, 409: Taken, 410: Gone, 412: Changed}
    if status == 404:
        return NotFound("Google has no such event or calendar in this account.")
    if kind := known.get(status):
        return kind()
    if 400 <= status < 500:
        return VendorRefused(f"Google refused it{f' ({reason})' if reason else ''}.")
    return VendorUnknown(f"Google answered with status {status}.")


def _forbidden(status: int, reason: str) -> Exception:
    if status == 401:
        return OperatorError(
            "Google does not take our access any more. An owner connects the account again, on the "
            "page of connections."
        )
    if reason in _SCOPE:
        return OperatorError(
            "Google was not allowed to do this in the calendar. An owner connects the account "
            "again, on the page of connections, and ticks the calendar."
        )
    if reason in _OFF:
        return OperatorError(
            "The Google Calendar API is switched off in our project. Enable it in the Google Cloud "
            "console, under APIs & Services."
        )
    about = f" ({reason})" if reason else ""
    return Forbidden(f"This account may not do that in this calendar{about}.")


def _reason(body: bytes) -> str:
    """Google's one word for why; empty where it gives none."""
    try:
        error = json.loads(body)["error"]
        word = (error.get("errors") or error.get("details"))[0]["reason"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return word if isinstance(word, str) and _WORD.fullmatch(word) else ""


def _pause(page: Page) -> float:
    told = page.headers.get("retry-after", "")
    return min(max(float(told), 1.0), MOST_PAUSE_S) if told.isdecimal() else PAUSE_S
