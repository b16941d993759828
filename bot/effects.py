"""The ledger of deeds: perform once, settle, look up after a crash, ask when nobody knows.

`sending` is on the disk before a vendor is called. What happens when the answer is missing, now or
after a crash, is the same and depends on the effect's policy alone:

    keyed      call again with the same key, inside the vendor's window
    readback   look it up: there → sent; surely not there → call again
    none       seen after all → sent; else in doubt: a person is asked; never a blind second call

Effects inside a turn are performed by the turn; those that waited for a person by `run` here, in
the order shown within one question, questions side by side.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from bot.approvals import tell_live
from bot.core.conversation import Claim
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import (
    BotError,
    Fenced,
    OperatorError,
    StoreError,
    UserError,
    VendorError,
    VendorUnknown,
)
from bot.core.ports import Clock, Live, Performer, new_id
from bot.core.times import to_us
from bot.fleet import Peers
from bot.frozen import frozen
from bot.points import point
from bot.questions import Questions
from bot.store import decisions, journal
from bot.store import effects as rows
from bot.store.approvals import CodeTaken
from bot.store.deeds import ask_doubt, settle
from bot.store.patient import surely
from bot.store.script import Database, Script, restartable

T = TypeVar("T")
log = logging.getLogger(__name__)

ATTEMPTS = 4
CUT_OFF = 20
"""Calls of one deed in all: a deed that ends the process every time is asked about in the end."""
CALL_TIMEOUT_S = 60.0
LOOK_AFTER_S = 2.0
"""How long after an unanswered call a look-up begins: what is still on its way must have arrived,
and vendors list a new post a moment later."""
LOOKS = 3
"""How often a deed is looked for that can be seen, but whose absence cannot."""
ROUND_S = 30.0
"""How often it looks for what has lost its hands: the guarantee behind the wake-ups."""
PAUSE_S = 1.0
"""How long it waits when the database fails."""
CODES = 50
"""How many codes are tried for a question before it gives up."""
_UNKNOWN = Outcome(state=EffectState.IN_DOUBT, error="Nobody can say whether it was done.")


@frozen
class Performers:
    """Who performs what."""

    tool: Performer
    channel: Performer

    def of(self, effect: Effect) -> Performer:
        """The performer of one effect."""
        return self.tool if effect.kind is EffectKind.TOOL else self.channel


@frozen
class Around:
    """Who is told of an end, and who else might perform."""

    live: Live
    wake_turns: Callable[[], None]
    peers: Peers


class Effects:
    """Performs effects."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        performers: Performers,
        questions: Questions,
        around: Around,
    ) -> None:
        self._db = db
        self._clock = clock
        self._performers = performers
        self._questions = questions
        self._live = around.live
        self._wake_turns = around.wake_turns
        self._peers = around.peers
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._elsewhere: set[str] = set()  # groups that another process is working on
        self._mine: set[str] = set()
        """Effects that a task of this process is bringing to their end."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def wake(self) -> None:
        """Look for effects that became ready."""
        self._wake.set()

    async def perform(self, effect: Effect, claim: Claim) -> Outcome:
        """Perform one effect of a running turn: commit `sending`, call, settle. Raises Fenced.

        Once begun it goes on to its end, also when the turn is stopped meanwhile.
        """
        return await asyncio.shield(self._spawn(self._perform(effect, claim), effect))

    async def _perform(self, effect: Effect, claim: Claim) -> Outcome:
        born = replace(effect, state=EffectState.SENDING, attempt=1, started_at=self._clock.now())
        point("effect.before_sending")
        await self._db.write(_bear(claim, born, self._now(), self._peers.id))
        point("effect.after_sending")
        outcome = await self._call(born)
        return await self._conclude(born, outcome)

    async def resume(self, effect: Effect) -> Outcome:
        """Bring an effect to its end that an earlier attempt of its turn left `sending`."""
        return await asyncio.shield(self._spawn(self._resume(effect), effect))

    async def recover(self) -> int:
        """Bring to an end what is `sending` and has lost its hands: by a crash, a failed commit."""
        groups: dict[str, list[Effect]] = {}
        found = await self._db.read(rows.stuck())
        others = (await self._peers.living() if found else frozenset()) - {self._peers.id}
        self._elsewhere = {_group(effect) for owner, effect in found if owner in others}
        for owner, effect in found:
            if owner not in others and effect.id not in self._mine:
                groups.setdefault(_group(effect) or effect.id, []).append(effect)
        return self._start(groups, self._resume)

    async def run(self) -> None:
        """Perform what became ready, until cancelled."""
        try:
            while True:
                self._wake.clear()
                await self._sleep(await self._round())
        finally:
            for task in list(self._tasks):
                task.cancel()

    async def _round(self) -> float:
        """Look once for what is to be done; returns in how many seconds to look again."""
        try:
            await self.recover()
            groups: dict[str, list[Effect]] = {}
            for item in await self._db.read(rows.ready(self._now(), 100)):
                groups.setdefault(_group(item), []).append(item)
            self._start(groups, self._run_one)
            due = await self._db.read(rows.next_due(self._now()))
        except Exception:
            log.exception("The effects could not be read.")
            return PAUSE_S
        ahead = 0.0 if due is None else (due - self._now()) / 1e6
        return min(ROUND_S, ahead) if ahead > 0 else ROUND_S  # what is due now runs, and wakes us

    def _start(
        self,
        groups: dict[str, list[Effect]],
        work: Callable[[Effect], Coroutine[object, None, object]],
    ) -> int:
        """Work through groups side by side, and in order within each; returns how many began."""
        free = [group for group in groups if group not in self._busy | self._elsewhere]
        for group in free:
            self._busy.add(group)
            self._spawn(self._run_group(group, groups[group], work), groups[group][0])
        return len(free)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _spawn(self, work: Coroutine[object, None, T], effect: Effect) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=f"effect {effect.id}")
        self._tasks.add(task)
        self._mine.add(effect.id)
        task.add_done_callback(lambda done: self._done(done, effect.id))
        return task

    def _done(self, task: asyncio.Task[Any], effect: str) -> None:
        self._tasks.discard(task)
        self._mine.discard(effect)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreError | Fenced):
            log.warning("An effect is left for later: %s", error.message)
        elif error:
            log.error("An effect could not be brought to its end.", exc_info=error)

    async def _run_group(
        self,
        group: str,
        members: list[Effect],
        work: Callable[[Effect], Coroutine[object, None, object]],
    ) -> None:
        try:
            if not await self._peers.take(f"effects:{group}"):
                await asyncio.sleep(PAUSE_S)
                return
            for item in members:
                self._mine.add(item.id)
                await work(item)
                self._mine.discard(item.id)
            await self._peers.drop(f"effects:{group}")
        except StoreError:
            await asyncio.sleep(PAUSE_S)  # and then look again, not at once
            raise
        finally:
            self._mine.difference_update(item.id for item in members)
            self._busy.discard(group)
            self.wake()

    async def _run_one(self, item: Effect) -> None:
        point("effect.before_sending")
        begun = await self._db.write(rows.begin(item.tenant, item.id, self._now(), self._peers.id))
        point("effect.after_sending")
        if begun:
            too_late = self._too_late(begun)
            await self._conclude(begun, too_late or await self._call_or_look(begun))

    def _too_late(self, effect: Effect) -> Outcome | None:
        """What a deed comes to whose time was missed by so much that the yes was for another."""
        due = self._questions.due(effect) if effect.attempt == 1 and not effect.doubt else None
        if due is None or self._now() - to_us(due) <= decisions.LATE_US:
            return None
        error = f"It was to be done at {due:%Y-%m-%d %H:%M %Z}, more than a day ago. Ask anew."
        return Outcome(state=EffectState.FAILED, error=error)

    async def _resume(self, effect: Effect) -> Outcome:
        return await self._conclude(effect, _UNKNOWN)  # which finds out what it can, once

    async def _call_or_look(self, effect: Effect) -> Outcome:
        """Call; but look first when a person says to do again what can be looked up."""
        if effect.doubt and effect.policy is Policy.READBACK:
            found, known = await self._find(effect)
            if not known:
                return Outcome(state=EffectState.IN_DOUBT, error="It cannot be looked up now.")
            if found:
                return found
        return await self._call(effect)

    async def _call(self, effect: Effect) -> Outcome:
        """Call the vendor once. An answer that is missing is IN_DOUBT, never an exception.

        Raises Fenced when others may have taken this process for dead, and begun the same.
        """
        if not self._peers.holds():
            raise Fenced(effect=effect.id)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                outcome = await self._performers.of(effect).perform(effect)
        except (TimeoutError, VendorUnknown) as error:
            outcome = Outcome(state=EffectState.IN_DOUBT, error=str(error) or "No answer in time.")
        except VendorError as error:
            outcome = Outcome(
                state=EffectState.FAILED, error=error.message, retry_after_s=error.retry_after_s
            )
        except (UserError, OperatorError) as error:
            outcome = Outcome(state=EffectState.FAILED, error=error.message)
        except BotError as error:
            outcome = Outcome(state=EffectState.IN_DOUBT, error=error.message)
        except Exception:
            log.exception("A performer failed.", extra={"effect": effect.id})
            outcome = Outcome(state=EffectState.IN_DOUBT, error="It broke off in the middle.")
        point("effect.after_call")
        return outcome

    async def _resolve(self, effect: Effect, outcome: Outcome) -> Outcome:
        """Find out, without harm, what became of a call whose answer is missing; else what it said.

        Calls that a death cut off are no silence of the vendor: after them there is one more.
        """
        doubt = outcome
        most = min(max(ATTEMPTS, effect.attempt + 1), CUT_OFF)
        while effect.policy is not Policy.NONE:
            await asyncio.sleep(LOOK_AFTER_S)
            if effect.policy is Policy.READBACK:
                found, known = await self._find(effect)
                if found:
                    return found
                if not known:
                    break
            elif not self._in_window(effect):
                break
            if effect.attempt >= most:
                break
            effect = await self._db.write(rows.attempt_again(effect, self._now(), self._peers.id))
            outcome = await self._call(effect)
            if outcome.state is EffectState.SENT:
                return outcome
            # A look-up proved the call before this one void; a key that is refused proves nothing.
            if outcome.state is EffectState.FAILED and effect.policy is Policy.READBACK:
                return outcome
            doubt = outcome if outcome.state is EffectState.IN_DOUBT else doubt
        return doubt

    async def _seen(self, effect: Effect, outcome: Outcome) -> Outcome:
        """That it was done, where a look-up shows that much; else the outcome as it was."""
        for _ in range(LOOKS if effect.kind is EffectKind.TOOL else 0):
            found, known = await self._find(effect)
            if found and found.state is EffectState.SENT:
                return found
            if known and not found:
                break
            await asyncio.sleep(LOOK_AFTER_S)
        return outcome

    async def _find(self, effect: Effect) -> tuple[Outcome | None, bool]:
        """Look it up: what was found, and whether the look-up itself worked."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await self._performers.of(effect).find(effect), True
        except Exception as error:  # noqa: BLE001 (a look-up that breaks has found nothing)
            log.warning("A look-up failed: %s", type(error).__name__, extra={"effect": effect.id})
            return None, False

    def _in_window(self, effect: Effect) -> bool:
        """Whether the vendor surely knows the key: not by a person's word to do it again, since it
        is older than that word.
        """
        if effect.started_at is None or effect.doubt:
            return False
        return self._clock.now() - effect.started_at < timedelta(seconds=effect.window_s)

    async def _conclude(self, effect: Effect, outcome: Outcome) -> Outcome:
        """Write down how it ended, and go on from there."""
        if outcome.state is EffectState.IN_DOUBT:
            is_mute = effect.policy is Policy.NONE
            outcome = await (
                self._seen(effect, outcome) if is_mute else self._resolve(effect, outcome)
            )
        if outcome.state is EffectState.IN_DOUBT:
            await self._ask(effect, outcome)
        elif outcome.retry_after_s is not None and effect.attempt < ATTEMPTS and _group(effect):
            due = self._now() + int(outcome.retry_after_s * 1e6)
            await surely(self._db, lambda: rows.retry(effect, due, outcome.error, self._now()))
            self.wake()
        else:
            await self._settle(effect, outcome)
        return outcome

    async def _settle(self, effect: Effect, outcome: Outcome) -> None:
        ids = decisions.Ids(
            event=new_id(self._clock, "evt"),
            conv=new_id(self._clock, "cnv"),
            line=new_id(self._clock, "msg"),
        )
        asked = await surely(self._db, lambda: settle(effect, outcome, self._now(), ids))
        point("effect.after_settle")
        if asked:
            tell_live(self._live, asked)
        self._wake_turns()

    async def _ask(self, effect: Effect, outcome: Outcome) -> None:
        """Ask a person what became of it, in the place where it was asked for."""
        line = new_id(self._clock, "msg")
        for _ in range(CODES):
            question = self._questions.doubt(effect, outcome.error)
            try:
                script = partial(ask_doubt, effect, question, outcome.error, line, self._now())
                asked = await surely(self._db, script)
            except CodeTaken:
                continue
            if asked:
                tell_live(self._live, question)
                await self._questions.show(question)
            return

    def _now(self) -> int:
        return to_us(self._clock.now())


@restartable
def _bear(claim: Claim, born: Effect, at: int, owner: str) -> Script[None]:
    """Write an effect of a turn as `sending`, if the turn is still ours."""
    yield from journal.hold(claim, born.step)
    yield from rows.plan(born, at, owner)


def _group(effect: Effect) -> str:
    return effect.approval or effect.doubt or ""
