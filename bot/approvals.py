"""Questions to people: how they are laid out, who may answer, and what an answer does.

The rows and the one compare-and-set live in `bot/store/decisions.py`; here an edit is checked
before the transaction, and everyone who watches is told after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.approval import Answer, Approval, ApprovalKind, ApprovalState, Decision
from bot.core.canonical import Json
from bot.core.conversation import Claim, Line
from bot.core.effect import Effect, EffectState
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.event import Event
from bot.core.ids import AgentName, EffectId, TenantId
from bot.core.ports import Clock, Live, new_id
from bot.core.times import to_us
from bot.points import point
from bot.questions import Questions, hash_of, rebound, why_of
from bot.store import approvals as rows
from bot.store import conversations, decisions, inbox, spends, withdrawals
from bot.store import effects as effect_rows
from bot.store.script import Database, Script, restartable

REMIND_AFTER = timedelta(hours=4)
REMINDED_AT_ONCE = 50
REMEMBERED = timedelta(days=7)
"""So long a code is known after it was decided; then the number may stand for something else."""


class Approvals:
    """Answers questions."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        questions: Questions,
        live: Live,
        wake: Callable[[], None],
        allow_micros: int = 0,
    ) -> None:
        """One yes to a budget question allows `allow_micros` millionths of a dollar."""
        self._allow_micros = allow_micros
        self._db = db
        self._clock = clock
        self._questions = questions
        self._live = live
        self._wake = wake

    async def get(self, tenant: TenantId, id_: str) -> tuple[Approval, tuple[Effect, ...]]:
        """One question and what it covers. Raises NotFound."""
        item, covered = await self._db.read(_with_effects(tenant, id_))
        if item is None:
            raise NotFound("There is no such approval here.")
        return item, covered

    def title(self, effect: Effect) -> str:
        """What a deed is called, in its tool's own words."""
        return self._questions.title(effect)

    async def by_code(self, tenant: TenantId, code: str) -> Approval | None:
        """The pending question of a code."""
        return await self._db.read(rows.by_code(tenant, code))

    async def ended(self, tenant: TenantId, code: str) -> Approval | None:
        """What had this code and was decided in the last days."""
        since = to_us(self._clock.now() - REMEMBERED)
        return await self._db.read(rows.ended(tenant, code, since))

    async def moves_money(self, item: Approval) -> bool:
        """Whether a yes to this would spend or move money."""
        if item.card.amount or item.kind is ApprovalKind.BUDGET:
            return True
        covered = await self._db.read(effect_rows.of_approval(item.tenant, item.id))
        return any(self._questions.moves_money(effect) for effect in covered)

    async def decide(
        self,
        tenant: TenantId,
        answer: Answer,
        press: Event | None = None,
        conv: str = "",
        body_hash: str = "",
    ) -> Approval:
        """Apply an answer in one commit, together with the press that brought it.

        Raises NotFound, Forbidden, Conflict (stale, late, second), Invalid (an edit that does not
        fit; the question stays open).
        """
        edit = None
        if answer.decision is Decision.EDIT:
            edit = await self._edit(tenant, answer)
        ids = decisions.Ids(
            event=new_id(self._clock, "evt"),
            conv=new_id(self._clock, "cnv"),
            line=new_id(self._clock, "msg"),
        )
        at = to_us(self._clock.now())
        point("decide.before_commit")
        decided = decisions.decide(answer, tenant, at, ids, edit, self._questions.due)
        stored = _store_press(press, (conv, body_hash), answer, at) if press else None
        done = await self._db.write(_decide(decided, answer, tenant, stored, self._allow_micros))
        point("decide.after_commit")
        tell_live(self._live, done)
        self._wake()
        if edit or done.state is not ApprovalState.PENDING:
            await self._questions.show(done)
        return done

    async def withdraw(
        self, claim: Claim, agent: AgentName, id_: str, why: str, steps: int
    ) -> Approval:
        """Take back what an agent asked for, and say so on every copy of its card.

        Idempotent. Raises NotFound, Conflict, Fenced, StoreError.
        """
        at = to_us(self._clock.now())
        done = await self._db.write(withdrawals.withdraw(claim, agent, id_, why, at, steps))
        tell_live(self._live, done)
        await self._questions.show(done)
        return done

    async def mind(self) -> int:
        """Remind of what waits long, and close what waited too long; returns how many."""
        await self.remind()
        return await self.expire()

    async def expire(self) -> int:
        """Close what nobody answered in time; returns how many."""
        now = to_us(self._clock.now())
        late = await self._db.read(rows.due(now))
        for item in late:
            ids = decisions.Ids(
                event=new_id(self._clock, "evt"),
                conv=new_id(self._clock, "cnv"),
                line=new_id(self._clock, "msg"),
            )
            if await self._db.write(decisions.expire(item, now, ids)):
                tell_live(self._live, replace(item, state=ApprovalState.EXPIRED))
        if late:
            self._wake()
        return len(late)

    async def remind(self) -> int:
        """Say once of each question that has waited for hours that it still waits."""
        now = self._clock.now()
        ids = [new_id(self._clock, "msg") for _ in range(REMINDED_AT_ONCE)]
        script = _remind(to_us(now - REMIND_AFTER), now, ids)
        reminded = await self._db.write(script)
        for item in reminded:
            self._live.tell(item.tenant, item.conv, "look", {})
            tell_live(self._live, item)
        return len(reminded)

    async def _edit(self, tenant: TenantId, answer: Answer) -> decisions.Edit:
        """Check an edit and lay out the card that it makes."""
        item, whole = await self.get(tenant, answer.approval)
        if item.state is not ApprovalState.PENDING:
            raise Conflict(item.card.decided or f"This was {item.state.value} already.")
        covered = [effect for effect in whole if effect.state is EffectState.AWAITING]
        unknown = set(answer.arguments) - {effect.id for effect in covered}
        if unknown or not answer.arguments:
            raise Invalid("The edit names no action of this approval.")
        changes: list[tuple[Effect, Effect]] = []
        arguments: dict[EffectId, Mapping[str, Json] | None] = {}
        for effect in covered:
            if effect.id in answer.arguments:
                given = answer.arguments[effect.id]
                if given is None:
                    arguments[effect.id] = None
                    continue
                full = self._questions.check(effect, given)
                arguments[effect.id] = full
                changes.append((effect, rebound(effect, full)))
            else:
                changes.append((effect, effect))
        if not changes:
            raise Invalid("Every action is struck out; press Reject instead.")
        who = await self._questions.deciders(item, changes)
        new = [changed for _, changed in changes]
        laid, was = self._questions.layout(new), self._questions.layout(covered)
        asked = tuple(w for w in item.card.warnings if w not in was.warnings)
        card = replace(
            item.card,
            title=laid.title,
            amount=laid.amount,
            recipients=laid.recipients,
            fields=laid.fields,
            body=laid.body,
            warnings=laid.warnings + asked,
            audience=laid.audience,
            sandbox=laid.sandbox,
            approvers=who.names,
            why=why_of(item.why, who.needs),
        )
        return decisions.Edit(
            arguments=arguments,
            hashes={effect.id: effect.hash for effect in new},
            hash=hash_of(new),
            card=card,
            version=item.version,
            needs=who.needs,
            approvers=who.approvers,
        )


def tell_live(live: Live, item: Approval) -> None:
    """Tell everyone who watches that a question changed."""
    live.tell(
        item.tenant,
        item.conv,
        "approval",
        {"id": item.id, "state": item.state.value, "version": item.version},
    )


@restartable
def _remind(before: int, now: datetime, ids: Sequence[str]) -> Script[list[Approval]]:
    waiting = yield from rows.remind(before, to_us(now), len(ids))
    for item, id_ in zip(waiting, ids, strict=False):
        text = f"Still waiting for a yes: {item.card.title} (code {item.code})."
        said = Line(
            id=id_,
            seq=0,
            turn=item.turn,
            role="system",
            text=text,
            at=now,
            agent=item.agent,
            approval=item.id,
        )
        yield from conversations.say(item.tenant, item.conv, said)
    return waiting


@restartable
def _store_press(press: Event, where: tuple[str, str], answer: Answer, at: int) -> Script[bool]:
    """Store the press that brings an answer; True when it was delivered before."""
    conv, body_hash = where
    stored = inbox.ingest_control(press, conv, at, answer.decision.value, body_hash)
    return (yield from stored) is not None


@restartable
def _decide(
    decided: Script[Approval],
    answer: Answer,
    tenant: TenantId,
    press: Script[bool] | None,
    allow_micros: int,
) -> Script[Approval]:
    if press is not None and (yield from press):
        item = yield from rows.get(tenant, answer.approval)
        if item:
            return item
    done = yield from decided
    if done.kind is ApprovalKind.BUDGET and done.state is ApprovalState.APPROVED:
        at = to_us(done.decided_at or done.created_at)
        yield from spends.allow(tenant, done.id, allow_micros, at)
    return done


def _with_effects(tenant: TenantId, id_: str) -> Script[tuple[Approval | None, tuple[Effect, ...]]]:
    item = yield from rows.get(tenant, id_)
    covered = yield from effect_rows.of_approval(tenant, id_)
    return item, covered
