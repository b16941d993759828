"""Spoken words as text, by the model of `[models] transcription`; with none nobody listens.

It is asked as every model is: by LiteLLM, or, where the settings say `direct`, by plain HTTP at
providers that speak OpenAI's shape. One call for one recording, never repeated here. What it cost
is what the provider counted, in seconds or in tokens; a provider that counts nothing is taken to
have heard the most that so many bytes can hold.
https://platform.openai.com/docs/api-reference/audio/createTranscription (read 2026-11-21): files of
at most 25 MB.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from agents.runtime.choice import Candidate, Choice, Options
from agents.runtime.direct import Direct
from agents.runtime.failures import Failure, Kind
from agents.runtime.llm import LiteLLM
from agents.runtime.prices import Prices
from agents.runtime.providers import provider
from agents.runtime.raised import sorted_out
from agents.runtime.transport import Recording
from bot.core.canonical import Json
from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelRequest, Usage
from bot.core.ports import Clock
from bot.frozen import frozen
from bot.render.text import visible

MAX_BYTES = 10 * 1024 * 1024
"""Of one recording: an hour and more as people's phones record."""
MAX_CHARS = 30_000
"""Of what was said: more than an hour's words."""
TIMEOUT_S = 120.0
LEAST_BYTES = 500
"""A second of speech takes no less: 4 kbit/s."""
TOKENS_IN, TOKENS_OUT = 25, 10
"""The most that a second comes to, where tokens are counted."""


@frozen
class Heard:
    """What was said, and what hearing it cost."""

    text: str
    usage: Usage


class Transcriber:
    """One model that listens."""

    def __init__(self, model: str, options: Options, clock: Clock, prices: Prices) -> None:
        """`options` hold the keys and addresses; its lists are not looked at."""
        self.name = model
        self._clock = clock
        self._prices = prices
        self._choice = Choice(replace(options, lists={}, default=()), clock, prices)
        self._litellm = LiteLLM(prices.adopt)
        self._direct = Direct(clock) if options.direct else None

    async def warm(self) -> None:
        """Look the price up, in a thread: the list is long. Nothing when that is done."""
        await asyncio.to_thread(self._prices.look_up, (self.name,))

    def reserve(self, content: bytes) -> Usage:
        """The most that it can cost."""
        return self._of_seconds(ceil(len(content) / LEAST_BYTES))

    async def hear(self, tenant: TenantId, name: str, media_type: str, content: bytes) -> Heard:
        """Write down what is said. Raises OperatorError or VendorError."""
        candidate = self._candidate(tenant)
        direct = self._direct if provider(candidate.provider).speaks_openai else None
        recording = Recording(
            candidate=candidate,
            name=name,
            media_type=media_type,
            content=content,
            limit_s=TIMEOUT_S,
        )
        transport = direct or self._litellm
        await transport.warm(())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await transport.hear(recording)
        except Exception as error:  # of many packages; each is sorted here
            raise self._failure(candidate, error).error() from error
        text = answer.get("text") if answer else None
        if answer is None or not isinstance(text, str) or _is_page(text):
            raise candidate.failure(Kind.NONSENSE).error()
        words = visible(text.strip())[:MAX_CHARS]
        return Heard(text=words, usage=self._usage(answer.get("usage"), content))

    async def close(self) -> None:
        """Let connections go."""
        await self._litellm.close()
        if self._direct is not None:
            await self._direct.close()

    def _candidate(self, tenant: TenantId) -> Candidate:
        asked = ModelRequest(
            tenant=tenant,
            agent=AgentName(""),
            conv=ConvId(""),
            messages=(),
            model=self.name,
            max_tokens=0,
        )
        return self._choice.all_for(asked)[0]

    def _usage(self, told: Json | Any, content: bytes) -> Usage:
        """What the provider counted."""
        counted = told if isinstance(told, Mapping) else {}
        seconds = counted.get("seconds")
        if isinstance(seconds, int | float) and seconds >= 0:
            return self._of_seconds(ceil(seconds))
        tokens = (counted.get("input_tokens"), counted.get("output_tokens"))
        if isinstance(tokens[0], int) and isinstance(tokens[1], int):
            return self._prices.settle(self.name, (tokens[0], tokens[1]), None)
        return self.reserve(content)

    def _of_seconds(self, seconds: int) -> Usage:
        price = self._prices.second(self.name)
        if price is not None:
            return Usage(micros=ceil(seconds * price * 1e6 - 1e-6))
        tokens = (seconds * TOKENS_IN, seconds * TOKENS_OUT)
        return self._prices.settle(self.name, tokens, None)

    def _failure(self, candidate: Candidate, error: Exception) -> Failure:
        told = sorted_out(error, self._clock.now())
        return replace(
            candidate.failure(told.kind),
            status=told.status,
            words=told.words,
            retry_after_s=told.retry_after_s,
        )


def _is_page(text: str) -> bool:
    """Whether it is the page of some server on the way; LiteLLM takes one for what was said."""
    return text.lstrip()[:9].lower().startswith(("<!doctype", "<html"))
