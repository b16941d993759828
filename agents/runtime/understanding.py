"""What a call of a model means: its tool, its arguments in full, the account that it acts by.

Each step outside (a look at an account, a look at a picture) is journaled, so that a turn that goes
on after a crash means the same. A call that means nothing comes back as a sentence for the model.
"""

from dataclasses import replace

from agents.runtime.run import Run, arguments_of
from agents.runtime.toolset import Call, Toolset
from bot.core.canonical import Json, digest
from bot.core.errors import BotError, Diverged, Invalid, UserError
from bot.core.model import ToolCall
from bot.core.tool import ToolContext
from bot.frozen import frozen


@frozen
class Mistake:
    """Why a call cannot be made."""

    text: str
    source: str = ""
    """Where the words come from, when that is outside."""
    is_shapeless: bool = False
    """It fits no tool at all."""
    can_mend: bool = True
    """Whether the model could call it otherwise; a connection it cannot mend."""


class Understanding:
    """Makes sense of calls."""

    def __init__(self, toolset: Toolset) -> None:
        self._toolset = toolset

    async def of(self, run: Run, call: ToolCall) -> Call | Mistake:
        """The call with all that it names, or what is wrong with it."""
        understood = self._checked(run, call)
        if isinstance(understood, Call):
            understood = await self._lent(run, understood)
        if isinstance(understood, Call) and understood.tool.complete is not None:
            understood = await self._completed(run, understood)
        return understood

    def context(self, run: Run, call: Call) -> ToolContext:
        """What the call is made with inside its turn."""
        event = run.claim.event
        return self._toolset.context(
            tenant=event.tenant,
            conv=run.claim.conv.id,
            turn=event.id,
            agent=run.agent.name,
            person=run.person.id if run.person else None,
            zone=run.person.zone if run.person else "UTC",
            tainted=run.tainted,
            connection=call.account[0],
            key=f"{event.id}:{run.journal.at}",
            settings=self._toolset.settings_of(call.tool),
        )

    def _checked(self, run: Run, call: ToolCall) -> Call | Mistake:
        arguments, tenant = arguments_of(call.arguments), run.claim.event.tenant
        try:
            if arguments is None:
                raise Invalid("The arguments are not a JSON object.")
            if call.name not in self._toolset.names(run.agent, tenant):
                raise Invalid(f"{run.agent.name} has no tool {call.name!r}.")
            return self._toolset.understand(call.name, arguments, tenant)
        except Invalid as error:
            return Mistake(text=f"Error: {error.message}", is_shapeless=True)

    async def _lent(self, run: Run, call: Call) -> Call | Mistake:
        """The call with the account that it acts by."""
        if not call.tool.needs:
            return call
        tool = call.tool

        async def work() -> Json:
            try:
                id_, name = await self._toolset.lend(call, run.claim.event.tenant, run.agent.name)
            except BotError as error:
                return _told(tool.name, error)
            return {"tool": tool.name, "account": id_, "as": name}

        result = await run.journal.step("tool", digest([tool.name, call.plain, "as whom"]), work)
        if isinstance(result, dict) and "account" in result:
            return replace(call, account=(str(result["account"]), str(result["as"])))
        return _mistake(result)

    async def _completed(self, run: Run, call: Call) -> Call | Mistake:
        """The call with all that it names, said in full."""
        tool = call.tool

        async def work() -> Json:
            try:
                full = await self._toolset.complete(call, self.context(run, call))
            except BotError as error:
                return _told(tool.name, error)
            return {"tool": tool.name, "full": dict(full)}

        result = await run.journal.step("tool", digest([tool.name, call.plain, "in full"]), work)
        full = result.get("full") if isinstance(result, dict) else None
        if isinstance(full, dict):
            again = self._toolset.understand(tool.name, full, run.claim.event.tenant)
            return replace(again, account=call.account)
        return replace(_mistake(result), source=tool.name if tool.outside else "")


def _told(tool: str, error: BotError) -> Json:
    lasts = not isinstance(error, UserError)
    return {"tool": tool, "text": f"Error: {error.message}", "lasts": lasts}


def _mistake(result: Json) -> Mistake:
    if not isinstance(result, dict):
        raise Diverged("A journaled result is not readable.")
    return Mistake(text=str(result["text"]), can_mend=not result.get("lasts"))
