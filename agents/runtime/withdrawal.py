"""Taking a question back: a tool that an agent has only while something that it asked for waits.

It stands in no agent's file, for it belongs to the question and not to the agent's work. What is
withdrawn is not done; whatever should be done instead is asked for anew, with a card of its own.
Which question is meant is journaled before it is withdrawn, so that a turn that goes on after a
crash means the same one.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from agents.runtime.run import Run, arguments_of
from bot.approvals import Approvals
from bot.core.approval import Approval
from bot.core.canonical import Json, digest
from bot.core.errors import Diverged, UserError
from bot.core.model import ModelTool, ToolCall
from bot.store import withdrawals
from bot.store.script import Database

NAME = "approval_withdraw"
MAX_WHY = 500
MOST_OFFERED = 256
"""Lists of tools that are kept with this one at their end."""
_TOOL = ModelTool(
    name=NAME,
    description=(
        "Withdraw an approval that you asked for in this conversation and that still waits.\n\n"
        "Use it when the person no longer wants it or wants it otherwise: withdraw it, then call "
        "the tool again with what they want, which asks anew. What is withdrawn is never done. Do "
        "not use it to decide for the person.\n"
        '- code: the code of the approval, such as "4821"; empty for the one that they ask about.\n'
        "- why: the reason in a sentence; people read it on the card."
    ),
    parameters={
        "type": "object",
        "properties": {"code": {"type": "string"}, "why": {"type": "string"}},
        "required": [],
        "additionalProperties": False,
    },
)


class Withdraw(BaseModel):
    """Which one, and why."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=12)] = ""
    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_WHY)] = ""


class Withdrawals:
    """Offers the tool, and does what it is called for."""

    def __init__(self, db: Database, approvals: Approvals) -> None:
        self._db = db
        self._approvals = approvals
        self._offered: dict[int, tuple[ModelTool, ...]] = {}

    async def offered(self, run: Run, tools: tuple[ModelTool, ...]) -> tuple[ModelTool, ...]:
        """The agent's tools, and this one while it may be used; the same tuple each time."""
        claim = run.claim
        asked = any(line.approval for line in claim.history) or withdrawals.about(claim)
        if not asked or not await self._db.read(withdrawals.waiting(claim, run.agent.name)):
            return tools
        kept = self._offered.get(id(tools))
        if kept is None or kept[:-1] != tools:
            if len(self._offered) >= MOST_OFFERED:
                self._offered.clear()
            kept = self._offered[id(tools)] = (*tools, _TOOL)
        return kept

    async def work(self, run: Run, call: ToolCall) -> None:
        """Answer a call of the tool. Raises Diverged, Fenced, StoreError."""
        wanted = _understood(call)
        if wanted is None:
            run.invalid += 1
            run.answer(call, f"Error: {NAME} takes a code and a reason of {MAX_WHY} characters.")
            return
        run.invalid = 0
        given = digest([NAME, wanted.code, wanted.why])

        async def choose() -> Json:
            found = await self._db.read(withdrawals.waiting(run.claim, run.agent.name))
            return _chosen(found, wanted.code, withdrawals.about(run.claim))

        chosen = await run.journal.step("withdraw", given, choose)
        kept = run.journal.at

        async def take_back() -> Json:
            text = await self._take_back(run, chosen, wanted.why, kept)
            return {"tool": NAME, "text": text}

        result = await run.journal.step("tool", given, take_back)
        if not isinstance(result, dict):
            raise Diverged("A journaled result is not readable.")
        run.answer(call, str(result["text"]))

    async def _take_back(self, run: Run, chosen: Json, why: str, kept: int) -> str:
        if not isinstance(chosen, dict):
            raise Diverged("A journaled result is not readable.")
        if mistake := chosen.get("error"):
            return f"Error: {mistake}"
        try:
            done = await self._approvals.withdraw(
                run.claim, run.agent.name, str(chosen["id"]), why, kept
            )
        except UserError as error:
            return f"Error: {error.message}"
        return f"Withdrawn: approval {done.code} ({done.card.title}). It is not done."


def _understood(call: ToolCall) -> Withdraw | None:
    arguments = arguments_of(call.arguments)
    try:
        return None if arguments is None else Withdraw.model_validate(arguments)
    except ValidationError:
        return None


def _chosen(found: Sequence[Approval], code: str, about: str) -> dict[str, Json]:
    """The question that is meant, or what is wrong with how it was named."""
    codes = ", ".join(item.code for item in found)
    fitting = [item for item in found if item.code == code] if code else list(found)
    if not code and len(fitting) > 1:
        fitting = [item for item in found if item.id == about] or fitting
    if not found:
        return {"error": "Nothing that you asked for waits in this conversation."}
    if not fitting:
        return {"error": f"Nothing of yours waits under the code {code}; there is: {codes}."}
    if len(fitting) > 1:
        return {"error": f"Say which one by its code: {codes}."}
    return {"id": fitting[0].id}
