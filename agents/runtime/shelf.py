"""Tools on the shelf: a model reads only what they are called, until it asks for them.

An agent with sixty tools would send a small book along with every question. Those that its file
lists under `more_tools` are its own like all others, and nothing but their description waits: a
call of one is judged as ever. What was once described stays so while the conversation shows it.
Where in the path: after the toolset has said what an agent has, before the model is asked.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.runtime.run import Run, arguments_of
from agents.runtime.toolset import Toolset
from bot.core.canonical import Json
from bot.core.model import ModelMessage, ModelTool, ToolCall

NAME = "tools_describe"
MOST_KEPT = 256
"""Lists of tools that are kept, so that each is written out as JSON once."""
MOST_NAMES = 20
_ABOUT = """Describe more of your tools, so that you can call them from then on.

You have many tools, and see most of them here by name alone. Call this with every name that you
need before you use one of them, and before you say that you cannot do something. It changes
nothing.
- names: up to 20 names from this list:
"""


class Names(BaseModel):
    """Which ones."""

    model_config = ConfigDict(extra="forbid")

    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_NAMES)]


class Shelf:
    """Keeps back what is not needed yet."""

    def __init__(self, toolset: Toolset) -> None:
        self._toolset = toolset
        self._kept: dict[
            tuple[int, frozenset[str]], tuple[tuple[ModelTool, ...], tuple[ModelTool, ...]]
        ] = {}

    def offered(self, run: Run, tools: tuple[ModelTool, ...]) -> tuple[ModelTool, ...]:
        """The tools, those on the shelf marked as such; the same tuple for the same ones."""
        if not run.agent.more:
            return tools
        away = frozenset(self._toolset.named(run.agent.more)) - _asked_for(run.messages)
        key = (id(tools), away)
        kept = self._kept.get(key)
        if kept is None or kept[0] is not tools:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            kept = self._kept[key] = tools, _shelved(tools, away)
        return kept[1]

    def work(self, run: Run, call: ToolCall) -> None:
        """Answer a call of `tools_describe`."""
        names = _names(call)
        if not names:
            run.invalid += 1
            run.answer(call, f"Error: {NAME} takes `names`, one to {MOST_NAMES} names of tools.")
            return
        run.invalid = 0
        own = self._toolset.names(run.agent, run.claim.event.tenant)
        there = [name for name in names if name in own]
        said = [f"Described from now on: {', '.join(there)}."] if there else []
        said += [f"You have no tool {name}." for name in names if name not in own]
        run.answer(call, " ".join(said))


def _asked_for(messages: Sequence[ModelMessage]) -> frozenset[str]:
    calls = (call for message in messages for call in message.tool_calls if call.name == NAME)
    return frozenset(name for call in calls for name in _names(call))


def _names(call: ToolCall) -> tuple[str, ...]:
    try:
        return Names.model_validate(arguments_of(call.arguments)).names
    except ValidationError:
        return ()


def _shelved(tools: Sequence[ModelTool], away: Collection[str]) -> tuple[ModelTool, ...]:
    marked = [replace(t, at_hand=False) if t.name in away else t for t in tools]
    lines = [f"  - {t.name}: {_first_sentence(t.description)}" for t in marked if not t.at_hand]
    if not lines:
        return tuple(marked)
    text: Json = {"type": "string"}
    names: Json = {"type": "array", "items": text, "minItems": 1, "maxItems": MOST_NAMES}
    opener = ModelTool(
        name=NAME,
        description=_ABOUT + "\n".join(lines),
        parameters={
            "type": "object",
            "properties": {"names": names},
            "required": ["names"],
            "additionalProperties": False,
        },
    )
    return (*marked, opener)


def _first_sentence(text: str) -> str:
    return text.partition("\n")[0].partition(". ")[0].rstrip(".")
