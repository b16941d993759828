"""What Stripe tells: believed by its signature, looked up there, said once where it was asked for.

The address says whose secret is tried, and nothing else says whose event it is: a thing that was
made for another tenant is not found. An event is only a hint, for they come twice and in any order:
the object is fetched, and what it is now is told, in words that a person approved and in numbers.
Stored before it is acknowledged; where Stripe cannot be asked, it is asked to tell again. What the
key cannot find (deleted, or another account's) it never will, so that is acknowledged and logged:
Stripe repeats for up to three days what is answered with an error.
https://docs.stripe.com/webhooks and /error-codes
"""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from bot.core.canonical import Json
from bot.core.effect import Effect
from bot.core.errors import BotError, NotFound
from bot.core.ids import TenantId
from bot.core.ports import Clock, Inbox
from bot.frozen import frozen
from bot.services.news import News, tell
from bot.services.paying import NAME, Account, Paying
from bot.store import effects
from bot.store.script import Database
from bot.web.parts import Access, Route
from bot.webhooks.stripe import HEADER, is_genuine
from tools.payments._api import Absent, Object, number, one, text
from tools.payments._money import shown as money
from tools.payments._settings import mode_of

log = logging.getLogger(__name__)

_ID = re.compile(r"[a-z]{2,6}_[A-Za-z0-9_]{1,120}")
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}")
Says = Callable[[Object, Mapping[str, Json]], str]


def _sum(found: Object, name: str) -> str:
    currency = text(found, "currency")
    return money(number(found, name), currency if len(currency) == 3 else "eur")


def _called(found: Object) -> str:
    told = text(found, "number")
    return told if _NUMBER.fullmatch(told) else "without a number"


def _paid(found: Object, asked: Mapping[str, Json]) -> str:
    if text(found, "status") != "paid":
        return ""
    return f"{asked.get('customer')} paid invoice {_called(found)}: {_sum(found, 'total')}."


def _unpaid(found: Object, asked: Mapping[str, Json]) -> str:
    if text(found, "status") != "open":
        return ""
    what = f"invoice {_called(found)} over {_sum(found, 'total')}"
    return f"{asked.get('customer')} could not pay {what}: the payment failed."


def _overdue(found: Object, asked: Mapping[str, Json]) -> str:
    if text(found, "status") != "open":
        return ""
    what = f"Invoice {_called(found)} over {_sum(found, 'total')}"
    return f"{what} to {asked.get('customer')} is overdue."


def _bought(found: Object, asked: Mapping[str, Json]) -> str:
    if text(found, "payment_status") != "paid":
        return ""
    what = asked.get("description") or f"the subscription of {asked.get('customer')}"
    return f"{_sum(found, 'amount_total')} came in for {what}."


def _returned(found: Object, asked: Mapping[str, Json]) -> str:
    if text(found, "status") != "failed":
        return ""
    return f"The refund of {_sum(found, 'amount')} failed; the money is back at Stripe."


SESSIONS = "/v1/checkout/sessions"
TOLD: Mapping[str, tuple[str, Says]] = {
    "invoice.paid": ("/v1/invoices", _paid),
    "invoice.payment_failed": ("/v1/invoices", _unpaid),
    "invoice.overdue": ("/v1/invoices", _overdue),
    "checkout.session.completed": (SESSIONS, _bought),
    "checkout.session.async_payment_succeeded": (SESSIONS, _bought),
    "refund.failed": ("/v1/refunds", _returned),
}
"""Kind of event → where its object is fetched, and what is said of it; empty: nothing."""


@frozen
class Around:
    """What stands around it."""

    db: Database
    clock: Clock
    paying: Paying
    inbox: Callable[[], Inbox]
    home: TenantId


class PaymentNews:
    """The door of Stripe's events."""

    def __init__(self, around: Around) -> None:
        self._a = around

    def routes(self) -> Sequence[Route]:
        """The first tenant's address, and each tenant's own."""
        paths = (f"/webhooks/{NAME}/events", f"/webhooks/{NAME}/{{tenant}}/events")
        return [
            Route(method="POST", path=path, handler=self.hear, access=Access.OPEN, page=True)
            for path in paths
        ]

    async def hear(self, request: web.Request) -> web.Response:
        """Take one event: 401 without proof, 404 where nobody listens, 503 to be told again."""
        tenant = TenantId(request.match_info.get("tenant") or self._a.home)
        account = await self._a.paying.account(tenant)
        if account is None or not account.webhook_secret:
            raise NotFound("There is no such webhook.")
        body = await request.read()
        signed = request.headers.get(HEADER, "")
        if not is_genuine(account.webhook_secret, signed, body, self._a.clock.now()):
            return web.Response(status=401, text="The signature does not fit.")
        event = _event(body)
        try:
            await self._take(tenant, account, event)
        except Absent:
            log.warning(
                "Stripe told %s of %s, which the key cannot find: it was deleted, or the webhook "
                "is of another account than the key. Nothing is said of it.",
                text(event, "type"),
                text(event, "data", "object", "id"),
                extra={"tenant": tenant},
            )
        except BotError as error:
            log.warning("An event of Stripe's is put off: %s", error.message)
            return web.Response(status=503, text="Tell it again.")
        return web.Response(text="ok")

    async def _take(self, tenant: TenantId, account: Account, event: Object) -> None:
        """Look up what it is about, and say it where it was asked for."""
        path, says = TOLD.get(text(event, "type"), ("", _paid))
        told = text(event, "data", "object", "id")
        is_live = event.get("livemode") is True
        if not path or not _ID.fullmatch(told) or not _ID.fullmatch(text(event, "id")):
            return
        if is_live is not (mode_of(account.key) == "live"):
            return
        found = await (await self._a.paying.api(tenant)).get(one(path, told))
        effect = await self._of(tenant, text(found, "metadata", "effect"))
        if effect and (words := says(found, effect.arguments)):
            await self._say(effect, event, words)

    async def _of(self, tenant: TenantId, id_: str) -> Effect | None:
        """The deed that made it, where that was this tenant's."""
        return await self._a.db.read(effects.get(tenant, id_)) if id_ else None

    async def _say(self, effect: Effect, event: Object, words: str) -> None:
        kind, once = text(event, "type"), text(event, "id")
        news = News(service=NAME, title="Stripe", kind=kind, once=once, words=words)
        await tell(self._a.db, self._a.clock, self._a.inbox(), effect, news)


def _event(body: bytes) -> Object:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {}
