"""The two floors: the least that answers a chat and loses nothing.

    F  aiohttp in; one grouped SQLite commit, synchronous=FULL, before the acknowledgement and one
       after the answer is sent; the model by aiohttp's client; aiohttp out
    L  the same, the model by `litellm.acompletion`, one shared session, its network look-ups off

Neither has agents, history, an audit, limits or approvals: that is the point of them. Started by
the benchmarks as `python -m bench.floor L --port P --model-url URL --home FOLDER`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import queue
import signal
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

Body = dict[str, Any]
Model = Callable[[Body], Awaitable[str]]
SWITCHES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Must stand before the import: no look-up in the network, no `.env`."""
NAME = "gpt-4o-mini"
STORE = "INSERT INTO inbox (conv, body) VALUES (?, ?)"
DONE = "UPDATE inbox SET reply = ? WHERE id = ?"


class Store:
    """One writer thread; all that waits at a moment shares one commit."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE inbox (id INTEGER PRIMARY KEY, conv TEXT, body TEXT, reply TEXT)"
        )
        threading.Thread(target=self._work, daemon=True).start()

    async def write(self, sql: str, values: tuple[object, ...]) -> int:
        """Run one statement; return its row's number once the disk has it."""
        future: asyncio.Future[int] = self._loop.create_future()
        self._queue.put((sql, values, future))
        return await future

    def _work(self) -> None:
        cursor = self._db.cursor()
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            cursor.execute("BEGIN IMMEDIATE")
            done = [
                (future, cursor.execute(sql, values).lastrowid) for sql, values, future in batch
            ]
            cursor.execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, done)


def _tell(done: list[tuple["asyncio.Future[Any]", int | None]]) -> None:
    for future, number in done:
        if not future.done():
            future.set_result(number)


class Floor:
    """Handlers."""

    def __init__(self, store: Store, model: Model) -> None:
        self._store = store
        self._model = model
        self._tasks: set[asyncio.Task[None]] = set()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer as OpenAI does, and keep the answer after it is sent."""
        body = json.loads(await request.read())
        conv = request.headers.get("X-Conversation-Id", "")
        number = await self._store.write(STORE, (conv, json.dumps(body)))
        text = await self._model({"messages": body["messages"], "tools": body.get("tools")})
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        told = {"object": "chat.completion", "model": body["model"], "choices": [choice]}
        response = web.Response(text=json.dumps(told), content_type="application/json")
        await response.prepare(request)
        await response.write_eof()
        await self._store.write(DONE, (text, number))
        return response

    async def say(self, request: web.Request) -> web.Response:
        """Acknowledge at once, answer afterwards."""
        body = json.loads(await request.read())
        number = await self._store.write(STORE, ("", json.dumps(body)))
        task = asyncio.create_task(self._answer(number, body["text"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.Response(
            text=json.dumps({"event": number}), status=202, content_type="application/json"
        )

    async def _answer(self, number: int, text: str) -> None:
        said = await self._model({"messages": [{"role": "user", "content": text}]})
        await self._store.write(DONE, (said, number))


def by_aiohttp(session: aiohttp.ClientSession, url: str) -> Model:
    """The model of F."""
    headers = {"Authorization": "Bearer test-key"}

    async def ask(body: Body) -> str:
        sent = {"model": NAME, "messages": body["messages"]}
        async with session.post(f"{url}/chat/completions", json=sent, headers=headers) as answer:
            said = await answer.json()
            return str(said["choices"][0]["message"]["content"])

    return ask


def by_litellm(session: aiohttp.ClientSession, url: str) -> Model:
    """The model of L."""
    os.environ.update(SWITCHES)
    import litellm

    async def ask(body: Body) -> str:
        message = await say(body)
        if not message.tool_calls:
            return str(message.content)
        call = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Noted."}
        messages = [*body["messages"], message.model_dump(exclude_none=True), call]
        return str((await say({**body, "messages": messages})).content)

    async def say(body: Body) -> Any:
        more = {"tools": body["tools"]} if body.get("tools") else {}
        said: Any = await litellm.acompletion(
            model=f"openai/{NAME}",
            messages=body["messages"],
            api_base=url,
            api_key="test-key",
            shared_session=session,
            num_retries=0,
            timeout=60,
            **more,
        )
        return said.choices[0].message

    return ask


async def serve(kind: str, port: int, url: str, home: Path) -> None:
    """Run until told to stop."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    model = by_litellm(session, url) if kind == "L" else by_aiohttp(session, url)
    floor = Floor(Store(home / "floor.db"), model)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", floor.complete)
    app.router.add_post("/v1/messages", floor.say)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()
    await session.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("F", "L"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.kind, given.port, given.model_url, given.home))


if __name__ == "__main__":
    main()
