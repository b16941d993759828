"""Meta's networks as their tools speak to them: what their refusals mean, and lists in parts.

https://developers.facebook.com/docs/graph-api/guides/error-handling and
https://developers.facebook.com/docs/graph-api/results (read 2026-11-21). Meta says nearly every no
with the status 400, so its own number decides. Numbers of 80000 and more are the limits of
https://developers.facebook.com/docs/graph-api/overview/rate-limiting (read 2026-11-21).
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Page
from tools.social._account import NO_TIME_S, Account, Gone, Service, Told, too_many

GRAPH = "/v23.0"
"""The version of the Graph that the records of Facebook and Instagram name."""
MOST_PAGES = 5
_DEAD = (102, 190)
_NOT_ALLOWED = (3, 10, *range(200, 300))
_BUSY = (4, 17, 32, 341, 613, *range(80_000, 80_015))
_UNCLEAR = (1, 2)
"""Its own trouble: whether anything was done is not said."""
_GONE = (100, 33)
_TWICE = ((506, 0), (100, 1366051))
"""The same text again; photos that stand in a post already."""
_TOO_FAST = 1390008
_USED_UP = 2207042
_ALSO = {
    1404078: "Facebook wants the Page's publishing authorization finished first.",
    4854002: "Facebook wants the identity of this account confirmed first.",
    2207003: "It could not fetch the picture or film in time.",
    2207052: "It could not fetch the picture or film from its address.",
    2207050: "This account is restricted.",
    2207051: "It takes this for spam.",
}
"""Subcodes whose own words help nobody (met in practice, 2026-08-21)."""


class Twice(VendorRefused):
    """It says that this was posted already."""


def service(name: str, title: str) -> Service:
    """One of Meta's networks."""

    def meaning(page: Page, told: Told) -> BotError | None:
        return _meaning(title, page, told)

    return Service(
        name=name, title=title, reason=_reason, meaning=meaning, wait=lambda page, _: _wait(page)
    )


def _error(told: Told) -> Mapping[str, Any]:
    error = told.get("error")
    return error if isinstance(error, dict) else {}


def _number(error: Mapping[str, Any], name: str) -> int:
    value = error.get(name)
    return value if isinstance(value, int) else 0


def _reason(told: Told) -> str:
    error = _error(told)
    also = _ALSO.get(_number(error, "error_subcode"), "")
    words = str(error.get("error_user_msg") or error.get("message") or "")
    return " ".join(filter(None, (also, words)))


def _meaning(title: str, page: Page, told: Told) -> BotError | None:
    error = _error(told)
    code, sub = _number(error, "code"), _number(error, "error_subcode")
    if not code or page.status >= 500:
        return None
    if code in _DEAD:
        return ConnectionBroken(
            f"{title} does not take this connection any more. An owner connects it again on the "
            "page of connections."
        )
    if sub == _USED_UP:
        return VendorRefused(f"{title} takes no more posts from this account today.")
    if code in _BUSY or sub == _TOO_FAST:
        return too_many(title, _wait(page))
    if (code, sub) == _GONE:
        return Gone(f"{title} has nothing there.")
    if (code, 0) in _TWICE or (code, sub) in _TWICE:
        return Twice(f"{title} says that this was posted already.")
    if code in _NOT_ALLOWED:
        return VendorRefused(f"{title} does not allow this: {_reason(told)[:200]}")
    if code in _UNCLEAR and page.status != 413:
        return VendorUnknown(f"{title} has trouble of its own ({code}).")
    return None


def _wait(page: Page) -> float:
    """In how many seconds it takes calls again: minutes in a header, if it says so at all."""
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        told = json.loads(page.headers.get("x-business-use-case-usage", "{}"))
        minutes = max(
            float(each.get("estimated_time_to_regain_access", 0))
            for usages in told.values()
            for each in usages
        )
        if minutes > 0:
            return minutes * 60
    said = page.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else NO_TIME_S


async def listed(
    account: Account, where: str, query: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    """The items of a list, part after part. Raises VendorUnknown when they are too many to say."""
    asked = dict(query)
    for _ in range(MOST_PAGES):
        answer = await account.call("GET", where, query=asked)
        for item in items_of(answer):
            yield item
        told = answer.get("paging")
        paging = told if isinstance(told, dict) else {}
        if not paging.get("next"):
            return
        cursors = paging.get("cursors")
        after = cursors.get("after") if isinstance(cursors, dict) else None
        if not isinstance(after, str) or not after:
            break
        asked["after"] = after
    raise VendorUnknown("There is more than is looked through.")


def items_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One part of a list. Raises VendorUnknown when it is none."""
    found = answer.get("data")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise VendorUnknown("The list cannot be read.")
    return found


def id_of(answer: Mapping[str, Any], what: str) -> str:
    """The id that something new was given. Raises VendorUnknown when there is none."""
    found = str(answer.get("id", ""))
    if not found.replace("_", "").isdecimal():
        raise VendorUnknown(f"It was not said which {what} was made.")
    return found
