"""One server that fails as OpenAI, Anthropic and Gemini do, each in its own shape.

It knows no request, only who is asked: what it is for is faults on the way back. Shapes and words:
https://platform.openai.com/docs/guides/error-codes, https://docs.claude.com/en/api/errors,
https://docs.claude.com/en/docs/build-with-claude/streaming,
https://ai.google.dev/gemini-api/docs/troubleshooting (read 2026-11-21).
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.openai_server import hang_up

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How it fails."""

    status: int = 200
    words: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: str = ""
    """As Gemini asks for a pause, such as `33s`: in the body, and in no header."""
    way: str = ""
    """hang: never answers; malformed: half of a JSON text, well closed; silent: the answer begins
    and breaks off before any word; cut: it breaks off after two words; inside: the stream begins
    well and then tells an error."""


TOO_LONG = {
    "openai": "This model's maximum context length is 8192 tokens. Reduce the messages.",
    "anthropic": "prompt is too long: 210000 tokens > 200000 maximum",
    "gemini": "The input token count (1200000) exceeds the maximum number of tokens allowed.",
}
"""A refusal of what is too long to be read, in each vendor's words."""
_ANTHROPIC = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}
_GEMINI = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


class ModelVendors:
    """The server; `fault` is how it fails, None says hello."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.asked: list[str] = []
        """Whose shape was asked for, in order."""
        self.url = ""
        """Without a path."""
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body: Body = await request.json()
        vendor = shape_of(request.path)
        self.asked.append(vendor)
        fault = self.fault or Fault()
        if fault.way == "hang":
            await self._closing.wait()
            return web.Response(status=503)
        if fault.status != 200 and fault.way != "inside":
            told = error(vendor, fault)
            return web.json_response(told, status=fault.status, headers=fault.headers)
        if not (body.get("stream") or ":stream" in request.path):
            text = json.dumps(whole(vendor))
            if fault.way:
                text = text[: len(text) // 2]
            return web.Response(text=text, content_type="application/json")
        return await self._stream(request, vendor, fault)

    async def _stream(self, request: web.Request, vendor: str, fault: Fault) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if fault.way == "malformed":
            await response.write(b'data: {"choices": [{"delta"\n\n')
            return response
        told = 0
        for event in events(vendor):
            is_word = any(f'"{word}' in event for word in WORDS)
            if (fault.way == "inside" and is_word) or (fault.way == "silent" and is_word):
                break
            if fault.way == "cut" and told == 2:
                break
            await response.write(f"{event}\n\n".encode())
            told += is_word
        if fault.way == "inside":
            lines = ["event: error"] if vendor == "anthropic" else []
            lines.append(f"data: {json.dumps(error(vendor, fault))}")
            await response.write(("\n".join(lines) + "\n\n").encode())
        elif fault.way:
            await asyncio.sleep(0.01)  # so that what was written is read before the end is seen
            return hang_up(request, response)
        return response


WORDS = ("Hello ", "from ", "the ", "vendor.")


def shape_of(path: str) -> str:
    """Whose address this is."""
    if path.endswith("/messages"):
        return "anthropic"
    return "gemini" if "enerateContent" in path else "openai"


def error(vendor: str, fault: Fault) -> Body:
    """A refusal, in the vendor's shape."""
    words, status = fault.words, fault.status
    if vendor == "anthropic":
        inner = {"type": _ANTHROPIC.get(status, "api_error"), "message": words}
        return {"type": "error", "error": inner, "request_id": "req_1"}
    if vendor == "gemini":
        told: Body = {"code": status, "message": words, "status": _GEMINI.get(status, "UNKNOWN")}
        if fault.delay:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            told["details"] = [{"@type": kind, "retryDelay": fault.delay}]
        return {"error": told}
    return {"error": {"message": words, "type": "server_error", "param": None, "code": status}}


def whole(vendor: str) -> Body:
    """A whole answer."""
    text = "".join(WORDS)
    if vendor == "anthropic":
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 12, "output_tokens": 4},
        }
    if vendor == "gemini":
        return _candidate(text, "STOP")
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}


def events(vendor: str) -> Sequence[str]:
    """A streamed answer, event by event."""
    if vendor == "anthropic":
        return _anthropic_events()
    if vendor == "gemini":
        told = [_candidate(word, "STOP" if word == WORDS[-1] else "") for word in WORDS]
        return [f"data: {json.dumps(each)}" for each in told]
    pieces = [_chunk({"role": "assistant", "content": ""})]
    pieces += [_chunk({"content": word}) for word in WORDS]
    return [*(f"data: {json.dumps(p)}" for p in (*pieces, _chunk({}, "stop"))), "data: [DONE]"]


_HEAD: Body = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "m"}


def _chunk(delta: Body, finish: str | None = None) -> Body:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _candidate(text: str, finish: str) -> Body:
    content = {"parts": [{"text": text}], "role": "model"}
    candidate: Body = {"content": content, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 4, "totalTokenCount": 16}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"}


def _anthropic_events() -> Sequence[str]:
    message = {**whole("anthropic"), "content": [], "stop_reason": None}
    told: list[Body] = [
        {"type": "message_start", "message": message},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
    ]
    for word in WORDS:
        delta = {"type": "text_delta", "text": word}
        told.append({"type": "content_block_delta", "index": 0, "delta": delta})
    told += [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 4},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {each['type']}\ndata: {json.dumps(each)}" for each in told]
