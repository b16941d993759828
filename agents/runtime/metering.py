"""Calls to models outside of any turn, counted like those inside: reserved, settled, written down.

Where a budget is used up they wait, as everything does that nobody is waiting for; a person is
asked for more money only by a turn.
"""

from collections.abc import Callable, Sequence

from agents.runtime.embedding import BATCH, Embedder
from agents.runtime.hearing import Heard, Transcriber
from bot.budgets import Budgets
from bot.core.errors import OperatorError
from bot.core.ids import PersonId, TenantId
from bot.core.model import ModelReply, ModelRequest, Usage
from bot.core.ports import Clock, Model, new_id
from bot.core.times import to_us
from bot.frozen import frozen
from bot.store import spends
from bot.store.script import Database


@frozen
class Whose:
    """For whom a call is made."""

    tenant: TenantId
    agent: str
    person: PersonId | None
    conv: str = ""


class Metered:
    """The models, with a meter."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        model: Model,
        embedder: Callable[[], Embedder],
        budgets: Callable[[], Budgets],
        transcriber: Callable[[], Transcriber | None] = lambda: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._model = model
        self._embedder = embedder
        self._budgets = budgets
        self._transcriber = transcriber

    @property
    def embedder(self) -> Embedder:
        """Who makes vectors now."""
        return self._embedder()

    @property
    def transcriber(self) -> Transcriber | None:
        """Who writes down what is said now; None: nobody."""
        return self._transcriber()

    async def hear(self, whose: Whose, what: tuple[str, str], content: bytes) -> Heard:
        """Hear a recording of this name and media type; whoever asks writes down what it cost."""
        model, budgets = self._transcriber(), self._budgets()
        if model is None:
            raise OperatorError("No model for voice notes is set ([models] transcription).")
        hold = None
        await model.warm()
        if budgets.limited:
            hold = await budgets.reserve(whose.tenant, whose.person, model.reserve(content))
        usage: Usage | None = None
        try:
            heard = await model.hear(whose.tenant, *what, content)
            usage = heard.usage
        finally:
            budgets.settle(hold, usage)
        return heard

    async def complete(self, request: ModelRequest, person: PersonId | None) -> ModelReply:
        """Ask once; whoever asks writes down what it cost, with what came of it."""
        budgets = self._budgets()
        hold = None
        if budgets.limited:
            most = self._model.reserve(request)
            hold = await budgets.reserve(request.tenant, person, most)
        usage: Usage | None = None
        try:
            reply = await self._model.complete(request)
            usage = reply.usage
        finally:
            budgets.settle(hold, usage)
        return reply

    async def embed(self, whose: Whose, texts: Sequence[str]) -> list[bytes]:
        """Vectors of texts, in calls of at most 32. Raises what the model raises."""
        values: list[bytes] = []
        for at in range(0, len(texts), BATCH):
            values += await self._embed(whose, texts[at : at + BATCH])
        return values

    async def _embed(self, whose: Whose, texts: Sequence[str]) -> Sequence[bytes]:
        embedder, budgets = self._embedder(), self._budgets()
        hold = None
        if budgets.limited:
            most = embedder.reserve(whose.tenant, texts)
            hold = await budgets.reserve(whose.tenant, whose.person, most)
        usage: Usage | None = None
        try:
            made = await embedder.embed(whose.tenant, texts)
            usage = made.usage
        finally:
            budgets.settle(hold, usage)
        if usage.tokens_in:
            cost = spends.Cost(
                id=new_id(self._clock, "emb"),
                agent=whose.agent,
                person=whose.person,
                conv=whose.conv,
                model=embedder.name,
                usage=usage,
            )
            await self._db.write(spends.charge(whose.tenant, cost, to_us(self._clock.now())))
        return made.values
