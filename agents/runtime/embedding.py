"""Texts as vectors, so that what means the same is found in other words.

`ModelEmbedder` asks the model of `[models] embeddings` through LiteLLM, with the keys, addresses
and prices of the one door (`llm.py` loads the library; nothing else is asked of it here). With no
such setting `WordEmbedder` serves: it counts words and pieces of words into a fixed number of
places. It costs nothing, knows no language, and finds `invoicing` by `invoice`, never by `bill`.

LiteLLM's documents: https://docs.litellm.ai/docs/embedding/supported_embeddings (read 2026-11-21).
"""

from __future__ import annotations

import asyncio
import importlib
import math
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import aiohttp

from agents.runtime.choice import Candidate, Choice, Options
from agents.runtime.connector import session
from agents.runtime.failures import Failure, Kind
from agents.runtime.llm import load
from agents.runtime.prices import Prices
from agents.runtime.raised import sorted_out
from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelRequest, Usage
from bot.core.ports import Clock
from bot.frozen import frozen

MAX_BYTES = 8_000
"""Of one text; what is longer is found by its beginning. No token is shorter than a byte, and
OpenAI takes 8,192 tokens (https://platform.openai.com/docs/api-reference/embeddings/create, read
2026-11-21)."""
BATCH = 32
"""Texts of one call: 300,000 tokens are the most (same page)."""
TIMEOUT_S = 20.0
SHORTENED: Mapping[str, int] = {"openai/text-embedding-3-": 512}
"""Models that give shorter vectors on request (https://platform.openai.com/docs/guides/embeddings,
read 2026-11-21): a third of the work for each comparison, and nearly as good."""
PLACES = 256
_WORD = re.compile(r"\w+")
_NOBODY = (AgentName(""), ConvId(""))


@frozen
class Embedded:
    """Vectors of length one, in the order of the texts, and what they cost."""

    values: tuple[bytes, ...]
    usage: Usage


class Embedder(Protocol):
    """Makes vectors."""

    @property
    def name(self) -> str:
        """Who made a vector: only those of one name can be compared."""
        ...

    @property
    def floor(self) -> float:
        """The cosine from which two texts have to do with one another."""
        ...

    def reserve(self, tenant: TenantId, texts: Sequence[str]) -> Usage:
        """The most that this can cost."""
        ...

    async def embed(self, tenant: TenantId, texts: Sequence[str]) -> Embedded:
        """Embed texts. Raises OperatorError or VendorError."""
        ...


class WordEmbedder:
    """Counts words, how they begin, and their pieces; the same text is always the same vector."""

    name = f"words-{PLACES}-1"
    floor = 0.3

    def reserve(self, tenant: TenantId, texts: Sequence[str]) -> Usage:
        return Usage()

    async def embed(self, tenant: TenantId, texts: Sequence[str]) -> Embedded:
        values = await asyncio.to_thread(lambda: tuple(pack(_counted(text)) for text in texts))
        return Embedded(values=values, usage=Usage())


class ModelEmbedder:
    """One model behind LiteLLM."""

    floor = 0.25

    def __init__(self, model: str, options: Options, clock: Clock, prices: Prices) -> None:
        """`options` hold the keys and addresses; its lists are not looked at."""
        self._model = model
        self._clock = clock
        self._prices = prices
        self._choice = Choice(options, clock, prices)
        self._session: aiohttp.ClientSession | None = None
        self._loaded = False
        sizes = (size for start, size in SHORTENED.items() if model.startswith(start))
        self._size = next(sizes, 0)
        self.name = f"{model}/{self._size}" if self._size else model

    def reserve(self, tenant: TenantId, texts: Sequence[str]) -> Usage:
        tokens = sum(len(_short(text).encode()) for text in texts)  # no token is shorter
        price = self._prices.peak(self._model, tokens)
        return Usage(tokens_in=tokens, micros=price.micros(tokens, 0) if price else None)

    async def embed(self, tenant: TenantId, texts: Sequence[str]) -> Embedded:
        agent, conv = _NOBODY
        asked = ModelRequest(
            tenant=tenant, agent=agent, conv=conv, messages=(), model=self._model, max_tokens=0
        )
        candidate = self._choice.all_for(asked)[0]
        if not self._loaded:
            await asyncio.to_thread(load, ())
            self._loaded = True
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._ask(candidate, [_short(text) or "-" for text in texts])
        except Exception as error:  # of many packages; each is sorted here
            raise self._failure(candidate, error).error() from error
        values = _values(answer, len(texts))
        if values is None:
            raise candidate.failure(Kind.NONSENSE).error()
        used = getattr(getattr(answer, "usage", None), "prompt_tokens", 0) or 0
        tokens = used or self.reserve(tenant, texts).tokens_in  # some servers do not count
        return Embedded(values=values, usage=self._prices.settle(self._model, (tokens, 0), None))

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            old, self._session = self._session, None
            await old.close()

    async def _ask(self, candidate: Candidate, texts: list[str]) -> Any:
        if self._session is None:
            self._session = session()
        arguments: dict[str, object] = {
            "model": candidate.model,
            "input": texts,
            "encoding_format": "float",
            "timeout": TIMEOUT_S,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "api_key": candidate.key.reveal() if candidate.key else "none",
            "shared_session": self._session,
        }
        if candidate.base is not None:
            arguments["api_base"] = candidate.base
        if self._size:
            arguments["dimensions"] = self._size
        # By name: `load` has set its switches and imported it.
        library: Any = importlib.import_module("litellm")
        return await library.aembedding(**arguments)

    def _failure(self, candidate: Candidate, error: Exception) -> Failure:
        told = sorted_out(error, self._clock.now())
        return replace(
            candidate.failure(told.kind),
            status=told.status,
            words=told.words,
            retry_after_s=told.retry_after_s,
        )


def pack(values: Sequence[float]) -> bytes:
    """A vector of length one as 32-bit floats, little end first; one of nothing stays nothing."""
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


def unpack(value: bytes) -> tuple[float, ...]:
    """The floats of a vector."""
    return struct.unpack(f"<{len(value) // 4}f", value)


def _short(text: str) -> str:
    return text.encode()[:MAX_BYTES].decode("utf-8", "ignore")


def _counted(text: str) -> list[float]:
    places = [0.0] * PLACES
    for word in _WORD.findall(_short(text).casefold()):
        edged = f"^{word}$"
        pieces = [edged[n : n + 3] for n in range(len(edged) - 2)]
        starts = [edged[:size] for size in (5, 7) if len(edged) > size]
        weights = [(word, 1.0), *((s, 1.0) for s in starts), *((p, 0.5) for p in pieces)]
        for feature, weight in weights:
            number = zlib.crc32(feature.encode())
            places[number % PLACES] += weight if number & 0x8000_0000 else -weight
    return places


def _values(answer: Any, count: int) -> tuple[bytes, ...] | None:
    """The vectors of LiteLLM's answer; None when it is none."""
    found: list[bytes] = []
    for item in getattr(answer, "data", None) or ():
        value = item.get("embedding") if isinstance(item, Mapping) else item.embedding
        if not isinstance(value, list) or not value:
            return None
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in value):
            return None
        found.append(pack(value))
    sizes = {len(value) for value in found}
    return tuple(found) if len(found) == count and len(sizes) <= 1 else None
