"""The one door to language models: whom to ask, how often, what it may cost, what failed.

A list of models is asked in order; one that fails rests, and the next one answers, as long as no
word has reached the person. The asking itself is a transport's: LiteLLM for every provider, and,
where the settings say `direct`, plain HTTP for those that speak OpenAI's shape. Where in the path:
the loop asks, this answers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Literal

from agents.runtime.choice import Candidate, Choice, Keys, Options, Resting
from agents.runtime.direct import Direct
from agents.runtime.failures import Failure, Kind
from agents.runtime.llm import LiteLLM
from agents.runtime.prices import Price, Prices
from agents.runtime.providers import check, provider
from agents.runtime.raised import sorted_out
from agents.runtime.transport import Call, Listener, Transport, Voice
from agents.runtime.wire import Toolboxes, size_of, tokens_of
from bot.core.conversation import Spend
from bot.core.ids import TenantId
from bot.core.model import ModelReply, ModelRequest, Task, Usage
from bot.core.ports import Clock, OnText
from bot.core.secret import Secret

log = logging.getLogger(__name__)

MAX_TRIES = 3
MAX_WAIT_S = 8.0
"""A pause that a person still waits for; a longer one is told instead."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True, kw_only=True, eq=False)
class Door:
    """The port `Model`, served by real models. Its fields are what the operator set."""

    clock: Clock
    keys: Keys = field(default_factory=dict)
    """By provider."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """By provider: where it is reached instead of its own address."""
    lists: Mapping[Task, Sequence[str]] = field(default_factory=dict)
    default: Sequence[str] = ()
    """Models for every task that has no list."""
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By model: US dollars per million tokens, in and out."""
    timeout_s: float = 120.0
    transport: Literal["litellm", "direct"] = "litellm"
    """`direct`: providers that speak OpenAI's shape are asked without LiteLLM."""
    at_once: bool = False
    """Until LiteLLM is loaded, chat models that speak OpenAI's shape are asked past it: the first
    answer after a start need not wait two seconds for a library."""
    keys_of: Callable[[TenantId], Keys] | None = None
    """A tenant's own keys, which go before the house's."""
    sleep: Sleep = asyncio.sleep
    _prices: Prices = field(init=False)
    _choice: Choice = field(init=False)
    _toolboxes: Toolboxes = field(init=False, default_factory=Toolboxes)
    _litellm: LiteLLM = field(init=False)
    _direct: Direct | None = field(init=False, default=None)
    _running: int = field(init=False, default=0)
    _closing: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._prices = Prices({m: Price(input=i, output=o) for m, (i, o) in self.prices.items()})
        self._litellm = LiteLLM(self._prices.adopt)
        if self._is_direct or self.at_once:
            self._direct = Direct(self.clock)
        options = Options(
            keys={name: key for name, key in self.keys.items() if key},
            endpoints=self.endpoints,
            lists=self.lists,
            default=self.default,
            keys_of=self.keys_of,
            only_direct=self._is_direct and find_spec("litellm") is None,
        )
        self._choice = Choice(options, self.clock, self._prices)

    @property
    def _is_direct(self) -> bool:
        return self.transport == "direct"

    @property
    def default_model(self) -> str:
        """The model that answers first; empty when nothing is set up."""
        return next(iter(self.named()), "")

    def named(self, task: Task = Task.REASON) -> tuple[str, ...]:
        """The models that answer, in order."""
        return self._choice.named(task)

    def problems(self) -> list[str]:
        """What is wrong with the settings of the models, a sentence each."""
        return self._choice.problems()

    def resting(self) -> list[Resting]:
        """The models that failed lately and are asked last, or not yet."""
        return self._choice.resting()

    def refused(self) -> dict[str, Failure]:
        """The models whose key is refused or has no credit, as their last calls told."""
        return self._choice.refused()

    async def warm(self) -> None:
        """Load what the first question of each task needs. Raises ExtraMissing."""
        first = {named[0] for task in Task if (named := self.named(task))}
        if self._direct is not None:
            await self._direct.warm(())
            await asyncio.to_thread(self._prices.look_up, first)
        if self._is_direct:
            first = {model for model in first if not _speaks_openai(model.partition("/")[0])}
        if first or not self._is_direct:
            await self._litellm.warm(self.named())

    async def close(self) -> None:
        """Let go of all connections, when the last running call has ended."""
        self._closing = True
        if self._running == 0:
            await self._litellm.close()
            if self._direct is not None:
                await self._direct.close()

    async def check(self, name: str, key: Secret) -> list[str]:
        """Try a key: the names of its provider's models, the proposed one first."""
        return await check(name, key, self.endpoints.get(name, ""))

    def reserve(self, request: ModelRequest) -> Usage:
        """The most that this call can cost, at whichever of the models it ends."""
        tokens_in = self._tokens_in(request)
        most: int | None = 0
        for candidate in self._choice.all_for(request):
            price = self._prices.peak(candidate.model, tokens_in)
            if price is None or most is None:
                most = None
            else:
                most = max(most, price.micros(tokens_in, request.max_tokens))
        return Usage(tokens_in=tokens_in, tokens_out=request.max_tokens, micros=most)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Ask, at most three rounds; the first failure of the last round is what is raised."""
        self._choice.all_for(request)  # a wrong setting is told before anything is loaded
        self._running += 1
        try:
            tries = 1
            while True:
                reply = await self._round(request, on_text)
                if isinstance(reply, ModelReply):
                    return reply
                wait = self._patience(reply, tries)
                if wait is None:
                    raise reply.error()
                await self.sleep(wait)
                tries += 1
        finally:
            self._running -= 1
            if self._closing:
                await self.close()
            elif self.at_once and not self._is_direct:
                self._litellm.begin(self.named())

    async def _round(self, request: ModelRequest, on_text: OnText | None) -> ModelReply | Failure:
        """Ask one model after the other; the first failure when none answers.

        Raises the failure at once where nobody else may answer instead.
        """
        first: Failure | None = None
        refused: dict[Secret | None, Failure] = {}
        tokens_in = self._tokens_in(request)
        for candidate in self._choice.order(request, tokens_in + request.max_tokens):
            if same := refused.get(candidate.key):
                self._choice.rest(candidate, same)
                continue
            transport = self._transport(candidate)
            await transport.warm(self.named())
            voice = Voice(on_text) if on_text else None
            limit = min(request.timeout_s or self.timeout_s, self.timeout_s)
            call = Call(
                candidate=candidate,
                messages=request.messages,
                toolbox=self._toolboxes.get(request.tools),
                max_tokens=request.max_tokens,
                limit_s=limit,
                on_text=voice,
            )
            reply: ModelReply | Failure | None = None
            try:
                reply = await self._ask(transport, call, tokens_in)
            finally:  # somebody may have stopped it, too
                broke_off = not isinstance(reply, ModelReply)
                if broke_off and voice and voice.chars and isinstance(on_text, Listener):
                    on_text.lost.append(self._received(candidate, tokens_in, voice))
            if isinstance(reply, ModelReply):
                self._choice.wake(candidate)
                return reply
            self._note(request, candidate, reply)
            if (voice and voice.chars) or not reply.kind.value.falls_over:
                raise reply.error()
            if reply.kind is Kind.WRONG_KEY:
                refused[candidate.key] = reply
            first = first or reply
        if first is None:
            raise ValueError("No model was asked.")
        return first

    def _transport(self, candidate: Candidate) -> Transport:
        if self._direct is None or not _speaks_openai(candidate.provider):
            return self._litellm
        if self._is_direct or (
            not self._litellm.is_loaded and self._prices.is_chat(candidate.model)
        ):
            return self._direct
        return self._litellm

    def _tokens_in(self, request: ModelRequest) -> int:
        tools = self._toolboxes.get(request.tools).text
        return tokens_of(size_of(request.messages) + len(tools))

    async def _ask(self, transport: Transport, call: Call, tokens_in: int) -> ModelReply | Failure:
        """One attempt at one model; its failure is returned, for the caller to choose."""
        candidate = call.candidate
        try:
            async with asyncio.timeout(call.limit_s):
                answer = await transport.ask(call)
        except Exception as error:  # of many packages; each is sorted here
            log.debug("what failed", exc_info=error)
            told = sorted_out(error, self.clock.now())
            return replace(
                candidate.failure(told.kind),
                status=told.status,
                words=told.words,
                retry_after_s=told.retry_after_s,
            )
        if answer is None:
            return candidate.failure(Kind.NONSENSE)
        tokens = answer.tokens
        if not any(tokens):  # some servers do not count; the budget must
            tokens = (tokens_in, tokens_of(size_of((answer.message,))))
        return ModelReply(
            message=answer.message,
            finish=answer.finish,
            model=candidate.model,
            usage=self._prices.settle(candidate.model, tokens, answer.cost),
        )

    def _received(self, candidate: Candidate, tokens_in: int, voice: Voice) -> Spend:
        """What an answer cost of which only these words came."""
        tokens = (tokens_in, tokens_of(voice.chars))
        usage = self._prices.settle(candidate.model, tokens, None)
        return Spend(model=candidate.model, usage=usage)

    def _note(self, request: ModelRequest, candidate: Candidate, failure: Failure) -> None:
        self._choice.rest(candidate, failure)
        log.warning(
            "a model failed",
            extra={
                "tenant": request.tenant,
                "conversation": request.conv,
                "model": candidate.model,
                "kind": failure.kind.name,
                "status": failure.status,
            },
        )

    def _patience(self, failure: Failure, tries: int) -> float | None:
        """How long to wait before another round; None when there is to be none."""
        if not failure.kind.value.again or tries >= MAX_TRIES:
            return None
        jitter = 1 + int.from_bytes(self.clock.chance(2), "big") / 65536 / 2
        wait = (failure.retry_after_s or 0.5 * 2 ** (tries - 1)) * jitter
        return wait if wait <= MAX_WAIT_S else None


def _speaks_openai(name: str) -> bool:
    return provider(name).speaks_openai
