"""Answers on platforms outside that are seen while they are written.

The first piece is sent as the reply itself, under the reply's own id, and what the platform calls
it is written down at once; later pieces replace it and may be dropped; the answer replaces the last
of them (`bot/replies.py`). After a crash the next attempt goes on in the same message.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from bot.core.channel import Channel, Outbound
from bot.core.conversation import Claim
from bot.core.effect import Effect, EffectKind, EffectState
from bot.core.errors import BotError, Fenced
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.live import Watch
from bot.store import drafts as rows
from bot.store.script import Database

log = logging.getLogger(__name__)

T = TypeVar("T")
GROWING = 24
"""How many answers grow on one platform at a time. Beyond that its budgets (Slack: some forty edits
a minute in a workspace) leave no room to show it: later ones come whole."""
MOMENT_S = 0.2
"""An answer that is whole so soon after its first words comes whole: half of it would be a request
more, and its answer waited for, before words that nobody saw grow."""
LAST_S = 10.0
"""How long an answer waits for the last piece of its draft, which must not come after it."""


class Follows(Protocol):
    """Lets somebody watch a conversation."""

    def subscribe(self, tenant: TenantId, conv: str) -> Watch: ...


class Drafts:
    """Shows answers as they grow."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        live: Follows | None,
        reply_of: Callable[[Claim, Channel], Effect],
    ) -> None:
        """`reply_of` makes the reply that a draft is to become, without words."""
        self._db = db
        self._clock = clock
        self._live = live
        self._reply_of = reply_of
        self._shown: dict[str, str] = {}
        """Turn → the platform's reference of the draft that this attempt began."""
        self._growing: Counter[str] = Counter()

    def take(self, turn: str) -> str:
        """Where the draft of a turn is to be seen; empty when this attempt began none."""
        return self._shown.pop(turn, "")

    def has_room(self, claim: Claim, channel: Channel) -> bool:
        """Whether its answer may grow there; one that was begun already goes on as it was."""
        return claim.attempt > 0 or self._growing[channel.name] < GROWING

    async def during(self, claim: Claim, channel: Channel, work: Awaitable[T]) -> T:
        """Show what `work` writes; returns when nothing of the draft is on its way any more."""
        if self._live is None:
            return await work
        reply = self._reply_of(claim, channel)
        past = next((e for e in claim.effects if e.id == reply.id), None)
        if past and past.state is not EffectState.PLANNED:
            return await work  # its answer was begun already
        over = asyncio.Event()
        ref = past.vendor_ref if past else ""
        watch = self._live.subscribe(reply.tenant, reply.conv)
        showing = asyncio.create_task(self._show(claim, channel, reply, ref, (watch, over)))
        self._growing[channel.name] += 1
        try:
            return await work
        finally:
            self._growing[channel.name] -= 1
            over.set()
            watch.close()
            await asyncio.wait({showing}, timeout=LAST_S)
            showing.cancel()

    async def _show(
        self,
        claim: Claim,
        channel: Channel,
        reply: Effect,
        ref: str,
        seen: tuple[Watch, asyncio.Event],
    ) -> None:
        watch, over = seen
        shown: str | None = None
        try:
            with watch:
                while not over.is_set():
                    await watch.next(channel.features.draft_s)
                    if not (shown or ref) and watch.draft and watch.draft.parts:
                        await _pause(over, MOMENT_S)
                    text = "".join(watch.draft.parts) if watch.draft else ""
                    if text != shown and not over.is_set():
                        ref = await self._piece(claim, channel, reply, text, ref)
                        shown = text
                        await _pause(over, channel.features.draft_s)
        except (BotError, Fenced) as error:
            log.info("A draft is not shown on: %s", error.message, extra={"turn": reply.turn})
        except Exception:
            log.exception("A draft broke off.", extra={"turn": reply.turn})

    async def _piece(
        self, claim: Claim, channel: Channel, reply: Effect, text: str, ref: str
    ) -> str:
        """Show so much of it; returns where it is to be seen."""
        message = Outbound(
            tenant=reply.tenant,
            conv=reply.conv,
            account=claim.conv.account,
            place=claim.conv.place,
            thread=claim.conv.thread,
            effect=reply.id,
            kind=EffectKind.REPLY,
            text=text,
            replace=ref,
            reply_to=claim.event.ext_id,
            extra={"attempt": claim.attempt + 1, "private": claim.event.place.direct},
        )
        receipt = await channel.draft(message)  # type: ignore[attr-defined]
        if receipt is None or not receipt.vendor_ref or ref:
            return ref
        found: str = receipt.vendor_ref
        self._shown[reply.turn] = found
        await self._db.write(rows.show(claim, reply, found, to_us(self._clock.now())))
        return found


async def _pause(over: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass
