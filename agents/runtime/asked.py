"""The calls of one model message that are laid before the same people in one question.

Who may decide about several deeds at once is who may decide about each of them. A call whose
people have nobody in common with those of the calls before it does not join: the model is told to
call it in a message of its own.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from agents.runtime.gate import Verdict
from bot.core.effect import Effect
from bot.core.ids import PersonId
from bot.core.model import ToolCall

OTHERS = "Refused: other people decide about this. Call it in a message of its own."


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
    items: list[tuple[ToolCall, Effect]] = field(default_factory=list)

    def join(self, call: ToolCall, effect: Effect, verdict: Verdict) -> bool:
        """Add a call; False when nobody could decide about it together with the others."""
        who = verdict.approvers or self.usual
        shared = tuple(p for p in self.deciders if p in who) if self.items else who
        if not shared:
            return False
        if not self.items:
            self.expires = verdict.expires
        self.deciders = shared
        self.named = self.named or bool(verdict.approvers)
        self.needs = max(self.needs, verdict.needs)
        self.expires = min(self.expires, verdict.expires)
        self.why = self.why or verdict.why
        self.items.append((call, effect))
        return True

    @property
    def effects(self) -> list[Effect]:
        """The deeds, in the order in which they were asked for."""
        return [effect for _, effect in self.items]
