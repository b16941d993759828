"""The blog by webhook: a post is sent signed, and again with its key while that is known there.

https://www.standardwebhooks.com (read 2026-08-21). The key is the message's `webhook-id`, by which
a receiver drops what it has seen.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from bot.core.effect import EffectState, Outcome
from bot.core.errors import VendorUnknown
from bot.core.ports import Page
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._blog_settings import fetcher_of
from tools.social._signed import headers_of

KEY_KNOWN = timedelta(hours=24)
"""How long a receiver is trusted to remember a `webhook-id`; later a person is asked."""


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
    """Send the post to the webhook, signed; the same key makes the same message."""
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
    if page.status == 429:
        return _refused(page.status, retry_after_s=60)
    if 300 <= page.status < 500:
        return _refused(page.status)
    raise VendorUnknown(f"The blog's webhook answered {page.status}.")


def _refused(status: int, retry_after_s: float | None = None) -> Outcome:
    error = f"The blog's webhook refused it with status {status}; nothing was published."
    return Outcome(state=EffectState.FAILED, error=error, retry_after_s=retry_after_s)


def _url(page: Page) -> str:
    """The post's address, when the receiver's answer names one."""
    try:
        answer = json.loads(page.body)
    except ValueError:
        return ""
    url = answer.get("url") if isinstance(answer, dict) else None
    fits = isinstance(url, str) and len(url) < 2048 and re.fullmatch(r"https?://[!-~]+", url)
    return str(url) if fits else ""
