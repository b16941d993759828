"""The one door to language models, and the only file that knows LiteLLM.

LiteLLM takes more than a second to import, so a worker thread does it: at the first call, or in
`warm` when nobody waits. Retries, fall-over, prices and words for failures are ours; LiteLLM is
asked once per attempt, with the key of that call, over one session of ours (its own clients are
kept per key or outlive their session). Where in the path: the loop asks, this answers.

LiteLLM's documents: https://docs.litellm.ai/docs/completion/input (read 2026-11-21); switches and
costs measured on 1.106.2.
"""

import asyncio
import importlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from agents.runtime.choice import Candidate, Choice, Keys, Options
from agents.runtime.connector import Connector
from agents.runtime.failures import Failure, Kind, kind_of, retry_after, status_of, words_of
from agents.runtime.prices import Price, Prices
from agents.runtime.providers import PROVIDERS, check
from agents.runtime.providers import provider_of as provider_of
from agents.runtime.wire import (
    Answer,
    Stream,
    Toolboxes,
    from_response,
    size_of,
    to_wire,
    tokens_of,
)
from bot.core.errors import ExtraMissing
from bot.core.ids import TenantId
from bot.core.model import ModelReply, ModelRequest, Task, Usage
from bot.core.ports import Clock, OnText
from bot.core.secret import Secret

log = logging.getLogger(__name__)

SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the import fetches prices from the network
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # else a first call fetches a list
    "LITELLM_MODE": "PRODUCTION",  # else it loads any `.env` above its folder
    # OpenAI by the plain HTTP route that its other providers take: half the CPU of the SDK's
    # route, and no client per key. The tests hold every failure to this route.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
}
MISSING = "Language models need LiteLLM. Install it: pip install 'switchboard[llm]'"
PASSED_ON = frozenset({"openai"})
"""Providers that get our tools as they are, past LiteLLM, which walks through every schema in every
call: a tenth of a turn. Ours have nothing that it would mend."""
MAX_TRIES = 3
MAX_WAIT_S = 8.0
"""A pause that a person still waits for; a longer one is told instead."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True, kw_only=True, eq=False)
class LiteLLM:
    """The port `Model`, served by LiteLLM. Its fields are what the operator set."""

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
    keys_of: Callable[[TenantId], Keys] | None = None
    """A tenant's own keys, which go before the house's."""
    sleep: Sleep = asyncio.sleep
    _prices: Prices = field(init=False)
    _choice: Choice = field(init=False)
    _toolboxes: Toolboxes = field(init=False, default_factory=Toolboxes)
    _library: "_Library | None" = field(init=False, default=None)
    _loading: "asyncio.Task[_Library] | None" = field(init=False, default=None)
    _session: aiohttp.ClientSession | None = field(init=False, default=None)
    _client: object = field(init=False, default=None)
    _running: int = field(init=False, default=0)
    _closing: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._prices = Prices({m: Price(input=i, output=o) for m, (i, o) in self.prices.items()})
        options = Options(
            keys={name: key for name, key in self.keys.items() if key},
            endpoints=self.endpoints,
            lists=self.lists,
            default=self.default,
            keys_of=self.keys_of,
        )
        self._choice = Choice(options, self.clock, self._prices)

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

    async def warm(self) -> None:
        """Load LiteLLM now, in a thread. Raises ExtraMissing."""
        if self._library is not None:
            return
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(load, self.named()))
        loading = self._loading
        try:
            self._library = await asyncio.shield(loading)
        finally:
            if loading.done():
                self._loading = None
        self._prices.adopt(self._library.prices)

    async def close(self) -> None:
        """Let go of all connections, when the last running call has ended."""
        self._closing = True
        if self._running == 0 and self._session is not None:
            session, self._session = self._session, None
            await session.close()

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
        self._choice.all_for(request)  # a wrong setting is told before the import
        await self.warm()
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

    async def _round(self, request: ModelRequest, on_text: OnText | None) -> ModelReply | Failure:
        """Ask one model after the other; the first failure when none answers.

        Raises the failure at once where nobody else may answer instead.
        """
        first: Failure | None = None
        refused: set[Secret | None] = set()
        tokens = self._tokens_in(request) + request.max_tokens
        for candidate in self._choice.order(request, tokens):
            if candidate.key in refused:
                continue
            stream = self._stream(candidate, on_text)
            reply = await self._ask(request, candidate, stream)
            if isinstance(reply, ModelReply):
                self._choice.wake(candidate)
                return reply
            self._note(request, candidate, reply)
            if (stream is not None and stream.spoken) or not reply.kind.value.falls_over:
                raise reply.error()
            if reply.kind is Kind.WRONG_KEY:
                refused.add(candidate.key)
            first = first or reply
        if first is None:
            raise ValueError("No model was asked.")
        return first

    def _tokens_in(self, request: ModelRequest) -> int:
        tools = self._toolboxes.get(request.tools)[1] if request.tools else 0
        return tokens_of(size_of(request.messages) + tools)

    def _stream(self, candidate: Candidate, on_text: OnText | None) -> Stream | None:
        if on_text is None or self._library is None:
            return None
        rebuild = self._library.rebuild
        return Stream(provider=candidate.provider, on_text=on_text, rebuild=rebuild)

    async def _ask(
        self, request: ModelRequest, candidate: Candidate, stream: Stream | None
    ) -> ModelReply | Failure:
        """One attempt at one model; its failure is returned, for the caller to choose."""
        limit = min(request.timeout_s or self.timeout_s, self.timeout_s)
        try:
            async with asyncio.timeout(limit):
                answer = await self._call(request, candidate, stream, limit)
        except Exception as error:  # of many packages; each is sorted here
            kind = kind_of(error)
            log.debug("what failed", exc_info=error)
            return replace(
                candidate.failure(kind),
                status=status_of(error),
                words=words_of(error, kind),
                retry_after_s=retry_after(error, self.clock.now()),
            )
        if answer is None:
            return candidate.failure(Kind.NONSENSE)
        tokens = answer.tokens
        if not any(tokens):  # some servers do not count; the budget must
            tokens = (self._tokens_in(request), tokens_of(size_of((answer.message,))))
        return ModelReply(
            message=answer.message,
            finish=answer.finish,
            model=candidate.model,
            usage=self._prices.settle(candidate.model, tokens, answer.cost),
        )

    async def _call(
        self, request: ModelRequest, candidate: Candidate, stream: Stream | None, limit: float
    ) -> Answer | None:
        library = self._library
        if library is None:
            raise ExtraMissing(MISSING)
        arguments: dict[str, object] = {
            "model": candidate.model,
            "messages": to_wire(request.messages, candidate.provider),
            "max_tokens": request.max_tokens,
            "timeout": limit,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            # Never empty: LiteLLM would look for a key in the environment.
            "api_key": candidate.key.reveal() if candidate.key else "none",
        }
        arguments |= self._http(library, candidate)
        if candidate.base is not None:
            arguments["api_base"] = candidate.base
        if request.tools:
            tools = self._toolboxes.get(request.tools)[0]
            if candidate.provider in PASSED_ON:
                arguments["extra_body"] = {"tools": tools}
            else:
                arguments["tools"] = tools
        if stream is None:
            return from_response(await library.ask(arguments), candidate.provider)
        arguments["stream"] = True
        arguments["stream_options"] = {"include_usage": True}
        chunks = await library.ask(arguments)
        try:
            async for chunk in chunks:
                stream.add(chunk)
        finally:
            await chunks.aclose()
        return stream.whole(chunks)

    def _http(self, library: "_Library", candidate: Candidate) -> dict[str, object]:
        """Our own connections for a call, where its route takes them."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),  # one tenant's cookies are nobody else's
            )
            self._client = library.client(self._session)
        if candidate.provider in PROVIDERS:
            return {"client": self._client}
        return {"shared_session": self._session}

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


class _Library:
    """LiteLLM, loaded. What it hands out is untyped; `wire.py` reads it."""

    def __init__(self, module: Any, internal: "ContextVar[bool]") -> None:
        self._module = module
        self._internal = internal
        self.prices: Mapping[str, Any] = module.model_cost
        self.rebuild: Callable[[list[Any]], Any] = module.stream_chunk_builder

    def client(self, session: aiohttp.ClientSession) -> object:
        """LiteLLM's HTTP client over a session of ours; no redirect carries a key elsewhere."""
        kind = importlib.import_module("litellm.llms.custom_httpx.http_handler").AsyncHTTPHandler
        client: object = kind(shared_session=session, follow_redirects=False)
        return client

    async def ask(self, arguments: Mapping[str, object]) -> Any:
        """One call."""
        # Marked as internal, a call is not handed to LiteLLM's own log of calls: nobody reads it,
        # and it costs a third of the call.
        token = self._internal.set(True)
        try:
            return await self._module.acompletion(**arguments)
        finally:
            self._internal.reset(token)


class _Tokenizer:
    """Stands where LiteLLM hands its tokenizer to every call, and loads its 40 MB if one counts."""

    def __getattr__(self, name: str) -> Any:
        lazy: Any = importlib.import_module("litellm._lazy_imports")
        return getattr(lazy.get_default_encoding(), name)


def load(models: tuple[str, ...]) -> _Library:
    """Import LiteLLM and make one call that goes nowhere, which imports the rest of it.

    Runs in a worker thread. The switches must stand in the environment before the import; this is
    the one place besides the settings that touches it.
    """
    os.environ.update(SWITCHES)
    try:
        # By name: the type checker would read all of it.
        module: Any = importlib.import_module("litellm")
    except ImportError as error:
        raise ExtraMissing(MISSING) from error
    module.telemetry = False
    module.turn_off_message_logging = True
    module.disable_streaming_logging = True
    module.suppress_debug_info = True
    module.disable_token_counter = True  # what a provider does not count, `tokens_of` does
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.handlers.clear()  # its own writes past our redaction
    vars(importlib.import_module("litellm.main"))["encoding"] = _Tokenizer()
    library = _Library(module, _internal_mark())
    names = {name.partition("/")[0]: name for name in reversed(models)}
    for model in names.values() or ("openai/gpt-4o-mini",):
        asyncio.run(_rehearse(library, model))
    return library


def _internal_mark() -> "ContextVar[bool]":
    try:
        found = importlib.import_module("litellm._internal_context").is_internal_call
    except (ImportError, AttributeError):  # a private name; without it calls only cost more
        found = None
    return found if isinstance(found, ContextVar) else ContextVar("unused", default=False)


async def _rehearse(library: _Library, model: str) -> None:
    """Calls with a made-up answer, whole and streamed: no socket is opened."""
    tool = {"name": "look", "description": "Look.", "parameters": {"type": "object"}}
    arguments = {
        "model": model,
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": tool}],
        "mock_response": "hello",
        "api_key": "none",
        "drop_params": True,
    }
    try:
        await library.ask(arguments)
        chunks = await library.ask({**arguments, "stream": True})
        await anext(aiter(chunks))
        await chunks.aclose()
    except Exception as error:  # noqa: BLE001  an unknown model is told when it is asked
        log.info("cannot rehearse", extra={"model": model, "type": type(error).__name__})
