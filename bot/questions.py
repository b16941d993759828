"""How questions to people are laid out: the card, who may answer, until when, bound to what.

What an answer does is in `bot/approvals.py`; how a card looks on a platform in `bot/render`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.approval import Approval, ApprovalKind, ApprovalState
from bot.core.canonical import Json, digest
from bot.core.card import Card, Choice, Field
from bot.core.conversation import Claim
from bot.core.effect import Effect, Policy, bound
from bot.core.errors import BotError, UserError
from bot.core.ids import AgentName, ApprovalId, PersonId
from bot.core.ports import Clock, new_id
from bot.frozen import frozen

EXPIRES = timedelta(days=7)
SAME_WORDS = 2
"""How many words the titles of several deeds begin with alike, to be said as one title."""
DOUBT_CHOICES = (
    Choice(id="there", label="It is there"),
    Choice(id="leave", label="Leave it"),
    Choice(id="again", label="Do it again", style="danger"),
)


@frozen
class Deciders:
    """Whose yes a question needs."""

    needs: int
    approvers: tuple[PersonId, ...]
    """Who alone may decide; empty: the requester and the owners."""
    names: tuple[str, ...]
    """Who may, as the card says it."""


class Validator(Protocol):
    """Knows the tools: checks arguments and shows what they will do."""

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the arguments in full, or raise Invalid with a sentence for the person."""
        ...

    def preview(self, effect: Effect) -> Card:
        """What this effect will look like."""
        ...

    def moves_money(self, effect: Effect) -> bool:
        """Whether it can."""
        ...

    def due(self, effect: Effect) -> datetime | None:
        """When it is to be done; None: at once."""
        ...

    async def deciders(self, item: Approval, changes: Sequence[tuple[Effect, Effect]]) -> Deciders:
        """Who decides about deeds as somebody changed them, each as it was and as it would be.

        Raises Invalid with a sentence for the person.
        """
        ...


Show = Callable[[Approval], Awaitable[None]]


@frozen
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
    agent: AgentName | None = None
    """Who asks and is told of the end; None: whose deed it is."""


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
        agent = asking.agent or first.agent
        card = replace(
            self.layout(effects),
            agent=agent,
            on_behalf_of=asking.on_behalf_of,
            why=why_of(asking.why, asking.needs),
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
            agent=agent,
            requested_by=asking.requested_by,
            why=asking.why,
            card=card,
            created_at=now,
            expires_at=now + asking.expires,
        )

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return edited arguments in full, or raise Invalid."""
        return self._validator.check(effect, arguments)

    async def deciders(self, item: Approval, changes: Sequence[tuple[Effect, Effect]]) -> Deciders:
        """Who decides about changed deeds. Raises Invalid."""
        return await self._validator.deciders(item, changes)

    def moves_money(self, effect: Effect) -> bool:
        """Whether an effect can move money."""
        return self._validator.moves_money(effect)

    def due(self, effect: Effect) -> datetime | None:
        """When an effect is to be done; None: at once, or nobody can tell any more."""
        try:
            return self._validator.due(effect)
        except UserError:
            return None  # performing it will say what is wrong

    def title(self, effect: Effect) -> str:
        """What a deed is called, in its tool's own words, as on its card."""
        try:
            return self._validator.preview(effect).title
        except BotError:  # its tool is gone, or takes other arguments by now
            return effect.tool.replace("_", " ").capitalize()

    def layout(self, effects: Sequence[Effect]) -> Card:
        """One card for one deed, or a card that lists several in the order they are done."""
        cards = [self._validator.preview(effect) for effect in effects]
        if len(cards) == 1:
            return cards[0]
        authors = [effect.agent for effect in effects]
        several = len(set(authors)) > 1
        return Card(
            title=_title([card.title for card in cards]),
            amount="; ".join(card.amount for card in cards if card.amount),
            recipients=tuple(r for card in cards for r in card.recipients),
            fields=tuple(
                Field(
                    name=f"{i}. {card.title}",
                    value=_whole(card, by if several else ""),
                    long=True,
                )
                for i, (card, by) in enumerate(zip(cards, authors, strict=True), 1)
            ),
            warnings=tuple(f"{i}. {w}" for i, card in enumerate(cards, 1) for w in card.warnings),
            audience="; ".join(dict.fromkeys(card.audience for card in cards if card.audience)),
            sandbox=all(card.sandbox for card in cards),  # in part: those deeds say so themselves
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
            why=f"{error} I will not do it twice without your word. {_of_again(effect, now)}",
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


def _of_again(effect: Effect, now: datetime) -> str:
    """What it means to say that it is to be done again."""
    if effect.policy is Policy.READBACK:
        return "Before it is done again, it is looked for once more."
    until = now
    if effect.policy is Policy.KEYED and effect.started_at and not effect.doubt:
        until = effect.started_at + timedelta(seconds=effect.window_s)
    if until <= now:
        return "Done again, it may be there twice."
    return (
        f"Done again before {until:%Y-%m-%d %H:%M} UTC it is surely the same one; later it may be "
        "there twice."
    )


def hash_of(effects: Sequence[Effect]) -> str:
    """What an approval of these effects is bound to, in order."""
    return digest([effect.hash for effect in effects])


def why_of(why: str, needs: int) -> str:
    """Why people are asked, and how many of them, where that is more than one."""
    return f"{why} {needs} people must say yes." if needs > 1 else why


def rebound(effect: Effect, arguments: Mapping[str, Json]) -> Effect:
    """The effect with other arguments, bound anew."""
    changed = replace(effect, arguments=arguments)
    return replace(changed, hash=bound(changed))


def _title(titles: Sequence[str]) -> str:
    """One title for several: `Publish on X, Facebook and LinkedIn`, where they begin alike."""
    words = [title.split() for title in titles]
    alike = 0
    while all(len(each) > alike + 1 for each in words) and len({e[alike] for e in words}) == 1:
        alike += 1
    ends = [" ".join(each[alike:]) for each in words]
    if alike < SAME_WORDS or len(set(ends)) < len(ends):
        return f"{len(titles)} actions"
    return f"{' '.join(words[0][:alike])} {', '.join(ends[:-1])} and {ends[-1]}"


def _whole(card: Card, by: str) -> str:
    """All that a card shows, in lines: nobody says yes to what they cannot see.

    `by` is whose deed it is, where the card holds deeds of several agents.
    """
    lines = [f"By: {by}"] if by else []
    lines += [f"To: {recipient}" for recipient in card.recipients]
    lines += [f"Amount: {card.amount}"] if card.amount else []
    lines += [f"{field.name}: {field.value}" for field in card.fields if not _in_body(field, card)]
    lines += [f"Visible to: {card.audience}"] if card.audience else []
    lines += ["Sandbox: nothing of this leaves the house."] if card.sandbox else []
    return "\n".join([*lines, card.body] if card.body else lines)


def _in_body(field: Field, card: Card) -> bool:
    """Whether a field is a text that the card shows whole as its body."""
    return field.long and bool(card.body) and field.value in card.body
