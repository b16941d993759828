"""The ledger of deeds: perform once, settle, look up after a crash, ask when nobody knows.

`sending` is on the disk before a vendor is called. What happens when the answer is missing, now or
after a crash, is the same and depends on the effect's policy alone:

    keyed      call again with the same key, inside the vendor's window
    readback   look it up: there → sent; surely not there → call again
    none       in doubt: a person is asked; never a blind second call

Effects inside a turn are performed by the turn; those that waited for a person by `run` here, in
the order shown within one question, questions side by side.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.approvals import tell_live
from bot.core.approval import Approval
from bot.core.conversation import Line
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import BotError, OperatorError, UserError, VendorError, VendorUnknown
from bot.core.points import point
from bot.core.ports import Clock, Live, Performer, new_id
from bot.core.times import from_us, to_us
from bot.questions import Questions
from bot.store import approvals as approval_rows
from bot.store import conversations, decisions
from bot.store import effects as rows
from bot.store.script import Database, Script

T = TypeVar("T")
log = logging.getLogger(__name__)

ATTEMPTS = 4
CALL_TIMEOUT_S = 60.0
LOOK_AFTER_S = 2.0
"""How long after an unanswered call a look-up begins: vendors list a new post a moment later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performers:
    """Who performs what."""

    tool: Performer
    channel: Performer

    def of(self, effect: Effect) -> Performer:
        """The performer of one effect."""
        return self.tool if effect.kind is EffectKind.TOOL else self.channel


class Effects:
    """Performs effects."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        performers: Performers,
        questions: Questions,
        live: Live,
        wake_turns: Callable[[], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._performers = performers
        self._questions = questions
        self._live = live
        self._wake_turns = wake_turns
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def wake(self) -> None:
        """Look for effects that became ready."""
        self._wake.set()

    async def perform(self, effect: Effect) -> Outcome:
        """Perform one effect of a running turn: commit `sending`, call, settle.

        Once begun it goes on to its end, also when the turn is stopped meanwhile.
        """
        return await asyncio.shield(self._spawn(self._perform(effect), effect))

    async def _perform(self, effect: Effect) -> Outcome:
        born = replace(effect, state=EffectState.SENDING, attempt=1, started_at=self._clock.now())
        point("effect.before_sending")
        await self._db.write(rows.plan(born, self._now()))
        point("effect.after_sending")
        outcome = await self._call(born)
        return await self._conclude(born, outcome)

    async def resume(self, effect: Effect) -> Outcome:
        """Bring an effect to its end that an earlier attempt of its turn left `sending`."""
        return await asyncio.shield(self._spawn(self._resume(effect), effect))

    async def recover(self) -> int:
        """At start: bring to an end what was `sending` when the process died."""
        stuck = await self._db.read(rows.stuck())
        for effect in stuck:
            self._spawn(self._resume(effect), effect)
        return len(stuck)

    async def run(self) -> None:
        """Perform what became ready, until cancelled."""
        try:
            while True:
                self._wake.clear()
                items = await self._db.read(rows.ready(self._now(), 100))
                groups: dict[str, list[Effect]] = {}
                for item in items:
                    groups.setdefault(_group(item), []).append(item)
                for group, members in groups.items():
                    if group not in self._busy:
                        self._busy.add(group)
                        self._spawn(self._run_group(group, members), members[0])
                due = await self._db.read(rows.next_due())
                await self._sleep(due)
        finally:
            for task in list(self._tasks):
                task.cancel()

    async def _sleep(self, due: int | None) -> None:
        ahead = 0.0 if due is None else (due - self._now()) / 1e6
        wait = min(30.0, ahead) if ahead > 0 else 30.0  # what is due now runs, and wakes us
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _spawn(self, work: Coroutine[object, None, T], effect: Effect) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=f"effect {effect.id}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("An effect could not be brought to its end.", exc_info=error)

    async def _run_group(self, group: str, members: list[Effect]) -> None:
        try:
            for item in members:
                begun = await self._begin(item)
                if begun is None:
                    continue
                outcome = await self._call(begun)
                await self._conclude(begun, outcome)
        finally:
            self._busy.discard(group)
            self.wake()

    async def _begin(self, item: Effect) -> Effect | None:
        point("effect.before_sending")
        begun = await self._db.write(rows.begin(item.tenant, item.id, self._now()))
        point("effect.after_sending")
        return begun

    async def _resume(self, effect: Effect) -> Outcome:
        return await self._conclude(effect, await self._resolve(effect))

    async def _call(self, effect: Effect) -> Outcome:
        """Call the vendor once. An answer that is missing is IN_DOUBT, never an exception."""
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

    async def _resolve(self, effect: Effect) -> Outcome:
        """Find out, without harm, what became of a call whose answer is missing."""
        while effect.attempt < ATTEMPTS:
            if effect.policy is Policy.READBACK:
                found, known = await self._find(effect)
                if found:
                    return found
                if not known:
                    break
            elif effect.policy is Policy.KEYED:
                if not self._in_window(effect):
                    break
            else:
                break
            effect = await self._db.write(rows.attempt_again(effect, self._now()))
            outcome = await self._call(effect)
            if outcome.state is EffectState.SENT:
                return outcome
            # A look-up proved the call before this one void; a key proves nothing when refused.
            if outcome.state is EffectState.FAILED and effect.policy is Policy.READBACK:
                return outcome
            await asyncio.sleep(LOOK_AFTER_S)
        return Outcome(state=EffectState.IN_DOUBT, error="Nobody can say whether it was done.")

    async def _find(self, effect: Effect) -> tuple[Outcome | None, bool]:
        """Look it up: what was found, and whether the look-up itself worked."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await self._performers.of(effect).find(effect), True
        except Exception as error:  # noqa: BLE001 (a look-up that breaks has found nothing)
            log.warning("A look-up failed: %s", type(error).__name__, extra={"effect": effect.id})
            return None, False

    def _in_window(self, effect: Effect) -> bool:
        if effect.started_at is None:
            return False
        return self._clock.now() - effect.started_at < timedelta(seconds=effect.window_s)

    async def _conclude(self, effect: Effect, outcome: Outcome) -> Outcome:
        """Write down how it ended, and go on from there."""
        if outcome.state is EffectState.IN_DOUBT and effect.policy is not Policy.NONE:
            await asyncio.sleep(LOOK_AFTER_S if effect.policy is Policy.READBACK else 0)
            outcome = await self._resolve(effect)
        if outcome.state is EffectState.IN_DOUBT:
            await self._ask(effect, outcome)
        elif outcome.retry_after_s is not None and effect.attempt < ATTEMPTS and _group(effect):
            due = self._now() + int(outcome.retry_after_s * 1e6)
            await self._db.write(rows.retry(effect, due, outcome.error, self._now()))
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
        asked = await self._db.write(settle(effect, outcome, self._now(), ids))
        point("effect.after_settle")
        if asked:
            tell_live(self._live, asked)
            self._wake_turns()

    async def _ask(self, effect: Effect, outcome: Outcome) -> None:
        """Ask a person what became of it, in the place where it was asked for."""
        question = self._questions.doubt(effect, outcome.error)
        line = new_id(self._clock, "msg")
        asked = await self._db.write(ask_doubt(effect, question, outcome.error, line, self._now()))
        if asked:
            tell_live(self._live, question)
            await self._questions.show(question)

    def _now(self) -> int:
        return to_us(self._clock.now())


def settle(
    effect: Effect, outcome: Outcome, at: int, ids: decisions.Ids
) -> Script[Approval | None]:
    """Settle an effect and, when its question is thereby complete, tell the agent."""
    settled = yield from rows.settle(effect, outcome, at)
    asked_in = effect.approval or effect.doubt
    if settled is None or asked_in is None:
        return None
    item = yield from approval_rows.get(effect.tenant, asked_in)
    if item:
        yield from decisions.settle_group(item, at, ids)
    return item


def ask_doubt(effect: Effect, question: Approval, error: str, line: str, at: int) -> Script[bool]:
    """Mark an effect as in doubt together with the question about it."""
    asked = yield from rows.doubt(effect, question.id, error, at)
    if not asked:
        return False
    yield from approval_rows.open_(question)
    said = Line(
        id=line,
        seq=0,
        turn=effect.turn,
        role="system",
        text=question.card.title,
        at=from_us(at),
        agent=effect.agent,
        approval=question.id,
    )
    yield from conversations.say(effect.tenant, effect.conv, said)
    return True


def _group(effect: Effect) -> str:
    return effect.approval or effect.doubt or ""
