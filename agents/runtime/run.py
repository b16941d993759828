"""One run of an agent: what has been said, spent and touched since its turn was opened."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from agents.runtime.journal import Journal
from agents.runtime.prompt import outside
from bot.core.agent import Agent
from bot.core.canonical import Json
from bot.core.conversation import Claim, Spend, TurnEnd
from bot.core.effect import Effect
from bot.core.event import Attachment, Ending, Kind
from bot.core.model import ModelMessage, ToolCall
from bot.core.people import Person
from bot.store.rows import attachments_from, loads

MAX_RESULT_CHARS = 8_000


class Stopped(asyncio.CancelledError):
    """A turn was cancelled; it says what its model calls had cost by then."""

    def __init__(self, spends: Sequence[Spend]) -> None:
        super().__init__()
        self.spends = tuple(spends)


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of a running turn. Owned by one task; never shared."""

    claim: Claim
    agent: Agent
    person: Person | None
    journal: Journal
    messages: list[ModelMessage]
    """All that the model sees, in order."""
    opened_at: int
    """How many of `messages` were there before the model spoke."""
    tainted: bool
    stream: bool
    began: float
    """Monotonic seconds."""
    spends: list[Spend] = field(default_factory=list)
    attached: list[Attachment] = field(default_factory=list)
    """Kept files that go with the answer."""
    hops: int = 0
    invalid: int = 0
    """Calls in a row that no tool could understand."""
    offline: bool = False

    def past(self, step: int, n: int) -> Effect | None:
        """What an earlier attempt of this turn did at this place."""
        for effect in self.claim.effects:
            if (effect.step, effect.n) == (step, n):
                return effect
        return None

    def answer(self, call: ToolCall, text: str, outside_of: str = "") -> None:
        """Give a call its result; words of others are marked, and taint the conversation."""
        if len(text) > MAX_RESULT_CHARS:
            text = text[:MAX_RESULT_CHARS] + f"\n[cut: {len(text)} characters in all]"
        if outside_of:
            self.tainted = True
            text = outside(outside_of, text)
        self.messages.append(ModelMessage(role="tool", content=text, tool_call_id=call.id))

    def attach(self, file: Attachment) -> None:
        """Let a file go with the answer, once."""
        if file not in self.attached:
            self.attached.append(file)

    def raw(self) -> tuple[ModelMessage, ...]:
        """What later turns need to know of this one; empty when the text alone says it."""
        said = tuple(self.messages[self.opened_at :])
        if self.claim.event.kind in (Kind.SETTLED, Kind.TICK):
            return (self.messages[self.opened_at - 1], *said)
        if len(said) == 1 and said[0].raw is None:
            return ()
        return said

    def end(self, ending: Ending, reply: str, detail: str = "", role: str = "assistant") -> TurnEnd:
        """The end of this turn, with what it cost and touched."""
        moved = self.agent.name if self.hops else None
        return TurnEnd(
            ending=ending,
            detail=detail,
            reply=reply,
            footer=OFFLINE_FOOTER if self.offline else "",
            role=role,
            agent=self.agent.name,
            raw=self.raw() if role == "assistant" else (),
            attachments=tuple(self.attached) if role == "assistant" else (),
            next_agent=moved or (self.agent.name if self.claim.conv.agent is None else None),
            tainted=self.tainted,
            spends=tuple(self.spends),
            steps=self.journal.kept,
        )

    def stop(self, sentence: str, why: str) -> TurnEnd:
        """End because a cap was reached; the sentence is the last thing the agent says."""
        self._close_calls()
        self.messages.append(ModelMessage(role="assistant", content=sentence))
        return replace(self.end(Ending.ANSWERED, sentence, why), agent=self.agent.name)

    def _close_calls(self) -> None:
        """Give every call a result that has none: no model takes a history with an open call."""
        said = self.messages[self.opened_at :]
        closed = {message.tool_call_id for message in said}
        for message in said:
            for call in message.tool_calls:
                if call.id not in closed:
                    self.answer(call, "Cut off: nobody waited for the result.")


ATTACH = "file_attach"
"""The one tool whose result is a file that goes with the answer."""


def approved_files(done: Sequence[Mapping[str, Json]]) -> tuple[Attachment, ...]:
    """The files that a person said yes to, of the outcomes that a turn opens with."""
    found = [loads(str(i["found"])) for i in done if i.get("tool") == ATTACH and i.get("found")]
    return attachments_from([item["attach"] for item in found if isinstance(item, dict)])


OFFLINE_FOOTER = "Answered by the built-in offline model, which understands a few set phrases."


def arguments_of(text: str) -> Mapping[str, Json] | None:
    """The object that the model wrote as arguments; None when it is no JSON object."""
    try:
        value = json.loads(text or "{}", parse_constant=_no_number)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half of a pair can be stored nowhere
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number.")
