"""The whole program by its API: the first answer of a new conversation, seen while it is written."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.channels.running import Model, Program, standing
from tests.fakes.openai_server import Body, Reply, events

TOKEN = "t" * 40


class Held(Model):
    """Writes its first words, and the rest when somebody has seen them."""

    def __init__(self) -> None:
        super().__init__(lambda body: Reply(text="one two three four five six"))
        self.seen = asyncio.Event()

    async def _stream(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        count = 0
        async for event in events(body, reply):
            await response.write(f"data: {event}\n\n".encode())
            count += 1
            if count == 4:
                await self.seen.wait()
        await response.write_eof()
        return response


async def test_the_first_answer_is_seen_while_it_is_written(tmp_path: Path) -> None:
    async with (
        Held() as model,
        standing(Program(tmp_path, model, BOT_API_TOKEN=TOKEN)) as house,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        said = await _say(client, house, stream=True)
        path = f"{house.url}/v1/conversations/{said['conversation']}/stream"
        names: list[str] = []
        async with asyncio.timeout(60), client.get(path) as response:
            async for line in response.content:
                if line.startswith(b"event:"):
                    names.append(line.split()[1].decode())
                if names[-1:] == ["draft"]:
                    model.seen.set()
                if names[-1:] == ["message"]:
                    break
        assert "draft" in names and names[-1] == "message"
        assert model.requests[-1].body["stream"] is True
        told = await _say(client, house)
        async with asyncio.timeout(60):
            while (await _event(client, house, told))["ending"] != "answered":
                await asyncio.sleep(0.02)
        assert not model.requests[-1].body.get("stream"), "nobody asked to see the words come"


async def _say(client: aiohttp.ClientSession, house: Program, **more: Any) -> Any:
    body = {"agent": "bri", "text": "Hello", **more}
    async with client.post(f"{house.url}/v1/messages", json=body) as response:
        assert response.status == 202, await response.text()
        return await response.json()


async def _event(client: aiohttp.ClientSession, house: Program, said: Any) -> Any:
    async with client.get(f"{house.url}/v1/events/{said['event']}") as response:
        return await response.json()
