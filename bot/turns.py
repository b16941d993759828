"""Turns: claim what waits, run it, deliver the answer, end it in one commit, look for more.

A fixed number of turns is open at a time (`seats`); what comes beyond waits on the disk and is
taken round-robin by tenant. A turn that breaks is tried again a few times with growing pauses and
then told as failed; a turn that is overtaken by another process is dropped; a full disk is waited
out. At a stop, running turns get a moment to end; what remains goes on at the next start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.conversation import Claim, TurnEnd
from bot.core.effect import EffectKind, EffectState
from bot.core.errors import BotError, Diverged, Fenced, StoreError
from bot.core.event import Ending
from bot.core.points import point
from bot.core.ports import Clock, Live, new_id
from bot.core.times import iso, to_us
from bot.store import turns as rows
from bot.store.script import Database, Script

log = logging.getLogger(__name__)

ATTEMPTS = 4
BACKOFF_S = 0.5
SWEEP_S = 2.0
"""How long the dispatcher sleeps at most: the guarantee behind the wake-ups."""

Handler = Callable[[Claim], Awaitable[TurnEnd]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done in a turn."""

    handle: Handler
    deliver: Callable[[Claim, TurnEnd], Awaitable[None]]
    """Brings the answer to where it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """How many turns may be open, and the name under which this process claims."""

    owner: str
    count: int = 1000


class Turns:
    """The open turns of this process."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        work: Work,
        live: Live,
        seats: Seats,
    ) -> None:
        self._db = db
        self._clock = clock
        self._handler = work.handle
        self._deliver = work.deliver
        self._live = live
        self._owner = seats.owner
        self._seats = seats.count
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped: set[str] = set()
        self._stoppable: set[str] = set()
        self._wake = asyncio.Event()
        self._after = ""
        self._crowded = False
        self._draining = False

    @property
    def open(self) -> int:
        """How many turns are open."""
        return len(self._tasks)

    # The port of the inbox.

    def free(self) -> str:
        """The owner's name when a turn may open at once."""
        if self._draining or self._crowded or len(self._tasks) >= self._seats:
            return ""
        return self._owner

    def start(self, claim: Claim) -> None:
        """Run a claimed turn."""
        task = asyncio.ensure_future(self._run(claim))
        self._tasks[claim.conv.id] = task
        task.add_done_callback(lambda _: self._leave(claim.conv.id))

    def wake(self) -> None:
        """Look for work."""
        self._wake.set()

    def stop(self, conv: str) -> bool:
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
            room = self._seats - len(self._tasks)
            claims: list[Claim] = []
            if room > 0:
                claims = await self._claim(min(room, 64))
                for claim in claims:
                    self._after = claim.event.tenant
                    self.start(claim)
            self._crowded = room <= 0
            if not claims or room <= 0:
                await self._sleep()

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

    async def _claim(self, limit: int) -> list[Claim]:
        now = to_us(self._clock.now())
        try:
            claims = await self._db.write(rows.claim(self._owner, now, limit, self._after))
        except StoreError as error:
            log.warning("No turn can be claimed: %s", error.message)
            await asyncio.sleep(SWEEP_S)
            return []
        for _ in claims:
            point("turn.claimed")
        return claims

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _leave(self, conv: str) -> None:
        task = self._tasks.get(conv)
        if task is not None and task.done():
            del self._tasks[conv]
            if not task.cancelled() and (error := task.exception()):
                log.error("A turn was lost to a bug; it goes on after a restart.", exc_info=error)
            if self._crowded:
                self.wake()

    async def _run(self, claim: Claim) -> None:
        """Work through a conversation while it has events."""
        next_claim: Claim | None = claim
        while next_claim is not None:
            try:
                more = await self._turn(next_claim)
            except Fenced:
                log.warning("A turn was overtaken.", extra={"event": next_claim.event.id})
                return
            if not more or self._draining:
                return
            now = to_us(self._clock.now())
            next_claim = await self._db.write(rows.take(self._owner, claim.conv.id, now))

    async def _turn(self, claim: Claim) -> bool:
        event, conv = claim.event, claim.conv
        self._live.begin(event.tenant, conv.id, event.id, claim.attempt)
        try:
            self._stoppable.add(conv.id)
            end = await self._handle(claim)
        except asyncio.CancelledError:
            if conv.id not in self._stopped:
                raise
            self._stopped.discard(conv.id)
            end = TurnEnd(ending=Ending.ANSWERED, detail="stopped", reply="Stopped.", role="system")
        finally:
            self._stoppable.discard(conv.id)
        if end is None:
            return False
        await self._deliver(claim, end)
        return await self._finish(claim, end)

    async def _handle(self, claim: Claim) -> TurnEnd | None:
        """The end of the turn; None when it was put back to be tried again."""
        try:
            return await self._handler(claim)
        except Fenced:
            raise
        except Diverged as error:
            if _untouched(claim) and claim.attempt < ATTEMPTS:
                log.warning(
                    "A turn starts over: %s", error.message, extra={"event": claim.event.id}
                )
                await self._db.write(_start_over(claim, to_us(self._clock.now())))
                self.wake()
                return None
            return failed(claim, "This was cut off and could not be continued in the same way.")
        except BotError as error:
            log.error("A turn failed: %s", error.message, extra={"event": claim.event.id})
            return failed(claim, error.message)
        except Exception:
            log.exception("A turn broke.", extra={"event": claim.event.id})
            if claim.attempt + 1 >= ATTEMPTS:
                return failed(claim, "Something went wrong on our side; nothing more was done.")
            await self._put_back(claim)
            return None

    async def _put_back(self, claim: Claim) -> None:
        jitter = 1 + self._clock.chance(1)[0] / 255
        pause = BACKOFF_S * 2**claim.attempt * jitter
        due = to_us(self._clock.now()) + int(pause * 1e6)
        await self._db.write(rows.put_back(claim, due))
        asyncio.get_running_loop().call_later(pause, self.wake)

    async def _finish(self, claim: Claim, end: TurnEnd) -> bool:
        """Write the end; a full disk is waited out, so that nothing that was done is forgotten."""
        event, conv = claim.event, claim.conv
        line = f"msg_{event.id[4:]}"
        pause = 0.2
        while True:
            now = self._clock.now()
            point("turn.before_finish")
            try:
                done = await self._db.write(rows.finish(claim, end, line, to_us(now)))
                break
            except StoreError as error:
                self._live.tell(event.tenant, conv.id, "error", {"message": error.message})
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)
        point("turn.after_finish")
        said = (
            {}
            if not done.line
            else {
                "id": done.line,
                "role": end.role,
                "agent": end.agent or "",
                "text": end.reply,
                "at": iso(now),
                "turn": event.id,
                "n": done.n,
                "approval": end.approval.id if end.approval else None,
                "footer": end.footer,
            }
        )
        self._live.end(event.tenant, conv.id, event.id, said)
        if end.new_session:
            await self._db.write(rows.new_session(claim, new_id(self._clock, "cnv"), to_us(now)))
        return done.more


def failed(claim: Claim, sentence: str) -> TurnEnd:
    """A failure, told to the person with the id that the log has as well."""
    return TurnEnd(
        ending=Ending.FAILED,
        detail=sentence,
        reply=f"{sentence} (`{claim.event.id}`)",
        role="system",
    )


def _untouched(claim: Claim) -> bool:
    """No tool effect of an earlier attempt has left `planned`."""
    return all(
        effect.state is EffectState.PLANNED or effect.kind is not EffectKind.TOOL
        for effect in claim.effects
    )


def _start_over(claim: Claim, at: int) -> Script[None]:
    yield from rows.start_over(claim)
    yield from rows.put_back(claim, at)
