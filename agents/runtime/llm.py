"""LiteLLM as a transport, and the only file that knows it: every provider, and the default.

LiteLLM takes more than a second to import, so a worker thread does it: at the first call, or in
`warm` when nobody waits. Retries, fall-over, prices and words for failures are the door's; LiteLLM
is asked once per attempt, with the key of that call, over one session of ours (its own clients are
kept per key or outlive their session). Where in the path: the door asks, this answers.

LiteLLM's documents: https://docs.litellm.ai/docs/completion/input (read 2026-11-21); switches and
costs measured on 1.106.2.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import aiohttp

from agents.runtime.answers import Reader
from agents.runtime.choice import Candidate
from agents.runtime.connector import session
from agents.runtime.providers import PROVIDERS, provider
from agents.runtime.streams import overheard, readable, streamed
from agents.runtime.transport import Call, Recording
from agents.runtime.wire import Answer, Stream, from_response, to_wire
from bot.core.canonical import Json
from bot.core.errors import ExtraMissing
from bot.extras import install

log = logging.getLogger(__name__)

SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the import fetches prices from the network
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # else a first call fetches a list
    "LITELLM_MODE": "PRODUCTION",  # else it loads any `.env` above its folder
    # OpenAI by the plain HTTP route that its other providers take: half the CPU of the SDK's
    # route, and no client per key. The tests hold every failure to this route.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
}
PASSED_ON = frozenset({"openai"})
"""Providers that get our tools as they are, past LiteLLM, which walks through every schema in every
call; a chat model even as written once, past its JSON. Ours have nothing that it would mend."""
READ_BY_LITELLM = frozenset({"anthropic", "gemini"})
"""Providers with a shape of their own, whose pieces are taken as LiteLLM reads them."""
_past: ContextVar[str] = ContextVar("past", default="")
"""The tools of this call as JSON, for a provider of `PASSED_ON`."""


class LiteLLM:
    """The transport `Transport`, by LiteLLM."""

    def __init__(self, adopt: Callable[[Mapping[str, Any]], None]) -> None:
        """`adopt` is given LiteLLM's map of prices when it is loaded."""
        self._adopt = adopt
        self._library: _Library | None = None
        self._loading: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._client: object = None

    @property
    def is_loaded(self) -> bool:
        """Whether a call need not wait for it."""
        return self._library is not None

    def begin(self, models: Sequence[str]) -> None:
        """Load LiteLLM in a thread, and do not wait."""
        if self._library is None and self._loading is None:
            self._loading = asyncio.create_task(self._load(tuple(models)))
            self._loading.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def warm(self, models: Sequence[str]) -> None:
        """Load LiteLLM now, in a thread. Raises ExtraMissing."""
        self.begin(models)
        if self._loading is not None:
            await asyncio.shield(self._loading)

    async def _load(self, models: tuple[str, ...]) -> None:
        try:
            self._library = await asyncio.to_thread(load, models)
            self._adopt(self._library.prices)
        finally:
            self._loading = None

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            old, self._session = self._session, None
            await old.close()

    async def ask(self, call: Call) -> Answer | None:
        """One call. Raises ExtraMissing, and LiteLLM's own errors."""
        library = self._library
        if library is None:
            raise _missing()
        token = _past.set(call.toolbox.text if library.is_chat(call.candidate.model) else "")
        try:
            return await self._ask(library, call)
        finally:
            _past.reset(token)

    async def _ask(self, library: _Library, call: Call) -> Answer | None:
        candidate = call.candidate
        arguments: dict[str, object] = {
            "model": candidate.model,
            "messages": to_wire(call.messages, candidate.provider),
            "max_tokens": call.max_tokens,
            "timeout": call.limit_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            # Never empty: LiteLLM would look for a key in the environment.
            "api_key": candidate.key.reveal() if candidate.key else "none",
        }
        arguments |= self._http(library, candidate)
        if candidate.base is not None:
            arguments["api_base"] = candidate.base
        if (tools := call.toolbox.payload) and not _past.get():
            if candidate.provider in PASSED_ON:
                arguments["extra_body"] = {"tools": tools}
            else:
                arguments["tools"] = tools
        ask = library.ask_here if candidate.provider in PROVIDERS else library.ask
        if call.on_text is None:
            return from_response(await ask(arguments), candidate.provider)
        arguments["stream"] = True
        arguments["stream_options"] = {"include_usage": True}
        with overheard() as answers:
            chunks = await ask(arguments)
        try:
            if provider(candidate.provider).speaks_openai and (found := readable(answers)):
                return await streamed(found, Reader(candidate.provider, call.on_text))
            stream = Stream(
                provider=candidate.provider, on_text=call.on_text, rebuild=library.rebuild
            )
            async with aclosing(library.pieces(chunks, candidate)) as pieces:
                async for piece in pieces:
                    stream.add(piece)
                    if stream.is_done:
                        break
            return stream.whole(chunks)
        finally:
            await chunks.aclose()

    async def hear(self, recording: Recording) -> Mapping[str, Json] | None:
        """One recording. Raises as `ask` does."""
        library = self._library
        if library is None:
            raise _missing()
        candidate = recording.candidate
        arguments: dict[str, object] = {
            "model": candidate.model,
            "file": (recording.name, recording.content, recording.media_type),
            "response_format": "json",
            "timeout": recording.limit_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "api_key": candidate.key.reveal() if candidate.key else "none",
        }
        if candidate.base is not None:
            arguments["api_base"] = candidate.base
        found = (await library.hear(arguments)).model_dump()
        return found if isinstance(found, dict) else None

    def _http(self, library: _Library, candidate: Candidate) -> dict[str, object]:
        """Our own connections for a call, where its route takes them."""
        if self._session is None:
            self._session = session()
            self._client = library.client(self._session)
        if candidate.provider in PROVIDERS:
            return {"client": self._client}
        return {"shared_session": self._session}


class _Library:
    """LiteLLM, loaded. What it hands out is untyped; `wire.py` reads it."""

    def __init__(self, module: Any, internal: ContextVar[bool]) -> None:
        self._module = module
        self._internal = internal
        self._record = importlib.import_module("litellm.utils").function_setup
        self.prices: Mapping[str, Any] = module.model_cost
        self.rebuild: Callable[[list[Any]], Any] = module.stream_chunk_builder

    def is_chat(self, model: str) -> bool:
        """Whether it is a model of `PASSED_ON` that LiteLLM surely asks by its route for chats."""
        provider, _, name = model.partition("/")
        return provider in PASSED_ON and self.prices.get(name, {}).get("mode") == "chat"

    def client(self, session: aiohttp.ClientSession) -> object:
        """LiteLLM's HTTP client over a session of ours; no redirect carries a key elsewhere."""
        handlers = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        kind: Any = handlers.AsyncHTTPHandler

        class Client(kind):  # type: ignore[misc]
            """Puts the tools to a body that LiteLLM wrote without them."""

            async def post(self, url: str, data: object = None, **more: object) -> object:
                if tools := _past.get():
                    data = f'{str(data).removesuffix("}")}, "tools": {tools}}}'
                return await super().post(url, data, **more)

        client: object = Client(shared_session=session, follow_redirects=False)
        return client

    async def ask_here(self, arguments: Mapping[str, object]) -> Any:
        """One call, prepared on the loop: for providers whose preparation waits for nothing.

        It is what `acompletion` does in the end. What that has around it (a thread for the
        preparation, a cache, rules, records) nobody here uses, and it is a quarter of a call.
        """
        begun = datetime.now()  # noqa: DTZ005  LiteLLM subtracts such times from each other
        given = {**arguments, "litellm_call_id": str(uuid.uuid4())}
        record, given = self._record("acompletion", None, begun, is_async_call=False, **given)
        given["litellm_logging_obj"] = record
        token = self._internal.set(True)
        try:
            return await self._module.completion(acompletion=True, **given)
        except Exception as error:
            raise self._sorted(str(arguments["model"]), error) from error
        finally:
            self._internal.reset(token)

    def _sorted(self, model: str, error: Exception) -> Exception:
        """An error as LiteLLM tells it. It may raise that at once."""
        found: Exception = self._module.exception_type(model, error, model.partition("/")[0])
        return found

    async def pieces(self, chunks: Any, candidate: Candidate) -> AsyncGenerator[Any]:
        """The pieces of a stream: of a provider that we know by its shape, as LiteLLM reads them.

        What it hands out instead it builds anew from each of them, and once more at the end: seven
        eighths of the CPU. Where the pieces are not as they were, it hands out the rest.
        """
        if candidate.provider not in READ_BY_LITELLM or not hasattr(chunks, "fetch_stream"):
            async for piece in chunks:
                yield piece
            return
        try:
            if chunks.completion_stream is None:
                await chunks.fetch_stream()
            source = aiter(chunks.completion_stream)
            async for piece in source:
                if hasattr(piece, "choices"):
                    _note_end(chunks, piece)
                    yield piece
                elif piece and not (isinstance(piece, dict) and _is_empty(piece)):
                    chunks.completion_stream = _again(piece, source)
                    break
            else:
                return
        except Exception as error:
            raise self._sorted(candidate.model, error) from error
        async for piece in chunks:
            yield piece

    async def ask(self, arguments: Mapping[str, object]) -> Any:
        """One call, prepared in a thread."""
        # Marked as internal, a call is not handed to LiteLLM's own log of calls: nobody reads it,
        # and it costs a third of the call.
        token = self._internal.set(True)
        try:
            return await self._module.acompletion(**arguments)
        finally:
            self._internal.reset(token)

    async def hear(self, arguments: Mapping[str, object]) -> Any:
        """One recording."""
        token = self._internal.set(True)
        try:
            return await self._module.atranscription(**arguments)
        finally:
            self._internal.reset(token)


def _note_end(chunks: Any, piece: Any) -> None:
    """Note the provider's own reason for its end where LiteLLM notes it."""
    for choice in piece.choices[:1]:
        chunks.received_finish_reason = choice.finish_reason or chunks.received_finish_reason


def _is_empty(piece: Mapping[str, object]) -> bool:
    """What LiteLLM makes of a line that says nothing."""
    return not any(piece.get(name) for name in ("text", "tool_use", "is_finished", "usage"))


async def _again(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """A stream of which one piece was read already."""
    yield first
    async for piece in rest:
        yield piece


class _Tokenizer:
    """Stands where LiteLLM hands its tokenizer to every call, and loads its 40 MB if one counts."""

    def __getattr__(self, name: str) -> Any:
        lazy: Any = importlib.import_module("litellm._lazy_imports")
        return getattr(lazy.get_default_encoding(), name)


def _missing() -> ExtraMissing:
    return ExtraMissing(f"Language models need LiteLLM. Install it: {install('llm')}")


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
        raise _missing() from error
    module.telemetry = False
    module.turn_off_message_logging = True
    module.disable_streaming_logging = True
    module.suppress_debug_info = True
    module.DEFAULT_MAX_RETRIES = 0  # an embedding takes no other word for it
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


def _internal_mark() -> ContextVar[bool]:
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
        await library.ask_here(arguments)
        chunks = await library.ask({**arguments, "stream": True})
        await anext(aiter(chunks))
        await chunks.aclose()
    except Exception as error:  # noqa: BLE001  an unknown model is told when it is asked
        log.info("cannot rehearse", extra={"model": model, "type": type(error).__name__})
