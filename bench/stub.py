"""The model that everyone is measured against: the tests' OpenAI server, told what to do in words.

A message that ends with `delay 500` is answered after 500 ms, one with `use the tool` by a call of
the first tool that was offered, everything else at once. `GET /last` is the latest request, so
that a benchmark can send the very same one; `GET /most` is how many waited at a time. Started as `python -m bench.stub --port P --tell Q`.
"""

import argparse
import asyncio
import contextlib
import json
import re
from typing import Any

from aiohttp import web

from tests.fakes.openai_server import OpenAIServer, Reply

TEXT = "Hello from the stub."
CALL = "use the tool"
DELAY = re.compile(r"delay (\d+)$")


class Stub:
    """The server with an ear for words."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}
        self._here = self._most = 0
        self._server = OpenAIServer(otherwise=self._choose, check=False)

    def _choose(self, body: dict[str, Any]) -> Reply:
        self._last = body
        last = body["messages"][-1]
        said = str(last["content"])
        delay = DELAY.search(said)
        if delay:
            self._here += 1
            self._most = max(self._most, self._here)
            asyncio.get_running_loop().call_later(int(delay[1]) / 1000, self._leave)
        if last["role"] == "user" and CALL in said and body.get("tools"):
            return Reply(calls=(_call(body["tools"]),))
        return Reply(text=TEXT, delay_s=int(delay[1]) / 1000 if delay else 0.0)

    async def serve(self, port: int, tell: int) -> None:
        """Run until interrupted."""
        await self._server.start(port=port)
        app = web.Application()
        app.router.add_get("/last", self._tell)
        app.router.add_get("/most", self._tell_most)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", tell).start()
        await asyncio.Event().wait()

    def _leave(self) -> None:
        self._here -= 1

    async def _tell_most(self, _: web.Request) -> web.Response:
        most, self._most = self._most, self._here
        return web.json_response({"most": most})

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response(self._last)


def _call(tools: list[dict[str, Any]]) -> tuple[str, str]:
    names = [tool["function"]["name"] for tool in tools]
    if "memory_remember" in names:
        return "memory_remember", json.dumps({"text": "We are open on Sunday."})
    return names[0], "{}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tell", type=int, required=True, help="the port of /last")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Stub().serve(given.port, given.tell))


if __name__ == "__main__":
    main()
