"""The direct transport: plain HTTP to every provider that speaks OpenAI's shape.

OpenAI, DeepSeek, OpenRouter, Cerebras, Ollama, LM Studio, llamafile, vLLM, and whatever stands at
an address that the operator gave one of these. It needs no LiteLLM, so it starts at once, and is
the way on if LiteLLM must be switched off. Anthropic and Gemini have shapes of their own: those go
through LiteLLM. A key goes to its own host only: redirects are not followed, and no cookies kept.

https://platform.openai.com/docs/api-reference/chat/create,
https://api-docs.deepseek.com/api/create-chat-completion,
https://openrouter.ai/docs/api-reference/chat-completion,
https://inference-docs.cerebras.ai/api-reference/chat-completions,
https://platform.openai.com/docs/api-reference/audio/createTranscription (read 2026-11-21)
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from agents.runtime.answers import Reader, from_body
from agents.runtime.body import Body
from agents.runtime.choice import Candidate
from agents.runtime.connector import MAX_BODY, read, session
from agents.runtime.failures import (
    CutOff,
    Kind,
    Told,
    bearable,
    kind_of_status,
    spoken_by,
    wait_of,
)
from agents.runtime.providers import chat_url, hearing_url
from agents.runtime.streams import streamed
from agents.runtime.transport import Call, Recording
from agents.runtime.wire import Answer, to_wire
from bot.core.canonical import Json
from bot.core.ports import Clock
from bot.lazy import at_hand

MAX_ERROR = 64 << 10
"""Bytes of an error that are read."""
LONG = 256 << 10
"""From here on an answer is parsed in a thread, so that nobody waits for it."""
_REASONING = re.compile(r"(?:o\d|gpt-(?:[5-9]|\d\d))")
"""OpenAI's models that refuse `max_tokens`: its page on chat completions, read 2026-11-21."""


class Direct:
    """The port `Transport`, without a library of anybody's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    async def warm(self, models: Sequence[str]) -> None:
        """Nothing of anybody's but aiohttp's client."""
        await at_hand("aiohttp")

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            old, self._session = self._session, None
            await old.close()

    async def ask(self, call: Call) -> Answer | None:
        """One request. Raises Told, CutOff, and aiohttp's errors of a connection."""
        candidate = call.candidate
        if self._session is None:
            self._session = session()
        url = chat_url(candidate.provider, candidate.base or "")
        asked = self._session.post(
            url,
            data=body_of(call),
            headers=_headers(candidate),
            allow_redirects=False,
            proxy=self._proxy(url),
        )
        async with asked as response:
            if response.status != 200:
                raise await self._refusal(response)
            try:
                if call.on_text is not None and response.content_type != "application/json":
                    return await streamed(response, Reader(candidate.provider, call.on_text))
                answer = await _whole(response, candidate.provider)
            except aiohttp.ClientError as error:
                raise CutOff from error
            if answer and call.on_text and answer.message.content:
                call.on_text(answer.message.content)  # it was asked for a stream and cannot
            return answer

    async def hear(self, recording: Recording) -> Mapping[str, Json] | None:
        """One recording. Raises as `ask` does."""
        candidate = recording.candidate
        if self._session is None:
            self._session = session()
        url = hearing_url(candidate.provider, candidate.base or "")
        form = aiohttp.FormData()
        form.add_field("model", candidate.model.partition("/")[2])
        form.add_field("response_format", "json")
        form.add_field(
            "file",
            recording.content,
            filename=recording.name,
            content_type=recording.media_type,
        )
        asked = self._session.post(
            url,
            data=form,
            headers=_headers(candidate),
            allow_redirects=False,
            proxy=self._proxy(url),
        )
        async with asked as response:
            if response.status != 200:
                raise await self._refusal(response)
            try:
                found = json.loads(await read(response, MAX_BODY) or b"")
            except aiohttp.ClientError as error:
                raise CutOff from error
            except ValueError:
                return None
            return found if isinstance(found, dict) else None

    async def _refusal(self, response: aiohttp.ClientResponse) -> Told:
        try:
            body = await read(response, MAX_ERROR) or b""
        except aiohttp.ClientError:  # the status says enough
            body = b""
        text = body.decode("utf-8", "replace")
        wait = wait_of(response.headers.get("Retry-After"), self._clock.now())
        return Told(
            kind_of_status(response.status, text),
            status=response.status,
            words=spoken_by(text),
            retry_after_s=bearable(wait),
        )

    def _proxy(self, url: str) -> str | None:
        """The proxy that the environment names for a host, looked up once."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in self._proxies:
            named = None if proxy_bypass(host) else getproxies().get(parts.scheme)
            self._proxies[host] = named
        return self._proxies[host]


def body_of(call: Call) -> Body:
    """The request, as it leaves."""
    candidate = call.candidate
    model = candidate.model.partition("/")[2]
    reasons = candidate.provider == "openai" and _REASONING.match(model)
    body: dict[str, object] = {
        "model": model,
        "messages": to_wire(call.messages, candidate.provider),
        "max_completion_tokens" if reasons else "max_tokens": call.max_tokens,
    }
    if call.on_text is not None:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return Body(json.dumps(body), call.toolbox.text)


def _headers(candidate: Candidate) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {candidate.key.reveal()}"} if candidate.key else {}


async def _whole(response: aiohttp.ClientResponse, provider: str) -> Answer | None:
    body = await read(response, MAX_BODY)
    if body is None:
        raise Told(Kind.NONSENSE, words="The answer is too long.")
    if len(body) > LONG:
        return await asyncio.to_thread(from_body, body, provider)
    return from_body(body, provider)
