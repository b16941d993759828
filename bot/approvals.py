"""Questions to people: how they are laid out, who may answer, and what an answer does.

The rows and the one compare-and-set live in `bot/store/decisions.py`; here an edit is checked
before the transaction, and everyone who watches is told after it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from bot.core.approval import Answer, Approval, ApprovalKind, ApprovalState, Decision
from bot.core.canonical import Json, digest
from bot.core.card import Card, Choice, Field
from bot.core.conversation import Claim
from bot.core.effect import Effect, bind
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.event import Event
from bot.core.ids import AgentName, ApprovalId, EffectId, PersonId, TenantId
from bot.core.points import point
from bot.core.ports import Clock, Live, new_id
from bot.core.times import to_us
from bot.store import approvals as rows
from bot.store import decisions, inbox, spends
from bot.store import effects as effect_rows
from bot.store.script import Database, Script

EXPIRES = timedelta(days=7)
DOUBT_CHOICES = (
    Choice(id="there", label="It is there"),
    Choice(id="leave", label="Leave it"),
    Choice(id="again", label="Do it again", style="danger"),
)


class Validator(Protocol):
    """Knows the tools: checks arguments and shows what they will do."""

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the arguments in full, or raise Invalid with a sentence for the person."""
        ...

    def preview(self, effect: Effect) -> Card:
        """What this effect will look like."""
        ...


Show = Callable[[Approval], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who is asked, by whom and why."""

    id: ApprovalId
    code: str
    why: str
    requested_by: PersonId | None
    on_behalf_of: str
    approvers: Mapping[PersonId, str]
    """Who may decide, with their names."""
    named: bool
    """Only those may; else they are who may by rule, shown so that people know whom to ask."""
    needs: int = 1
    expires: timedelta = EXPIRES
    warnings: tuple[str, ...] = ()


class Questions:
    """Lays out questions."""

    def __init__(self, clock: Clock, validator: Validator, show: Show) -> None:
        self._clock = clock
        self._validator = validator
        self.show = show

    def ask(self, effects: Sequence[Effect], asking: Asking) -> Approval:
        """The question whether these effects may be done."""
        now = self._clock.now()
        first = effects[0]
        card = replace(
            self.layout(effects),
            agent=first.agent,
            on_behalf_of=asking.on_behalf_of,
            why=asking.why,
            approvers=tuple(asking.approvers.values()),
            expires_at=now + asking.expires,
            code=asking.code,
        )
        card = replace(card, warnings=card.warnings + asking.warnings)
        return Approval(
            id=asking.id,
            tenant=first.tenant,
            kind=ApprovalKind.APPROVE,
            code=asking.code,
            version=1,
            hash=hash_of(effects),
            state=ApprovalState.PENDING,
            needs=asking.needs,
            approvers=tuple(asking.approvers) if asking.named else (),
            conv=first.conv,
            turn=first.turn,
            agent=first.agent,
            requested_by=asking.requested_by,
            why=asking.why,
            card=card,
            created_at=now,
            expires_at=now + asking.expires,
        )

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return edited arguments in full, or raise Invalid."""
        return self._validator.check(effect, arguments)

    def layout(self, effects: Sequence[Effect]) -> Card:
        """One card for one deed, or a card that lists several in the order they are done."""
        cards = [self._validator.preview(effect) for effect in effects]
        if len(cards) == 1:
            return cards[0]
        return Card(
            title=f"{len(cards)} actions",
            amount="; ".join(card.amount for card in cards if card.amount),
            recipients=tuple(r for card in cards for r in card.recipients),
            fields=tuple(
                Field(name=f"{i}. {card.title}", value=card.body or _short(card), long=True)
                for i, card in enumerate(cards, 1)
            ),
            warnings=tuple(w for card in cards for w in card.warnings),
            audience="; ".join(dict.fromkeys(card.audience for card in cards if card.audience)),
            sandbox=any(card.sandbox for card in cards),
        )

    def doubt(self, effect: Effect, error: str) -> Approval:
        """The question whether this effect was done."""
        now = self._clock.now()
        shown = self._validator.preview(effect)
        code = f"{int.from_bytes(self._clock.chance(4), 'big') % 9000 + 1000}"
        card = replace(
            shown,
            title=f"I may have done this: {shown.title}",
            agent=effect.agent,
            why=f"{error} I will not do it twice without your word.",
            expires_at=now + EXPIRES,
            code=code,
            choices=DOUBT_CHOICES,
        )
        return Approval(
            id=ApprovalId(new_id(self._clock, "apr")),
            tenant=effect.tenant,
            kind=ApprovalKind.DOUBT,
            code=code,
            version=1,
            hash=effect.hash,
            state=ApprovalState.PENDING,
            needs=1,
            approvers=(),
            conv=effect.conv,
            turn=effect.turn,
            agent=effect.agent,
            requested_by=effect.person,
            why=card.why,
            card=card,
            created_at=now,
            expires_at=now + EXPIRES,
        )

    def budget(
        self, claim: Claim, agent: AgentName, sentence: str, more: str, code: str
    ) -> Approval:
        """The question whether to go on although the money for thinking is used up."""
        tenant, conv, turn = claim.event.tenant, claim.conv.id, claim.event.id
        now = self._clock.now()
        card = Card(
            title=f"Continue with {more} more?",
            agent=agent,
            amount=more,
            why=sentence,
            expires_at=now + timedelta(days=1),
            code=code,
            choices=(
                Choice(id="reject", label="Stop here"),
                Choice(id="approve", label=f"Continue with {more}", style="primary"),
            ),
        )
        return Approval(
            id=ApprovalId(new_id(self._clock, "apr")),
            tenant=tenant,
            kind=ApprovalKind.BUDGET,
            code=code,
            version=1,
            hash=digest([tenant, "budget", more]),
            state=ApprovalState.PENDING,
            needs=1,
            approvers=(),
            conv=conv,
            turn=turn,
            agent=agent,
            requested_by=None,
            why=sentence,
            card=card,
            created_at=now,
            expires_at=now + timedelta(days=1),
        )


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

    async def by_code(self, tenant: TenantId, code: str) -> Approval | None:
        """The pending question of a code."""
        return await self._db.read(rows.by_code(tenant, code))

    async def decide(
        self, tenant: TenantId, answer: Answer, press: Event | None = None, conv: str = ""
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
        decided = decisions.decide(answer, tenant, at, ids, edit)
        stored = _store_press(press, conv, answer, at) if press else None
        done = await self._db.write(_decide(decided, answer, tenant, stored, self._allow_micros))
        point("decide.after_commit")
        tell_live(self._live, done)
        self._wake()
        if done.state is not ApprovalState.PENDING:
            await self._questions.show(done)
        return done

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

    async def _edit(self, tenant: TenantId, answer: Answer) -> decisions.Edit:
        """Check an edit and lay out the card that it makes."""
        item, covered = await self.get(tenant, answer.approval)
        unknown = set(answer.arguments) - {effect.id for effect in covered}
        if unknown or not answer.arguments:
            raise Invalid("The edit names no action of this approval.")
        if item.state is not ApprovalState.PENDING:
            raise Conflict(item.card.decided or f"This was {item.state.value} already.")
        new: list[Effect] = []
        arguments: dict[EffectId, Mapping[str, Json] | None] = {}
        for effect in covered:
            if effect.id in answer.arguments:
                given = answer.arguments[effect.id]
                if given is None:
                    arguments[effect.id] = None
                    continue
                full = self._questions.check(effect, given)
                arguments[effect.id] = full
                new.append(rebound(effect, full))
            else:
                new.append(effect)
        if not new:
            raise Invalid("Every action is struck out; press Reject instead.")
        laid = self._questions.layout(new)
        card = replace(
            item.card,
            title=laid.title,
            amount=laid.amount,
            recipients=laid.recipients,
            fields=laid.fields,
            body=laid.body,
            warnings=laid.warnings,
        )
        return decisions.Edit(
            arguments=arguments,
            hashes={effect.id: effect.hash for effect in new},
            hash=hash_of(new),
            card=card,
        )


def hash_of(effects: Sequence[Effect]) -> str:
    """What an approval of these effects is bound to, in order."""
    return digest([effect.hash for effect in effects])


def rebound(effect: Effect, arguments: Mapping[str, Json]) -> Effect:
    """The effect with other arguments, bound anew."""
    hash_ = bind(
        effect.tenant, effect.agent, effect.tool, effect.tool_version, arguments, effect.connection
    )
    return replace(effect, arguments=arguments, hash=hash_)


def tell_live(live: Live, item: Approval) -> None:
    """Tell everyone who watches that a question changed."""
    live.tell(
        item.tenant,
        item.conv,
        "approval",
        {"id": item.id, "state": item.state.value, "version": item.version},
    )


def _store_press(press: Event, conv: str, answer: Answer, at: int) -> Script[bool]:
    """Store the press that brings an answer; True when it was delivered before."""
    return (yield from inbox.ingest_control(press, conv, at, answer.decision.value)) is not None


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


def _short(card: Card) -> str:
    return "; ".join(f"{field.name}: {field.value}" for field in card.fields)
