"""A call that stands for several deeds: taken apart into calls of other tools, each checked alone.

    posts_publish {text, on: [x, linkedin]}   →   x_publish {text}, linkedin_publish {text}

What the model can mend (a text too long for one network) comes back to it before anybody is asked,
and then nothing of the whole is asked. What it cannot mend (an account that is not allowed to) is
left out, and the card says so. Each part is an effect of its own from here on: its own hash, key,
look-up and question. Where the parts are briefs, colleagues write them first (`drafting.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agents.runtime.drafting import BY_HAND, Draft, Drafting
from agents.runtime.run import Run
from agents.runtime.toolset import Call
from agents.runtime.understanding import Mistake, Understanding
from agents.runtime.wording import deed_of
from bot.core.effect import ABREAST
from bot.core.model import ToolCall
from bot.frozen import frozen


@frozen
class Part:
    """One deed of several, understood."""

    run: Run
    """The turn as the agent sees it whose deed it is."""
    call: Call


@dataclass(slots=True)
class Parts:
    """What a call was taken apart into."""

    good: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """In words: which, and why."""
    mistakes: list[str] = field(default_factory=list)
    """What the model has to mend before anything of it is asked."""


class Spreading:
    """Takes calls apart."""

    def __init__(self, understanding: Understanding, drafting: Drafting) -> None:
        self._understanding = understanding
        self._drafting = drafting

    async def of(self, run: Run, call: Call) -> Parts:
        """The parts of a call whose tool has `spread`."""
        if call.tool.spread is None:
            raise TypeError(f"{call.tool.name} stands for nothing else.")
        calls = call.tool.spread(call.arguments)
        if len(calls) >= ABREAST:
            return Parts(mistakes=[f"{len(calls)} at once; {ABREAST - 1} is the most"])
        if call.tool.by_colleagues:
            return await self._by_colleagues(run, calls)
        parts = Parts()
        for each in calls:
            found = await self._understanding.of(run, each)
            if isinstance(found, Call) and found.tool.by_hand:
                parts.left_out.append(f"{deed_of(each.name)}: {BY_HAND}")
            elif isinstance(found, Call) and found.tool.spread is None:
                parts.good.append(Part(run=run, call=found))
            elif isinstance(found, Call):
                parts.mistakes.append(f"{each.name}: it is no deed of its own")
            elif found.can_mend:
                parts.mistakes.append(f"{each.name}: {_why(found)}")
            else:
                parts.left_out.append(f"{deed_of(each.name)}: {_why(found)}")
        return parts

    async def _by_colleagues(self, run: Run, briefs: Sequence[ToolCall]) -> Parts:
        """What colleagues write; what does not fit they mend once, and then it is left out."""
        drafts = await self._drafting.begin(run, briefs)
        found = [await self._read(run, draft) for draft in drafts]
        wrong = [n for n, f in enumerate(found) if isinstance(f, Mistake) and f.can_mend]
        mended = await self._drafting.again(run, [(drafts[n], _why(found[n])) for n in wrong])
        for n, draft in zip(wrong, mended, strict=True):
            drafts[n], found[n] = draft, await self._read(run, draft)
        parts = Parts()
        for draft, each in zip(drafts, found, strict=True):
            if isinstance(each, Part):
                parts.good.append(each)
            else:
                who = f" ({draft.agent.name})" if draft.asked else ""
                parts.left_out.append(f"{deed_of(draft.tool)}{who}: {_why(each)}")
        return parts

    async def _read(self, run: Run, draft: Draft) -> Part | Mistake:
        if draft.call is None:
            said = draft.said or "no post was written"
            return Mistake(text=said, can_mend=False)
        own = replace(run, agent=draft.agent)
        found = await self._understanding.of(own, draft.call)
        return found if isinstance(found, Mistake) else Part(run=own, call=found)


def _why(found: Mistake | Part) -> str:
    return found.text.removeprefix("Error: ") if isinstance(found, Mistake) else ""
