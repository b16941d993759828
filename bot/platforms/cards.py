"""Cards on platforms with buttons: shown where they were asked, and rewritten when they change.

A card is a row, and what a platform shows is a copy of it. Here each copy is brought to what the
row says: a new question is shown, an edited one rewritten, a decided one loses its buttons and says
who decided. What a crash cuts off is seen again in the next round; a card that may have been shown
is shown again rather than never, and only the rows decide.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from bot.core.approval import ApprovalState
from bot.core.channel import Channel, Outbound
from bot.core.effect import EffectKind
from bot.core.errors import BotError, StoreError, VendorRefused, VendorUnknown
from bot.core.event import Event
from bot.core.ids import EffectId, TenantId
from bot.core.ports import Clock
from bot.fleet import Peers
from bot.platforms.carriers import Carriers
from bot.platforms.texting import OptedOut
from bot.store import cards as rows
from bot.store.cards import Copy, Met
from bot.store.heard import before
from bot.store.patient import surely
from bot.store.script import Database

log = logging.getLogger(__name__)

ROUND_S = 5.0
"""How often copies are compared with their rows when nobody says that something changed."""
SETTLE_S = 0.05
"""How long after a change: several at once are one round."""
AT_ONCE, PAGES = 50, 20
"""Cards of one platform that a round begins with, and how many times as many it looks through."""
MOST_MET = 1000
"""Cards that were pressed and are not yet looked up; more wait for their next press."""
TRIES = 5
"""After so many refusals for good a decided copy is let be, and a card that may have been shown
each time is not shown again until the program starts again."""
LONGEST_PAUSE_S = 300.0
MAX_KEPT = 10_000
"""Copies whose pauses are remembered; others are tried at once."""
Where = tuple[str, str, str, str]


class Cards:
    """Keeps the copies true."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        carriers: Carriers,
        peers: Peers,
        address: Callable[[], str],
    ) -> None:
        """`address` is where people reach the house; empty when it is not known outside."""
        self._db = db
        self._clock = clock
        self._carriers = carriers
        self._peers = peers
        self._address = address
        self._wake = asyncio.Event()
        self._failed: OrderedDict[tuple[str, int, str, str], tuple[int, float]] = OrderedDict()
        """How often a copy was not taken, and when it is tried again."""
        self._met: dict[tuple[str, ...], Met] = {}
        self._busy: dict[Where, asyncio.Task[None]] = {}
        """Places where something is on its way."""

    def wake(self) -> None:
        """Something changed."""
        self._wake.set()

    def meet(self, press: Event) -> None:
        """Somebody pressed under a card: where it is no copy on record, it becomes one.

        A process that is killed when the platform has the card, and before the row says so, leaves
        such copies behind.
        """
        approval = press.payload.get("approval")
        if not press.reply_to or not isinstance(approval, str) or len(self._met) >= MOST_MET:
            return
        met = Met(
            tenant=press.tenant,
            approval=approval,
            channel=press.channel,
            account=press.account,
            place=press.place.id,
            ref=press.reply_to,
        )
        self._met[met.tenant, met.approval, met.channel, met.account, met.place, met.ref] = met
        self.wake()

    async def run(self) -> None:
        """Keep them true until cancelled."""
        try:
            while True:
                try:
                    await self.round()
                except StoreError as error:
                    log.warning("Cards wait for the database: %s", error.message)
                except Exception:
                    log.exception("Cards could not be looked for.")
                try:
                    async with asyncio.timeout(ROUND_S):
                        await self._wake.wait()
                        await asyncio.sleep(SETTLE_S)
                except TimeoutError:
                    pass
                self._wake.clear()
        finally:
            tasks = list(self._busy.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def round(self) -> None:
        """Begin with what is due, each place in order and the places side by side."""
        while self._met:
            key, met = next(iter(self._met.items()))
            await self._db.write(rows.meet(met))
            self._met.pop(key, None)
        for tenant, channel in self._carriers.all():
            if _has_buttons(channel):
                for where, copies in (await self._due(tenant, channel)).items():
                    task = asyncio.create_task(self._show_all(copies))
                    self._busy[where] = task
                    task.add_done_callback(partial(self._leave, where))

    async def _due(self, tenant: TenantId, channel: Channel) -> dict[Where, list[Copy]]:
        """What one channel can show now, by place; what waits keeps no other away."""
        others = self._carriers.carries_others(tenant, channel)
        found: dict[Where, list[Copy]] = {}
        now, count = self._clock.monotonic(), 0
        for page in range(PAGES):
            due = rows.due(channel.name, AT_ONCE, page * AT_ONCE, tenant, others=others)
            copies = await self._db.read(due)
            for copy in copies:
                owner = copy.item.tenant
                where = (owner, copy.channel, copy.account, copy.place)
                _, again_at = self._failed.get(_key(copy), (0, 0.0))
                is_ours = self._carriers.get(owner, copy.channel, copy.account) is channel
                if is_ours and where not in self._busy and now >= again_at:
                    found.setdefault(where, []).append(copy)
                    count += 1
            if not copies or count >= AT_ONCE:
                break
        return found

    def _leave(self, where: Where, _: asyncio.Task[None]) -> None:
        del self._busy[where]
        self.wake()  # something more may have become due there

    async def _show_all(self, copies: list[Copy]) -> None:
        """Show those of one place. What goes wrong with one goes wrong with none of the others."""
        for copy in copies:
            lease = f"card:{copy.item.id}"
            try:
                if not await self._peers.take(lease):
                    self._pause(copy, 0, ROUND_S)  # another process shows it
                    continue
                try:
                    await self._show(copy)
                finally:
                    await self._peers.drop(lease)
            except StoreError as error:
                log.warning("A card waits for the database: %s", error.message)
                self._pause(copy, 0, ROUND_S)
            except OptedOut:
                self._pause(copy, 0, LONGEST_PAUSE_S)  # shown if they want to hear again
            except BotError as error:
                log.warning("A card was not taken by %s: %s", copy.channel, error.message)
                await self._fail(copy, error)
            except Exception as error:
                log.exception("A card could not be brought to %s.", copy.channel)
                await self._fail(copy, error)

    async def _fail(self, copy: Copy, error: Exception) -> None:
        """Try it again later, where that may help."""
        times = self._failed.get(_key(copy), (0, 0.0))[0] + 1
        asked_s = getattr(error, "retry_after_s", None)
        pause_s = max(min(ROUND_S * 2 ** min(times - 1, 10), LONGEST_PAUSE_S), asked_s or 0.0)
        if times >= TRIES and isinstance(error, VendorUnknown) and not copy.ref:
            pause_s = math.inf
        self._pause(copy, times, pause_s)
        is_last = copy.item.state is not ApprovalState.PENDING
        if times >= TRIES and is_last and isinstance(error, VendorRefused) and asked_s is None:
            await surely(self._db, lambda: rows.keep(copy, copy.ref, is_last))

    def _pause(self, copy: Copy, times: int, seconds: float) -> None:
        self._failed[_key(copy)] = (times, self._clock.monotonic() + seconds)
        while len(self._failed) > MAX_KEPT:
            self._failed.popitem(last=False)

    async def _show(self, copy: Copy) -> None:
        item = copy.item
        is_last = item.state is not ApprovalState.PENDING
        address = self._address()
        message = Outbound(
            tenant=item.tenant,
            conv=item.conv,
            account=copy.account,
            place=copy.place,
            thread=copy.thread,
            effect=EffectId(f"crd_{item.id[4:]}"),
            kind=EffectKind.CARD,
            text=item.card.title,
            card=item.card,
            approval=item.id,
            version=item.version,
            url=f"{address}/approvals/{item.id}" if address else "",
            replace=copy.ref,
            extra={"event": await self._db.read(before(item.tenant, item.conv, item.turn))},
        )
        channel = self._carriers.get(item.tenant, copy.channel, copy.account)
        if channel is None:
            raise VendorRefused("The platform is not connected any more.", retry_after_s=ROUND_S)
        receipt = await channel.send(message)
        ref = receipt.vendor_ref or copy.ref
        await surely(self._db, lambda: rows.keep(copy, ref, is_last))
        self._failed.pop(_key(copy), None)


def _has_buttons(channel: Channel) -> bool:
    return channel.features.buttons and not channel.features.reply_is_row


def _key(copy: Copy) -> tuple[str, int, str, str]:
    return copy.item.id, copy.item.version, copy.item.state.value, copy.slot
