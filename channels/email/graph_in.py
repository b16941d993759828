"""Mail in by Microsoft Graph: a notice only wakes the house, which asks what is new and reads it.

So nothing is lost when a notice is late, missed or forged. A subscription lives less than three
days and is renewed at half its life; without a public address it is asked again and again. How far
an inbox was read is kept (`graph_inbox.py`), and what is stored already is nothing new.
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
from typing import Final
from urllib.parse import quote

from aiohttp import web

from bot.core.errors import Invalid, LimitReached, StoreError, VendorError, VendorRefused
from bot.platforms.lent import Lent
from channels.email.graph_calls import Graph, words_of
from channels.email.graph_inbox import Inbox, time_of
from channels.email.hooks import body_of
from channels.email.intake import Arrival
from channels.email.mime import Mail, Unreadable, parse
from channels.email.proof import is_proved
from channels.email.settings import Settings

log = logging.getLogger(__name__)

PATH: Final = "/webhooks/email/graph"
LIVES: Final = timedelta(minutes=4200)
"""4,230 minutes is the least of the documented limits for mail."""
PATIENCE: Final = timedelta(days=3)
"""How long a mail is tried that cannot be taken."""
GONE: Final = timedelta(hours=1)
"""And one that Microsoft names and does not have: a new one may be there a moment later."""
QUIET_S, POLL_S = 120.0, 30.0
"""How often Microsoft is asked with a subscription, and without one."""
MAX_NOTICE: Final = 2**20
MAX_TOKEN: Final = 2000
KNOWN: Final = 20_000
MOST_FAILS: Final = 3
"""So many mails that Microsoft does not give, and the round is over: it is not about a mail."""
Take = Callable[[Arrival], Awaitable[None]]


class Missing(VendorRefused):
    """Microsoft does not have this mail."""


class GraphIn:
    """The inboxes."""

    name = "graph"

    def __init__(self, lent: Lent, settings: Settings, take: Take) -> None:
        self._lent, self._settings, self._take = lent, settings, take
        self._graph = Graph(lent, settings)
        self._state = lent.seal("graph")
        self._boxes = tuple(dict.fromkeys((settings.home, *settings.boxes.values())))
        self._inboxes = {box: Inbox(self._graph, lent, box) for box in self._boxes}
        self._known: OrderedDict[str, None] = OrderedDict()
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
        """Take in what is new until cancelled. Raises ConnectionBroken, StoreError."""
        await self._lent.hold()
        for inbox in self._inboxes.values():
            await inbox.open()
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
        inbox = self._inboxes[box]
        await self._each(box, list(inbox.waits))
        new, link = await inbox.changes()
        if not await self._each(box, [id_ for id_ in new if id_ not in inbox.waits]):
            raise VendorRefused("Microsoft does not give its mails.")
        await inbox.keep(link, is_new=bool(new))

    async def _each(self, box: str, ids: Sequence[str]) -> bool:
        """Take in these; False when it was broken off. Raises StoreError."""
        fails = 0
        for id_ in ids:
            fails += not await self._one(box, id_)
            if fails == MOST_FAILS:
                return False
        return True

    async def _one(self, box: str, id_: str) -> bool:
        """Take in one mail; False when Microsoft does not give it. Raises StoreError."""
        if id_ in self._known:
            return True
        error: Exception | None = None
        try:
            await self._bring(box, id_)
        except (LimitReached, VendorError) as later:
            if self._waits(box, id_, GONE if isinstance(later, Missing) else PATIENCE):
                log.warning("A mail waits: %s", later.message)
                return not isinstance(later, VendorError) or isinstance(later, Missing)
            error = later
        except (Unreadable, Invalid) as never:
            error = never
        if error:
            log.warning("A mail cannot be taken and is passed over: %s", error)
        self._inboxes[box].waits.pop(id_, None)
        self._known[id_] = None
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return True

    def _waits(self, box: str, id_: str, most: timedelta) -> bool:
        """Put it behind those that wait; not what could not be taken for too long."""
        waits, now = self._inboxes[box].waits, self._lent.clock.now()
        began = waits.pop(id_, now)
        if now - began > most:
            return False
        waits[id_] = began
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
        if answer.status == 404:
            raise Missing("Microsoft does not have this mail.")
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
        until = time_of(answer.said.get("expirationDateTime")) or now + LIVES
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
