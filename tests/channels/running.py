"""The whole program in a process of its own, beside a model that only plays."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.openai_server import Body, OpenAIServer, Reply, events
from tests.process import Process

WORDS = " ".join(f"word{n}" for n in range(40))
POST = {"title": "Sunday", "text": "We are open on Sunday"}


class Model(OpenAIServer):
    """Answers by the last words that it is shown; `Slowly …` takes its time when first asked for."""

    def __init__(self, reply: Callable[[Body], Reply] | None = None) -> None:
        super().__init__(otherwise=reply or self._reply)
        self._told: set[str] = set()

    def _reply(self, body: Body) -> Reply:
        texts = [json.dumps(m["content"]) for m in body["messages"] if m["role"] == "user"]
        last = texts[-1] if texts else ""
        is_told = body["messages"][-1]["role"] == "tool" or "[outcome]" in last
        if "publish" in last and not is_told and body.get("tools"):
            return Reply(calls=[("blog_publish", json.dumps(POST))])
        if "slowly" in last:
            return Reply(text=f"Slowly: {WORDS}")
        return Reply(text=f"You said {len(texts)} things. Read: {'notes.txt' in last}.")

    async def _stream(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        is_slow = reply.text.startswith("Slowly") and reply.text not in self._told
        self._told.add(reply.text)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # whoever asked was killed
            async for event in events(body, reply):
                await response.write(f"data: {event}\n\n".encode())
                await asyncio.sleep(0.1 if is_slow else 0)
            await response.write_eof()
        return response


class Program(Process):
    """`bot run` that thinks with a model that plays."""

    def __init__(self, folder: Path, model: OpenAIServer, **settings: str) -> None:
        ours = {
            "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
            "OPENAI_API_KEY": "sk-of-nobody",
            "OPENAI_API_BASE": model.url,
            "BOT_MODELS_DEFAULT": "openai/gpt-4o-mini",
            "BOT_MODELS_TRANSPORT": "direct",
        }
        super().__init__(folder, **{**ours, **settings})

    async def admit(self, text: str, name: str = "Ana") -> None:
        """Let in whoever was given the code of that text."""
        code = re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", text)
        assert code, text
        await self.verb("pair", code[0], "--name", name)

    def posts(self) -> list[Path]:
        """What was published."""
        return list((self.home / "blog").glob("*.md"))


@asynccontextmanager
async def standing(program: Program, *secrets: str) -> AsyncIterator[Program]:
    """It runs, ends well, and has logged neither a traceback nor one of the secrets."""
    try:
        await program.start()
        yield program
        # In a thread: what the program still waits for is answered by this loop.
        await asyncio.to_thread(program.stop)
        assert "Traceback" not in program.said
        assert [secret for secret in secrets if secret in program.said] == []
    finally:
        program.stop()
        print(program.said)  # is shown where a test fails


async def found(look: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait until there is something; gives it."""
    async with asyncio.timeout(seconds):
        while not look():
            await asyncio.sleep(0.02)
    return look()
