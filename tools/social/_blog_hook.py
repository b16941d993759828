"""The blog by webhook: a post is sent signed, and again with its key while that is known there.

https://www.standardwebhooks.com (read 2026-08-21). The key is the message's `webhook-id`, by which
a receiver drops what it has seen. What an answer means, by https://www.rfc-editor.org/rfc/rfc9110
(sections 15.4 and 10.2.3, read 2026-11-22):

    2xx                             published
    301, 307, 308                   refused: it is taken elsewhere, and posts are sent nowhere else
    302, 303 and other 3xx          open: many programs publish, then redirect to what they made
    429, 503 that names a time      not now: sent again when that is over
    other 4xx                       refused
    other 5xx, no answer            open
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime

from bot.core.effect import EffectState, Outcome
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.ports import Clock, Page
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._blog_settings import fetcher_of
from tools.social._signed import headers_of

KEY_KNOWN = timedelta(hours=24)
"""How long a receiver is trusted to remember a `webhook-id`; later a person is asked."""
PAUSE_S, MOST_PAUSE_S = 60.0, 3_600.0
"""How long a receiver is left alone that does not say, and at most."""
MOVED = frozenset({301, 307, 308})


REFUSED = "The blog's webhook refused it with status {}; nothing was published."
ELSEWHERE = " It redirects, which is not followed: [blog] webhook_url is to be where it leads."


@frozen
class Webhook:
    """Where a post is sent to, and what it is signed with."""

    url: str
    secret: Secret


@frozen
class Told:
    """What is sent."""

    title: str
    text: str
    tags: Sequence[str]


async def send(ctx: ToolContext, target: Webhook, told: Told) -> Outcome:
    """Send the post to the webhook, signed; the same key makes the same message.

    Raises VendorRefused where nothing was published, VendorUnknown where it may have been.
    """
    data = {"title": told.title, "text": told.text, "tags": list(told.tags)}
    body = json.dumps({"type": "post.published", "data": data}, ensure_ascii=False).encode()
    at = int(ctx.clock.now().timestamp())
    headers = headers_of(target.secret, ctx.key, at, body)
    page = await fetcher_of(ctx).fetch(
        target.url,
        method="POST",
        headers={"content-type": "application/json", **headers},
        body=body,
        max_bytes=65_536,
    )
    if 200 <= page.status < 300:
        return Outcome(
            state=EffectState.SENT,
            vendor_ref=ctx.key,
            url=_url(page),
            data="The blog has taken it.",
        )
    status, asked = page.status, "retry-after" in page.headers
    if status == 429 or (status == 503 and asked):
        raise VendorRefused(REFUSED.format(status), retry_after_s=_pause_s(page, ctx.clock))
    if status in MOVED or 400 <= status < 500:
        raise VendorRefused(REFUSED.format(status) + (ELSEWHERE if status in MOVED else ""))
    raise VendorUnknown(
        f"The blog's webhook answered {status}." + (ELSEWHERE if status < 400 else "")
    )


def _pause_s(page: Page, clock: Clock) -> float:
    """How long the receiver asks to be let alone; it names seconds, or a date."""
    told = page.headers.get("retry-after", "")
    try:
        wait_s = float(told) if told.isdecimal() else _until_s(told, clock)
    except (ValueError, TypeError, OverflowError):
        return PAUSE_S
    return min(max(wait_s, 1.0), MOST_PAUSE_S)


def _until_s(date: str, clock: Clock) -> float:
    """Raises ValueError, TypeError for what is no date of HTTP."""
    return (parsedate_to_datetime(date) - clock.now()).total_seconds()


def _url(page: Page) -> str:
    """The post's address, when the receiver's answer names one."""
    try:
        answer = json.loads(page.body)
    except ValueError:
        return ""
    url = answer.get("url") if isinstance(answer, dict) else None
    fits = isinstance(url, str) and len(url) < 2048 and re.fullmatch(r"https?://[!-~]+", url)
    return str(url) if fits else ""
