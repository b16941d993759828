"""The calls of one model message that are laid before the same people in one question.

Who may decide about several deeds at once is who may decide about each of them. A call that would
leave fewer of them than must say yes does not join: the model is told to call it in a message of
its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from agents.runtime.gate import Verdict
from bot.core.effect import ABREAST, Effect
from bot.core.ids import PersonId
from bot.core.model import ToolCall
from bot.store.policies import Rule

OTHERS = "Refused: this is decided apart from the rest. Call it in a message of its own."


@dataclass(slots=True)
class Asked:
    """What waits, and for whom."""

    usual: tuple[PersonId, ...]
    """Who decides where no rule names anybody: the requester and the owners."""
    deciders: tuple[PersonId, ...] = ()
    named: bool = False
    """A rule names who alone may decide."""
    needs: int = 1
    expires: timedelta = timedelta(days=7)
    why: str = ""
    alone: bool = False
    """Its yes means something else than any other's, so nothing joins it."""
    items: list[tuple[ToolCall, Effect]] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """By the id of a call that stands for several deeds: what of it is not in the question."""

    def join(
        self, call: ToolCall, effect: Effect, verdict: Verdict, *, alone: bool = False
    ) -> bool:
        """Add a call; False when nobody could decide about it together with the others."""
        if self.items and (alone or self.alone):
            return False
        who = verdict.approvers or self.usual
        shared = tuple(p for p in self.deciders if p in who) if self.items else who
        needs = max(self.needs, verdict.needs)
        if not shared or (self.items and len(shared) < needs):
            return False
        if not self.items:
            self.expires = verdict.expires
        self.alone = alone
        self.deciders = shared
        self.named = self.named or bool(verdict.approvers)
        self.needs = needs
        self.expires = min(self.expires, verdict.expires)
        self.why = self.why or verdict.why
        self.items.append((call, effect))
        return True

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the card says of deeds that it does not cover."""
        return tuple(line for lines in self.left_out.values() for line in lines)

    @property
    def effects(self) -> list[Effect]:
        """The deeds, in the order in which they were asked for."""
        return [effect for _, effect in self.items]


def too_few(needs: int, there: int, *, named: bool) -> tuple[str, ...]:
    """What the card warns of where so few may decide that no number of presses is enough."""
    if there >= needs:
        return ()
    mend = "" if named else "Make somebody else an owner, or "
    mend += "reject this, change the rule (bot policies) and ask again."
    can = f"only {there} can" if there else "nobody can"
    return (f"{needs} must say yes, and {can}. {mend[0].upper()}{mend[1:]}",)


@dataclass(slots=True, kw_only=True)
class Here:
    """Where the work on one message stands."""

    rules: Sequence[Rule]
    step: int
    asked: Asked
    n: int = 0
    """Position of the next deed; see `Effect.n`."""
    is_doubtful: bool = False
    """Nobody knows of some deed whether it happened."""

    def turn_over(self, *, several: bool = False) -> None:
        """Go on to the next call; one that is several deeds has a hundred of its own."""
        if several or self.n >= ABREAST:
            self.n = (self.n // ABREAST + 1) * ABREAST
        else:
            self.n += 1
