"""A server that speaks as OpenAI does, with scripted answers and scripted faults.

It is not written from our client: each request is held against the vendor's own description
(`openai.json`) and against the two rules about tool messages that the description cannot say. What
breaks them is answered 400, as the vendor does, and kept in `violations`. Without the description it
says so once and checks those two rules only.

In a test: `async with OpenAIServer() as server:`. For a benchmark, which must not wait for checks:
`python -m tests.fakes.openai_server --port 4000 --delay-ms 0`.
"""

import argparse
import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

from aiohttp import web

from tests.published import document

Body = dict[str, Any]
"""A request or answer as JSON, in the vendor's shape."""

REQUEST = "#/components/schemas/CreateChatCompletionRequest"
EMBEDDING = "#/components/schemas/CreateEmbeddingRequest"
HEARING = {"file", "model", "response_format", "language", "prompt", "temperature"}
SOUNDS = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
FAULTS = ("hang", "stall", "cut", "unfinished", "nonsense", "empty", "drop")
"""hang: never answers; stall: says some words and then nothing; cut: ends in the middle of a stream, or of a body; unfinished: a
stream that closes well, but with neither a reason nor [DONE]; nonsense: 200 with HTML;
empty: 200 without a choice; drop: closes the socket without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer; `status` or `fault` make it a bad one."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    """Name and arguments, as the JSON text that the model wrote."""
    finish: str = ""
    """As the vendor says it; empty: `tool_calls` or `stop`, by what is answered."""
    usage: tuple[int, int] | None = (120, 30)
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More fields of the message."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    words: str = "The server had an error while processing your request."
    code: str = "server_error"
    fault: str = ""
    delay_s: float = 0.0


def wrong_key(key: str = "sk-wrong-0000") -> Reply:
    """What the vendor says to a key that it does not know; it repeats a part of the key."""
    words = f"Incorrect API key provided: {key}. You can find your API key in your settings."
    return Reply(status=401, words=words, code="invalid_api_key")


def rate_limited(seconds: int = 7) -> Reply:
    """Too many requests."""
    headers = {"Retry-After": str(seconds)}
    words = "Rate limit reached for requests per minute."
    return Reply(status=429, headers=headers, words=words, code="rate_limit_exceeded")


def too_long() -> Reply:
    """More than the model's context holds."""
    words = "This model's maximum context length is 8192 tokens. Reduce the length of the messages."
    return Reply(status=400, words=words, code="context_length_exceeded")


HELLO = Reply(text="Hello from the stub.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request, as it came."""

    path: str
    headers: Mapping[str, str]
    body: Body
    socket: tuple[str, int]

    @property
    def key(self) -> str:
        """The key that it carried."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class OpenAIServer:
    """The server. `script` is used up answer by answer; then `otherwise` answers."""

    def __init__(
        self,
        *script: Reply,
        otherwise: Reply | Callable[[Body], Reply] = HELLO,
        keys: Sequence[str] = (),
        models: Sequence[str] = ("gpt-4o-mini", "gpt-5.4-mini"),
        check: bool = True,
    ) -> None:
        self.script = deque(script)
        self.otherwise = otherwise
        self.keys = keys
        """Keys that are let in; empty: any."""
        self.models = models
        self.check = check
        self.embed: Callable[[str], list[float]] = lambda text: [float(len(text)), 1.0]
        """The vector of a text."""
        self.said: Callable[[bytes], Body] = lambda content: {
            "text": f"I said {len(content)} bytes.",
            "usage": {"type": "duration", "seconds": 4},
        }
        """What is heard in a recording."""
        self.requests: list[Received] = []
        self.violations: list[str] = []
        self.url = ""
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def sockets(self) -> set[tuple[str, int]]:
        """The client's ends of all connections so far."""
        return {request.socket for request in self.requests}

    @property
    def last(self) -> Body:
        """The body of the latest request."""
        return self.requests[-1].body

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` is known afterwards and ends with `/v1`."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/embeddings", self._embed)
        app.router.add_post("/v1/audio/transcriptions", self._hear)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        """Let go of everybody who hangs, and close."""
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _next(self, body: Body) -> Reply:
        if self.script:
            return self.script.popleft()
        return self.otherwise if isinstance(self.otherwise, Reply) else self.otherwise(body)

    def _keep(self, request: web.Request, body: Body) -> Received:
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        received = Received(
            path=request.path, headers=request.headers.copy(), body=body, socket=tuple(peer[:2])
        )
        self.requests.append(received)
        return received

    async def _list(self, request: web.Request) -> web.StreamResponse:
        received = self._keep(request, {})
        if self.keys and received.key not in self.keys:
            return failure(wrong_key(received.key))
        items = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "stub"}
            for name in self.models
        ]
        return web.json_response({"object": "list", "data": items})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body: Body = await request.json()
        if self.check:
            received = self._keep(request, body)
            if self.keys and received.key not in self.keys:
                return failure(wrong_key(received.key))
            if wrong := mistakes(body):
                self.violations.extend(wrong)
                return failure(Reply(status=400, words="; ".join(wrong), code="invalid_request"))
        return await self._answer(request, body, self._next(body))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        body: Body = await request.json()
        received = self._keep(request, body)
        if self.keys and received.key not in self.keys:
            return failure(wrong_key(received.key))
        if wrong := mistakes(body, EMBEDDING):
            self.violations.extend(wrong)
            return failure(Reply(status=400, words="; ".join(wrong), code="invalid_request"))
        if self.script:
            return await self._answer(request, {}, self.script.popleft())
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        items = [
            {"object": "embedding", "index": n, "embedding": self.embed(text)}
            for n, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 7 * len(texts), "total_tokens": 7 * len(texts)}
        answer = {"object": "list", "data": items, "model": body["model"], "usage": usage}
        return web.json_response(answer)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        """https://platform.openai.com/docs/api-reference/audio/createTranscription (2026-11-21)."""
        form = await request.post()
        body: Body = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        content = file.file.read() if isinstance(file, web.FileField) else b""
        name = file.filename if isinstance(file, web.FileField) else ""
        kind = file.content_type if isinstance(file, web.FileField) else ""
        received = self._keep(request, {**body, "file": (name, kind, len(content))})
        if self.keys and received.key not in self.keys:
            return failure(wrong_key(received.key))
        wrong = [f"no such field: {each}" for each in sorted(set(form) - HEARING)]
        wrong += [] if body.get("model") else ["model is missing"]
        wrong += [] if body.get("response_format", "json") == "json" else ["another format"]
        wrong += [] if name.rpartition(".")[2].lower() in SOUNDS else [f"no sound: {name!r}"]
        if wrong:
            self.violations.extend(wrong)
            return failure(Reply(status=400, words="; ".join(wrong), code="invalid_request"))
        if self.script:
            return await self._answer(request, {}, self.script.popleft())
        return web.json_response(self.said(content))

    async def _answer(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.fault == "hang":
            await self._closing.wait()
            return web.Response(status=503)
        if reply.fault == "drop":
            return hang_up(request)
        if reply.status != 200:
            return failure(reply)
        if reply.fault == "nonsense":
            return web.Response(text="<html><body>Bad gateway?</body></html>")
        if body.get("stream"):
            return await self._stream(request, body, reply)
        answer = json.dumps(completion(body, reply))
        if reply.fault == "cut":
            answer = answer[: len(answer) // 2]
        return web.Response(text=answer, content_type="application/json")

    async def _stream(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        sent = 0
        async for event in events(body, reply):
            if reply.fault == "cut" and sent == 3:
                return hang_up(request, response)
            if reply.fault == "stall" and sent == 3:
                await self._closing.wait()
            await response.write(f"data: {event}\n\n".encode())
            sent += 1
        await response.write_eof()
        return response


def hang_up(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Close the socket in the middle of a word."""
    if request.transport:
        request.transport.abort()
    return response or web.Response()


def failure(reply: Reply) -> web.Response:
    """An error in the vendor's shape."""
    error = {"message": reply.words, "type": reply.code, "param": None, "code": reply.code}
    return web.json_response({"error": error}, status=reply.status, headers=reply.headers)


def _calls(reply: Reply) -> list[Body]:
    return [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(reply.calls)
    ]


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _usage(reply: Reply) -> Body | None:
    if reply.usage is None:
        return None
    tokens_in, tokens_out = reply.usage
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


def completion(body: Body, reply: Reply) -> Body:
    """A whole answer."""
    message: Body = {"role": "assistant", "content": reply.text or None, "refusal": None}
    message.update(reply.extra)
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    answer: Body = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body.get("model", ""),
        "choices": [] if reply.fault == "empty" else [choice],
    }
    if (usage := _usage(reply)) is not None:
        answer["usage"] = usage
    return answer


async def events(body: Body, reply: Reply) -> AsyncIterator[str]:
    """A streamed answer: words, then pieces of calls, the end, and the usage where asked for."""
    head = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1_700_000_000}
    head["model"] = body.get("model", "")

    def chunk(delta: Body, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return json.dumps({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": "", **reply.extra})
    for word in reply.text.replace(" ", " \0").split("\0") if reply.text else ():
        yield chunk({"content": word})
    for n, call in enumerate(_calls(reply)):
        whole = call["function"]["arguments"]
        first = {**call, "index": n, "function": {**call["function"], "arguments": ""}}
        yield chunk({"tool_calls": [first]})
        for at in range(0, len(whole), 7):
            piece = {"index": n, "function": {"arguments": whole[at : at + 7]}}
            yield chunk({"tool_calls": [piece]})
    if reply.fault == "unfinished":
        return
    yield chunk({}, _finish(reply))
    asked = (body.get("stream_options") or {}).get("include_usage")
    if asked and (usage := _usage(reply)) is not None:
        yield json.dumps({**head, "choices": [], "usage": usage})
    yield "[DONE]"


def mistakes(body: Body, kind: str = REQUEST) -> list[str]:
    """What the vendor would not take; empty when all is well."""
    wrong = list(unanswered(body.get("messages", [])))
    validator = description(kind)
    if validator is not None:
        for error in validator.iter_errors(body):
            where = ".".join(str(part) for part in error.absolute_path)
            wrong.append(f"{where}: {error.message[:300]}")
    return wrong


def unanswered(messages: Sequence[Body]) -> list[str]:
    """Each call needs its answer before anything else is said, and each answer its call."""
    wrong: list[str] = []
    waiting: set[str] = set()
    for n, message in enumerate(messages):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in waiting:
                wrong.append(f"messages.{n}: an answer to no call")
            waiting.discard(str(message.get("tool_call_id")))
            continue
        if waiting:
            wrong.append(f"messages.{n}: tool_calls without an answer: {sorted(waiting)}")
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    if waiting:
        wrong.append(f"tool_calls without an answer: {sorted(waiting)}")
    return wrong


@cache
def description(kind: str = REQUEST) -> Any:
    """A validator of requests from the vendor's description; None, and a line in the log, without."""
    found = document("openai.json")
    if found is None:
        return None
    from jsonschema import Draft202012Validator

    return Draft202012Validator({**found, "$ref": kind})


async def serve(port: int, delay_ms: float, text: str, check: bool) -> None:
    """Run until interrupted."""
    server = OpenAIServer(otherwise=Reply(text=text, delay_s=delay_ms / 1000), check=check)
    await server.start(port=port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A stub that speaks as OpenAI does.")
    parser.add_argument("--port", type=int, default=4000)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--text", default="Hello from the stub.")
    parser.add_argument("--check", action="store_true", help="validate what comes in")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.delay_ms, given.text, given.check))


if __name__ == "__main__":
    main()
