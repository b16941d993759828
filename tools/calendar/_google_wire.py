"""Google's calendar as it is asked: one request, one answer or one error that says what to do.

https://developers.google.com/workspace/calendar/api/guides/errors (read 2026-11-21)
Words of Google's answers reach nobody: they may quote other people. A reason is one word.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from bot.core.canonical import Json
from bot.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.oauth.accounts import Client
from tools.calendar._book import Changed, Gone
from tools.calendar._wire import content, pause_s

BASE = "/calendar/v3"
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_WORD = re.compile(r"[A-Za-z_]{1,60}")


class Taken(Conflict):
    """There is an event of this id already."""


async def ask(
    client: Client,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Json] | None = None,
    etag: str = "",
) -> Mapping[str, Json]:
    """Ask once; `etag`: only while the event is still that one."""
    headers = {"If-Match": etag} if etag else None
    page = await client.call(method, f"{BASE}/{path}", query=query, body=body, headers=headers)
    if page.status == 204:
        return {}
    if 200 <= page.status < 300:
        return content(page, "Google")
    raise _error(page)


def path_of(calendar: str, id_: str = "") -> str:
    """The path of a calendar's events, or of one."""
    events = f"calendars/{quote(calendar, safe='')}/events"
    return f"{events}/{quote(id_, safe='')}" if id_ else events


def _error(page: Page) -> Exception:
    """What a status means."""
    status, reason = page.status, _reason(page.body)
    if status == 429 or (status == 403 and reason in _RATE):
        return VendorRefused("Google asks for a pause.", retry_after_s=pause_s(page))
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
