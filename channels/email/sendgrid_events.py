"""What became of mail, as SendGrid tells it: a signed list of events, each written down once.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (read 2026-11-21)
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from aiohttp import web

from bot.core.errors import VendorRefused
from bot.platforms.lent import Lent, News
from channels.email.addresses import address_of
from channels.email.hooks import body_of, noted
from channels.email.sendgrid_in import signed
from channels.email.settings import Settings

PATH: Final = "/webhooks/email/sendgrid-events"
MAX_BODY: Final = 4 * 2**20
MOST: Final = 5000
STATES: Final[Mapping[str, str]] = {
    "processed": "sent",
    "delivered": "delivered",
    "deferred": "delayed",
    "dropped": "failed",
    "bounce": "bounced",
    "spamreport": "complained",
}


class SendGridEvents:
    """The road for events; no mail comes in by it."""

    name = "sendgrid-events"

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._key = settings.sendgrid_events_key
        self._clock, self._book = lent.clock, lent.mailbook

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Its webhook."""
        return (("POST", PATH, self._webhook),)

    async def run(self, take: object) -> None:
        """The webhook does the listening."""

    async def fetch(self, source: str) -> bytes:
        """There is nothing to fetch."""
        raise VendorRefused("No mail comes in by SendGrid's events.")

    async def _webhook(self, request: web.Request) -> web.Response:
        """A list of events. 401 without a good signature; 503 when they are not kept."""
        body = await body_of(request, "application/json", MAX_BODY)
        if isinstance(body, web.Response):
            return body
        if not signed(self._key, request.headers, body, self._clock):
            return web.Response(status=401)
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return web.Response(status=400)
        if not isinstance(found, list):
            return web.Response(status=400)
        news = [made for each in found[:MOST] if (made := news_of(each))]
        return await noted(self._book, news)


def news_of(event: object) -> News | None:
    """What one event says; None where it says nothing of a mail's way."""
    if not isinstance(event, Mapping):
        return None
    kind, id_ = str(event.get("event", "")), str(event.get("sg_event_id", ""))
    state, address = STATES.get(kind, ""), address_of(str(event.get("email", "")))
    if not state or not id_ or not address:
        return None
    if state == "bounced" and event.get("type") == "blocked":
        state = "delayed"  # a passing refusal
    key = event.get("key")
    return News(
        id=f"sendgrid {id_[:200]}",
        address=address,
        state=state,
        key=key[:200] if isinstance(key, str) else "",
        detail=str(event.get("reason", "")),
    )
