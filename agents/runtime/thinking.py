"""One question to a model, as a part of a turn: what it may cost is held back before, and settled
after. Who asks, and what is kept of the answer, is the business of the caller.
"""

from collections.abc import Sequence

from agents.runtime.run import Run
from agents.runtime.transport import Listener
from bot.budgets import Budgets
from bot.core.canonical import Json
from bot.core.conversation import Spend
from bot.core.errors import Diverged
from bot.core.model import ModelReply, ModelRequest, Usage
from bot.core.ports import Live, Model
from bot.points import point
from bot.store.rows import messages_from, messages_to_json


class Thinking:
    """Asks the model for a turn."""

    def __init__(self, model: Model, budgets: Budgets, live: Live) -> None:
        self._model = model
        self._budgets = budgets
        self._live = live

    async def ask(self, run: Run, request: ModelRequest, *, stream: bool = False) -> ModelReply:
        """The answer; `stream` shows its words while they come, and counts them if it breaks off.

        Raises BudgetReached, OperatorError, VendorError.
        """
        event, conv = run.claim.event, run.claim.conv
        person = run.person.id if run.person else None
        hold = None
        if self._budgets.limited:
            most = self._model.reserve(request)
            hold = await self._budgets.reserve(event.tenant, person, most)
        usage: Usage | None = None

        def show(delta: str) -> None:
            self._live.text(event.tenant, conv.id, event.id, delta)

        listener = Listener(show)
        try:
            point("model.before_call")
            reply = await self._model.complete(request, listener if stream else None)
            point("model.after_call")
            usage = reply.usage
        finally:
            run.spends += listener.lost
            self._budgets.settle(hold, _sum(listener.lost) if usage is None else usage)
        return reply


def _sum(spends: Sequence[Spend]) -> Usage | None:
    """What several calls cost; None when there was none."""
    if not spends:
        return None
    return Usage(
        tokens_in=sum(one.usage.tokens_in for one in spends),
        tokens_out=sum(one.usage.tokens_out for one in spends),
        micros=sum(one.usage.micros or 0 for one in spends),
    )


def reply_to_json(reply: ModelReply) -> Json:
    """An answer as a step of the journal keeps it."""
    return {
        "message": messages_to_json((reply.message,)),
        "finish": reply.finish,
        "model": reply.model,
        "usage": [reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.micros],
        "offline": reply.offline,
    }


def reply_from(kept: Json) -> ModelReply:
    """The answer that a step kept. Raises Diverged."""
    if not isinstance(kept, dict):
        raise Diverged("A journaled model reply is not readable.")
    tokens_in, tokens_out, micros = kept["usage"]
    return ModelReply(
        message=messages_from(str(kept["message"]))[0],
        finish=str(kept["finish"]),
        model=str(kept["model"]),
        usage=Usage(tokens_in=tokens_in, tokens_out=tokens_out, micros=micros),
        offline=bool(kept["offline"]),
    )
