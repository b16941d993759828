"""Turns: claim what waits, run it, deliver the answer, end it in one commit, look for more.

A fixed number of turns is open at a time (`seats`); what comes beyond waits on the disk and is
taken round-robin by tenant. A turn that breaks is tried again a few times with growing pauses and
then told as failed; a turn that is overtaken by another process is dropped; a full disk is waited
out. At a stop, running turns get a moment to end; what remains goes on at the next start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from agents.runtime.run import Stopped
from bot.causes import INTERNAL, cause_of, told
from bot.core.canonical import Json
from bot.core.conversation import Claim, Line, TurnEnd
from bot.core.effect import EffectKind, EffectState
from bot.core.errors import BotError, ConnectionBroken, Diverged, Fenced, StoreError
from bot.core.event import Ending
from bot.core.ids import TenantId
from bot.core.ports import Clock, Live
from bot.core.times import iso, to_us
from bot.frozen import frozen
from bot.points import point
from bot.rush import Rush
from bot.seats import Seats, Sitting
from bot.store import journal
from bot.store import turns as rows
from bot.store.approvals import CodeTaken
from bot.store.patient import surely
from bot.store.recent import Recent
from bot.store.script import Database
from bot.transcript import files_of, outside

log = logging.getLogger(__name__)

ATTEMPTS = 4
UNCARRIED = 14
"""How often an answer looks for its platform: for longer than a process, or one that starts, may
take to see what was connected elsewhere."""
BROKEN = "Something went wrong on our side; nothing more was done."
BACKOFF_S = 0.5
SWEEP_S = 2.0
"""How long the dispatcher sleeps at most: the guarantee behind the wake-ups."""

SEARCHES = 3
"""How many sweeps look for a claim that got lost: it is let go of when two have seen it."""

Handler = Callable[[Claim], Awaitable[TurnEnd]]


@frozen
class Work:
    """What is done in a turn."""

    handle: Handler
    deliver: Callable[[Claim, TurnEnd], Awaitable[TurnEnd]]
    """Brings the answer to where it was asked for; returns the end as it is to be written."""
    ended: Callable[[TurnEnd], None] = lambda end: None
    """Called when an end is written."""


class Turns:
    """The open turns of this process."""

    def __init__(self, db: Database, clock: Clock, work: Work, live: Live, seats: Seats) -> None:
        self._db = db
        self._clock = clock
        self._handler = work.handle
        self._deliver = work.deliver
        self._ended = work.ended
        self._live = live
        self._seats = seats
        self._recent = seats.recent or Recent(clock)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._whose: dict[str, TenantId] = {}
        self._stopped: set[str] = set()
        self._stoppable: set[str] = set()
        self._adrift: set[tuple[str, int]] = set()
        """Conversations (with their epoch) held in our name that no task was seen to work on."""
        self._searches = 0
        """How often more to look for such."""
        self._wake = asyncio.Event()
        self._after = ""
        self._sitting = Sitting(seats.count)
        self._rush = Rush(self._wake.set)
        self._draining = False

    @property
    def open(self) -> int:
        """How many turns are open."""
        return len(self._tasks)

    def open_of(self, tenant: TenantId) -> int:
        """How many of them are a tenant's."""
        return sum(whose == tenant for whose in self._whose.values())

    # The port of the inbox.

    async def enter(self, tenant: TenantId) -> str:
        """Wait until an event may be stored; the owner's name when its turn may open at once."""
        await self._rush.enter(tenant)
        if self._draining or not self._sitting.may(tenant):
            return ""
        self._sitting.take(tenant)
        return self._seats.owner

    def entered(self, tenant: TenantId, owner: str) -> None:
        """An event is stored, or will not be; `owner` as it was told."""
        self._rush.entered(tenant)
        if owner:
            self._sitting.leave(tenant)
            if self._sitting.waits(tenant):  # it may have come before, and need no seat
                self.look()

    def start(self, claim: Claim) -> None:
        """Run a claimed turn."""
        task = asyncio.ensure_future(self._run(claim))
        if claim.conv.id not in self._tasks:
            self._sitting.take(claim.event.tenant)
        self._tasks[claim.conv.id] = task
        self._whose[claim.conv.id] = claim.event.tenant
        task.add_done_callback(lambda _: self._leave(claim.conv.id))

    def wake(self) -> None:
        """Look for work, or let others look who may have a seat."""
        self._wake.set()
        if self._draining or self._sitting.turns_away:
            self._seats.offer()

    def look(self) -> None:
        """Look for work that another process has no seat for."""
        self._wake.set()

    def unsure(self) -> None:
        """The answer of a commit is missing: it may have claimed what nobody works on."""
        self._searches = SEARCHES

    def stop(self, conv: str) -> bool:
        """End the running turn of a conversation, wherever it runs; False when none can be."""
        return self.stop_here(conv) or self._seats.stop_elsewhere(conv)

    def stop_here(self, conv: str) -> bool:
        """End the running turn of a conversation; False when none runs or it is ending anyway."""
        task = self._tasks.get(conv)
        if task is None or conv not in self._stoppable:
            return False
        self._stopped.add(conv)
        task.cancel()
        return True

    async def idle(self) -> None:
        """Wait until no turn is open."""
        while tasks := list(self._tasks.values()):
            await asyncio.wait(tasks)

    async def run(self) -> None:
        """Claim and run until cancelled."""
        while not self._draining:
            self._wake.clear()
            (room, full), held = self._sitting.look(), self._rush.held()
            claims: list[Claim] = []
            if room and held is not None:
                claims = await self._claim(min(room, 64), full | held)
                for claim in claims:
                    self._after = claim.event.tenant
                    self.start(claim)
            if not claims:
                await self._sleep()
            if self._searches:
                await self._gather()

    async def drain(self, seconds: float) -> int:
        """Stop claiming, let running turns end; returns how many were cut off to go on later."""
        self._draining = True
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return len(late)
        return 0

    async def _claim(self, limit: int, held: frozenset[str]) -> list[Claim]:
        now, owner = to_us(self._clock.now()), self._seats.owner
        try:
            return await self._db.write(rows.claim(owner, now, limit, self._after, held))
        except Exception as error:
            self.unsure()
            if not isinstance(error, StoreError):
                log.exception("No turn can be claimed.")
            await asyncio.sleep(SWEEP_S)
            return []

    async def _gather(self) -> None:
        """Let go of what is held in our name and was already adrift a sweep ago.

        A claim whose task is only about to start loses it; its late writes are fenced.
        """
        self._searches -= 1
        try:
            held = await self._db.read(rows.held(self._seats.owner))
            adrift = {(conv, epoch) for conv, epoch in held if conv not in self._tasks}
            for conv, epoch in adrift & self._adrift:
                await self._db.write(rows.let_go(conv, epoch, to_us(self._clock.now())))
                self.wake()
        except Exception as error:
            if not isinstance(error, StoreError):
                log.exception("What is adrift cannot be let go of yet.")
            self.unsure()
        else:
            self._adrift = adrift

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_S):
                await self._wake.wait()

    def _leave(self, conv: str) -> None:
        task = self._tasks.get(conv)
        if task is not None and task.done():
            del self._tasks[conv]
            tenant = self._whose.pop(conv)
            self._sitting.leave(tenant)
            self._recent.left(conv)
            if not task.cancelled() and (error := task.exception()):
                log.error("A turn was lost to a bug; it is tried again.", exc_info=error)
                self.unsure()
            if self._sitting.waits(tenant):
                self.look()

    async def _run(self, claim: Claim) -> None:
        """Work through a conversation while it has events."""
        await self._rush.turn(claim.event.tenant)
        next_claim: Claim | None = claim
        while next_claim is not None:
            point("turn.claimed")
            try:
                more = await self._turn(next_claim)
            except Fenced:
                log.warning("A turn was overtaken.", extra={"event": next_claim.event.id})
                self.unsure()
                return
            if not more:
                return
            if self._draining or self._sitting.waits(claim.event.tenant):  # others wait for it
                self._seats.offer()
                return
            next_claim = await self._next(claim)
            if next_claim is None:  # somebody has it: a task of ours, or a claim that got lost
                self.unsure()

    async def _next(self, last: Claim) -> Claim | None:
        now, conv = to_us(self._clock.now()), last.conv
        try:
            return await self._db.write(rows.take(self._seats.owner, conv.tenant, conv.id, now))
        except StoreError as error:
            log.warning("The next event cannot be taken: %s", error.message)
            self.unsure()
            return None

    async def _turn(self, claim: Claim) -> bool:
        """One turn; True when the conversation has another event waiting. Raises Fenced."""
        event = claim.event
        self._live.begin(event.tenant, claim.conv.id, event.id, claim.attempt)
        try:
            end = await self._think(claim)
            if end is not None:
                return await self._finish(claim, await self._deliver(claim, end))
        except Fenced:
            raise
        except CodeTaken:  # by a turn that chose at the same time, or while this one was cut off
            chosen_anew = await self._db.write(journal.forget_code(claim))
            if not chosen_anew and claim.attempt + 1 >= ATTEMPTS:
                return await self._finish(claim, failed(claim, BROKEN))
        except StoreError as error:
            log.warning("A turn waits for the database: %s", error.message)
        except ConnectionBroken as error:  # a person must mend it; until then the answer waits
            log.warning("An answer waits for its platform: %s", error.message)
            if claim.attempt + 1 >= UNCARRIED:
                return await self._finish(claim, failed(claim, error.message))
        except Exception:
            log.exception("A turn could not be ended.", extra={"event": event.id})
            if claim.attempt + 1 >= ATTEMPTS:
                return await self._finish(claim, failed(claim, BROKEN))
        await self._put_back(claim)
        return False

    async def _think(self, claim: Claim) -> TurnEnd | None:
        """The part of a turn that `/stop` ends; None when it is to be put back."""
        conv = claim.conv.id
        self._stoppable.add(conv)
        try:
            return await self._handle(claim)
        except asyncio.CancelledError as stopped:
            if conv not in self._stopped:
                raise
            return TurnEnd(
                ending=Ending.ANSWERED,
                detail="stopped",
                reply="Stopped.",
                role="system",
                spends=stopped.spends if isinstance(stopped, Stopped) else (),
            )
        finally:
            self._stoppable.discard(conv)
            self._stopped.discard(conv)

    async def _handle(self, claim: Claim) -> TurnEnd | None:
        """The end of the turn; None when it is to be tried again."""
        try:
            return await self._handler(claim)
        except (Fenced, StoreError):
            raise
        except Diverged as error:
            if _untouched(claim) and claim.attempt < ATTEMPTS:
                log.warning(
                    "A turn starts over: %s", error.message, extra={"event": claim.event.id}
                )
                await self._db.write(journal.start_over(claim))
                return None
            return failed(claim, "This was cut off and could not be continued in the same way.")
        except BotError as error:
            log.error("A turn failed: %s", error.message, extra={"event": claim.event.id})
            return failed(claim, error.message, cause_of(error))
        except Exception:
            log.exception("A turn broke.", extra={"event": claim.event.id})
            return failed(claim, BROKEN) if claim.attempt + 1 >= ATTEMPTS else None

    async def _put_back(self, claim: Claim) -> None:
        """Let the event be tried again later. Raises Fenced."""
        jitter = 1 + self._clock.chance(1)[0] / 255
        pause = BACKOFF_S * 2 ** min(claim.attempt, ATTEMPTS) * jitter
        due = to_us(self._clock.now()) + int(pause * 1e6)
        await surely(self._db, lambda: rows.put_back(claim, due))
        asyncio.get_running_loop().call_later(pause, self.wake)

    async def _finish(self, claim: Claim, end: TurnEnd) -> bool:
        """Write the end; a full disk is waited out, so that nothing that was done is forgotten."""
        event, conv = claim.event, claim.conv
        now = self._clock.now()
        point("turn.before_finish")
        try:
            done = await surely(self._db, lambda: rows.finish(claim, end, to_us(now)))
        except Fenced:
            if not await self._db.read(rows.has_ended(claim)):
                raise
            done = rows.Finished(more=True)  # written, and its answer was lost
        point("turn.after_finish")
        self._ended(end)
        self._recent.closed(claim, done.said, done.last)
        said = _shown(claim, end, done.said, iso(now)) if done.said else {}
        self._live.end(event.tenant, conv.id, event.id, said)
        return done.more


def _shown(claim: Claim, end: TurnEnd, line: Line, at: str) -> dict[str, Json]:
    """The line that a turn ended with, as the API shows it."""
    return {
        "id": line.id,
        "role": end.role,
        "agent": end.agent or "",
        "text": end.reply,
        "at": at,
        "turn": claim.event.id,
        "n": line.n,
        "approval": end.approval.id if end.approval else None,
        "footer": end.footer,
        **told(end.cause),
        **files_of(end.attachments),
        **outside(end.role, claim.conv.tainted or end.tainted),
        "usage": {
            "tokens_in": sum(spend.usage.tokens_in for spend in end.spends),
            "tokens_out": sum(spend.usage.tokens_out for spend in end.spends),
        },
    }


def failed(claim: Claim, sentence: str, cause: str = INTERNAL) -> TurnEnd:
    """A failure, told to the person with the id that the log has as well."""
    return TurnEnd(
        ending=Ending.FAILED,
        detail=sentence,
        reply=f"{sentence} (`{claim.event.id}`)",
        cause=cause,
        role="system",
    )


def _untouched(claim: Claim) -> bool:
    """No tool effect of an earlier attempt has left `planned`."""
    return all(
        effect.state is EffectState.PLANNED or effect.kind is not EffectKind.TOOL
        for effect in claim.effects
    )
