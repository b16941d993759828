"""An answer in OpenAI's shape as it comes over its connection, piece by piece.

Both transports read it here: `direct.py` what it asked for itself, `llm.py` what LiteLLM asked for.
LiteLLM builds four objects of each piece, copies them, keeps them and joins them once more at the
end: three times the CPU of the same answer whole, and nobody here uses any of it. So where LiteLLM
asked over our session and the answer is a stream of this shape, it is read past LiteLLM; whatever
else it is, LiteLLM's own way is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from agents.runtime.answers import Reader
from agents.runtime.connector import ANSWERS, read
from agents.runtime.failures import CutOff
from agents.runtime.wire import Answer

PATH = "/chat/completions"
KIND = "text/event-stream"
MAX_REST = 64 << 10
"""Bytes of what may follow the end of an answer."""
LAST_S = 0.05
"""How long the end of a finished stream may take to come; else its connection is not kept."""


@contextmanager
def overheard() -> Iterator[list[aiohttp.ClientResponse]]:
    """The answers that come over our sessions meanwhile, in this task."""
    answers: list[aiohttp.ClientResponse] = []
    token = ANSWERS.set(answers)
    try:
        yield answers
    finally:
        ANSWERS.reset(token)


def readable(answers: list[aiohttp.ClientResponse]) -> aiohttp.ClientResponse | None:
    """The last of these answers, where it is a stream in OpenAI's shape; else None."""
    last = answers[-1] if answers else None
    if last is None or last.status != 200 or last.content_type != KIND:
        return None
    if not last.url.path.endswith(PATH) or "Content-Encoding" in last.headers:
        return None  # packed, it is unpacked by whoever asked
    # A name of aiohttp's own: how much of it was read. Nobody may have begun.
    return last if getattr(last.content, "_cursor", -1) == 0 else None


async def streamed(response: aiohttp.ClientResponse, reader: Reader) -> Answer | None:
    """The whole answer; its words are passed on as they come. Raises Told, CutOff."""
    try:
        async for data in response.content.iter_any():
            reader.feed(data)
            if reader.is_done:
                await _let_end(response)
                break
        return reader.end()
    except TimeoutError:
        raise
    except aiohttp.ClientError as error:
        raise CutOff from error


async def _let_end(response: aiohttp.ClientResponse) -> None:
    """Read the last bytes of a finished answer, so that its connection can be used again."""
    try:
        async with asyncio.timeout(LAST_S):
            await read(response, MAX_REST)
    except (TimeoutError, aiohttp.ClientError):
        response.close()
