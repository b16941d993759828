"""Mail in by Microsoft Graph: a notice only wakes the house, which lists what is new and reads it.

So nothing is lost when a notice is late, missed or forged. A subscription lives less than three
days and is renewed at half its life; without a public address the list alone is asked. At a start
the last days are listed, and what is stored already is nothing new.
https://learn.microsoft.com/graph/change-notifications-delivery-webhooks and
https://learn.microsoft.com/graph/change-notifications-lifecycle-events (read 2026-11-21)
"""

import asyncio
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from bot.core.errors import Invalid, LimitReached, StoreError, VendorError, VendorRefused
from bot.lent import Lent
from channels.email.graph_calls import Graph, words_of
from channels.email.hooks import body_of
from channels.email.intake import Arrival
from channels.email.mime import Mail, Unreadable, parse
from channels.email.proof import is_proved
from channels.email.settings import Settings

log = logging.getLogger(__name__)

PATH: Final = "/webhooks/email/graph"
LIVES: Final = timedelta(minutes=4200)
"""4,230 minutes is the least of the documented limits for mail."""
BACK: Final = timedelta(days=3)
AGAIN: Final = timedelta(minutes=10)
"""How far before the newest mail a list begins: mails are not listed in the order they come."""
QUIET_S, POLL_S = 120.0, 30.0
"""How often the list is asked with a subscription, and without one."""
MAX_NOTICE: Final = 2**20
MAX_TOKEN: Final = 2000
KNOWN: Final = 20_000
PAGES: Final = 40
MOST_FAILS: Final = 3
"""So many mails that Microsoft does not give, and the round is over: it is not about a mail."""
Take = Callable[[Arrival], Awaitable[None]]


class GraphIn:
    """The inbox."""

    name = "graph"

    def __init__(self, lent: Lent, settings: Settings, take: Take) -> None:
        self._lent, self._settings, self._take = lent, settings, take
        self._graph = Graph(lent, settings)
        self._state = lent.seal("graph")
        self._boxes = tuple(dict.fromkeys((settings.home, *settings.boxes.values())))
        self._newest: dict[str, datetime] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, dict[str, Mapping[str, Any]]] = {}
        """Mailbox to the mails, by id, that could not be taken yet; no other waits for them."""
        self._subscribed: dict[str, tuple[str, datetime]] = {}
        """Mailbox to its subscription's id, and when to renew it."""
        self._wake = asyncio.Event()

    @property
    def _url(self) -> str:
        url = self._lent.public_url.rstrip("/")
        return f"{url}{PATH}" if url.startswith("https://") else ""

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Its webhook, where there is a public address."""
        return (("POST", PATH, self._webhook),) if self._url else ()

    async def run(self, take: Take) -> None:
        """List what is new until cancelled. Raises ConnectionBroken."""
        await self._lent.hold()
        while True:
            self._wake.clear()
            for box in self._boxes:
                try:
                    await self._sync(box)
                    await self._subscribe(box)
                except (VendorError, StoreError) as error:
                    log.warning("A mailbox is away for a moment: %s", error.message)
            is_told = len(self._subscribed) == len(self._boxes)
            try:
                async with asyncio.timeout(QUIET_S if is_told else POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def fetch(self, source: str) -> bytes:
        """A mail as it came. Raises VendorError."""
        box, _, id_ = source.partition("/")
        if box not in self._boxes:
            raise VendorRefused("There is no such mailbox.")
        return await self._raw(box, id_)

    async def _sync(self, box: str) -> None:
        """Take in what waits and what is new in one mailbox. Raises VendorError, StoreError."""
        waiting = self._waiting.setdefault(box, {})
        fails = 0
        for item in list(waiting.values()):
            fails += not await self._one(box, item)
            if fails == MOST_FAILS:
                break
        fails = 0
        since = self._newest.get(box, self._lent.clock.now() - BACK) - AGAIN
        wanted = quote(f"receivedDateTime ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        path = (
            f"/users/{quote(box)}/mailFolders/inbox/messages?$select=id,receivedDateTime&$top=50"
            f"&$orderby=receivedDateTime&$filter={wanted}"
        )
        for _ in range(PAGES):
            answer = await self._graph.ask("GET", path)
            items = answer.said.get("value")
            if answer.status != 200 or not isinstance(items, list):
                raise VendorRefused(f"Microsoft gives no list: {words_of(answer)[1]}")
            for item in items:
                if isinstance(item, Mapping) and isinstance(item.get("id"), str):
                    is_new = item["id"] not in waiting
                    fails += is_new and not await self._one(box, item)
                if fails == MOST_FAILS:
                    raise VendorRefused("Microsoft does not give its mails.")
            link = answer.said.get("@odata.nextLink")
            if not isinstance(link, str):
                return
            path = link

    async def _one(self, box: str, item: Mapping[str, Any]) -> bool:
        """Take in one mail; False when Microsoft does not give it. Raises StoreError."""
        id_ = str(item["id"])
        if id_ in self._known:
            return True
        error: Exception | None = None
        try:
            await self._bring(box, id_)
        except (LimitReached, VendorError) as later:
            if self._waits(box, item):
                log.warning("A mail waits: %s", later.message)
                return not isinstance(later, VendorError)
            error = later
        except (Unreadable, Invalid) as never:
            error = never
        if error:
            log.warning("A mail cannot be taken and is passed over: %s", error)
        self._waiting[box].pop(id_, None)
        self._known[id_] = None
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        if at := _time(item.get("receivedDateTime")):
            self._newest[box] = max(at, self._newest.get(box, at))
        return True

    def _waits(self, box: str, item: Mapping[str, Any]) -> bool:
        """Put it behind those that wait; not what could not be taken for days."""
        at = _time(item.get("receivedDateTime"))
        if at is None or at < self._lent.clock.now() - BACK - AGAIN:
            return False
        self._waiting[box].pop(str(item["id"]), None)
        self._waiting[box][str(item["id"])] = item
        return True

    async def _bring(self, box: str, id_: str) -> None:
        mail = await asyncio.to_thread(parse, await self._raw(box, id_))
        await self._take(
            Arrival(
                mail=mail,
                box=box,
                is_proved=self._is_proved(mail),
                source=lambda part: f"graph:{box}/{id_}:{part}",
            )
        )

    async def _raw(self, box: str, id_: str) -> bytes:
        answer = await self._graph.ask("GET", f"/users/{quote(box)}/messages/{quote(id_)}/$value")
        if answer.status != 200:
            raise VendorRefused("Microsoft does not give this mail.")
        return answer.body

    def _is_proved(self, mail: Mail) -> bool:
        """Exchange's own result, which has no name; or its mark for mail of the same organisation.

        The mark is taken off what comes from outside (learn.microsoft.com/exchange/header-firewall,
        read 2026-11-21), so it is believed for our own domains.
        """
        if is_proved(mail, self._settings.servers | {""}):
            return True
        ours = {box.partition("@")[2] for box in self._boxes}
        internal = mail.all("x-ms-exchange-organization-authas") == ["Internal"]
        return mail.sender is not None and mail.sender.domain in ours and internal

    # --- subscriptions ----------------------------------------------------------------------

    async def _subscribe(self, box: str) -> None:
        """Have one, or renew it when half its life is over. Raises VendorError."""
        if not self._url:
            return
        now = self._lent.clock.now()
        id_, until = self._subscribed.get(box, ("", now))
        if id_ and now < until:
            return
        end = {"expirationDateTime": f"{(now + LIVES).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        self._subscribed.pop(box, None)
        if id_:
            answer = await self._graph.ask("PATCH", f"/subscriptions/{quote(id_)}", content=end)
            if answer.status == 200:
                self._subscribed[box] = (id_, now + LIVES / 2)
                return
        answer = await self._graph.ask(
            "POST",
            "/subscriptions",
            content={
                "changeType": "created",
                "notificationUrl": self._url,
                "lifecycleNotificationUrl": self._url,
                "resource": f"users/{box}/mailFolders('Inbox')/messages",
                "clientState": self._state,
                **end,
            },
        )
        made = answer.said.get("id")
        if answer.status != 201 or not isinstance(made, str):
            raise VendorRefused(f"Microsoft makes no subscription: {words_of(answer)[1]}")
        until = _time(answer.said.get("expirationDateTime")) or now + LIVES
        self._subscribed[box] = (made, now + (until - now) / 2)

    async def _webhook(self, request: web.Request) -> web.Response:
        """The handshake, or notices; 202 for good ones, 401 for those that are not ours."""
        if (token := request.query.get("validationToken")) is not None:
            if not token or len(token) > MAX_TOKEN:
                return web.Response(status=400)
            safe = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=token, content_type="text/plain", headers=safe)
        body = await body_of(request, "application/json", MAX_NOTICE)
        if isinstance(body, web.Response):
            return body
        try:
            found = json.loads(body)["value"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return web.Response(status=400)
        if not isinstance(found, list) or not found or not all(map(self._is_ours, found)):
            return web.Response(status=401)
        gone = {
            each.get("subscriptionId")
            for each in found
            if each.get("lifecycleEvent") in ("subscriptionRemoved", "reauthorizationRequired")
        }
        for box, (id_, _) in list(self._subscribed.items()):
            if id_ in gone:
                self._subscribed[box] = (id_, self._lent.clock.now())
        self._wake.set()
        return web.Response(status=202)

    def _is_ours(self, notice: object) -> bool:
        """Whether it carries our word, and comes from our organisation."""
        if not isinstance(notice, Mapping):
            return False
        state, tenant = notice.get("clientState"), notice.get("tenantId")
        if not isinstance(state, str) or not isinstance(tenant, str):
            return False
        is_here = tenant.lower() == self._settings.ms_tenant_id.lower()
        return is_here and hmac.compare_digest(state.encode(errors="replace"), self._state.encode())


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
