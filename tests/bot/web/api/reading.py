"""What the API's tests do again and again: say something, read what came of it, watch."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession

Answer = dict[str, Any]
PATIENCE = 1000
"""Looks at an event before it counts as stuck."""


async def say(
    client: ClientSession,
    text: str,
    *,
    key: str = "",
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Answer:
    """Send a message; returns event and conversation."""
    sent = dict(headers or {})
    if key:
        sent["Idempotency-Key"] = key
    async with client.post("/v1/messages", json={"text": text, **more}, headers=sent) as response:
        assert response.status == 202, await response.text()
        told: Answer = await response.json()
        return told


async def lines(client: ClientSession, told: Answer) -> list[Answer]:
    """What was said in the conversation."""
    return await items(client, f"/v1/conversations/{told['conversation']}/messages")


async def items(client: ClientSession, path: str) -> list[Answer]:
    """One page of a list."""
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        found: list[Answer] = (await response.json())["items"]
        return found


async def get(client: ClientSession, path: str, status: int = 200) -> Answer:
    """One answer."""
    async with client.get(path) as response:
        assert response.status == status, await response.text()
        found: Answer = await response.json()
        return found


async def answered(client: ClientSession, told: Answer) -> list[Answer]:
    """The conversation's lines, once the event has ended."""
    for _ in range(PATIENCE):
        if (await get(client, f"/v1/events/{told['event']}"))["ending"]:
            return await lines(client, told)
        await asyncio.sleep(0.02)
    raise AssertionError(f"{told['event']} did not end: see the log")


@dataclass
class Told:
    """One server-sent event."""

    name: str = "message"
    data: Any = None
    id: str = ""


async def told(response: ClientResponse) -> AsyncIterator[Told]:
    """The events of a stream, comments left out."""
    event = Told()
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        field, _, value = line.partition(": ")
        if not line and event.data is not None:
            yield event
        if not line:
            event = Told()
        elif field == "event":
            event.name = value
        elif field == "id":
            event.id = value
        elif field == "data":
            event.data = value if value == "[DONE]" else json.loads(value)


async def until(events: AsyncIterator[Told], name: str, **data: object) -> list[Told]:
    """All events up to the first of this name with these values."""
    seen: list[Told] = []
    async for event in events:
        seen.append(event)
        if event.name == name and all(event.data[key] == value for key, value in data.items()):
            return seen
    raise AssertionError(f"The stream ended without {name} {data}: {seen}")
