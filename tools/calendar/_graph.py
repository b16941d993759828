"""Outlook's calendar as it is asked on Microsoft Graph: one request, one answer or one error.

https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/graph/throttling (read
2026-11-21). Words of Graph's answers reach nobody: they may quote other people. A code is one word.
Ids are asked for that stay when an event moves, and times in UTC.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from bot.core.canonical import Json
from bot.core.errors import (
    BotError,
    Forbidden,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.oauth.accounts import Client
from tools.calendar._book import OWN, Changed, Gone
from tools.calendar._wire import content, pause_s

BASE = "/v1.0"
_PREFER = 'IdType="ImmutableId", outlook.timezone="UTC", odata.maxpagesize=100'
"""The size is that of a page of changes, which takes no `$top`."""
_NO_MAILBOX = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"})
_DENIED = frozenset({"", "ErrorAccessDenied", "Authorization_RequestDenied"})
"""Words both for what was not granted and for what somebody else's calendar does not allow."""
_CONSENT = (
    " If it is the account's own, an owner connects the account again, on the page of connections."
)
_WORD = re.compile(r"[A-Za-z_.]{1,80}")


async def ask(
    client: Client,
    method: str,
    where: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Json] | None = None,
    etag: str = "",
) -> Mapping[str, Json]:
    """Ask once. `where`: a path, or a link to more; `etag`: only while the event is that one."""
    headers = {"Prefer": _PREFER, **({"If-Match": etag} if etag else {})}
    if not where.startswith("https://"):
        where = f"{BASE}/{where}"
    page = await client.call(method, where, query=query, body=body, headers=headers)
    if page.status in (202, 204):
        return {}
    if 200 <= page.status < 300:
        return content(page, "Microsoft")
    raise _error(page)


def path_of(id_: str) -> str:
    """The path of an event, whichever calendar it stands in."""
    return f"me/events/{quote(id_, safe='')}"


def calendar_path(calendar: str) -> str:
    """The path of a calendar."""
    return "me/calendar" if calendar == OWN else f"me/calendars/{quote(calendar, safe='')}"


class Repeated(VendorRefused):
    """Microsoft has made this event already."""


def _error(page: Page) -> Exception:
    """What a status means."""
    status, code = page.status, _code(page.body)
    if code in _NO_MAILBOX:
        return OperatorError("This Microsoft account has no mailbox in the cloud, so no calendar.")
    if status == 429 or (status == 503 and "retry-after" in page.headers):
        return VendorRefused("Microsoft asks for a pause.", retry_after_s=pause_s(page))
    if status == 401:
        return OperatorError(
            "Microsoft does not take our access any more. An owner connects the account again, on "
            "the page of connections."
        )
    if status == 403:
        about = f" ({code})" if code else ""
        mend = _CONSENT if code in _DENIED else ""
        return Forbidden(f"This account may not do that in this calendar{about}.{mend}")
    if status == 404:
        return NotFound("Outlook has no such event or calendar in this account.")
    known: dict[int, type[BotError]] = {409: Repeated, 410: Gone, 412: Changed}
    if kind := known.get(status):
        return kind()
    if 400 <= status < 500:
        return VendorRefused(f"Microsoft refused it{f' ({code})' if code else ''}.")
    return VendorUnknown(f"Microsoft answered with status {status}.")


def _code(body: bytes) -> str:
    """Graph's one word for why; empty where it gives none."""
    try:
        word = json.loads(body)["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return ""
    return word if isinstance(word, str) and _WORD.fullmatch(word) else ""
