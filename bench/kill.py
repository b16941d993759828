"""`kill -9` in the middle of everything, again and again, and then the counting.

Each run sends its messages side by side, some of which ask for a post that a person then approves;
at a moment of chance the program is killed and started again on the same folder. Senders repeat
what was not acknowledged, under its key, as every channel does. At the end each acknowledged
message has one answer and each post stands on the blog once. The offline model answers, so that
twenty starts do not load a model library twenty times.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.house import NO_MODEL
from bench.scale import Scale
from bench.sides import Failed, Side, Yard
from bench.table import Row

POSTS = 5
"""One message in five asks for a post."""
WAIT_S = 20.0
POSTED = re.compile(r"post \d+\.\d+ end")
MISSED = (aiohttp.ClientError, ConnectionError, TimeoutError)


@dataclass(slots=True, kw_only=True)
class Count:
    """What was found in the end."""

    kills: int = 0
    acknowledged: int = 0
    once: int = 0
    lost: int = 0
    twice: int = 0
    asked: int = 0
    """Posts that were approved."""
    posted: Counter[str] = field(default_factory=Counter)
    """What stands on the blog, by the post's text."""


class Runs:
    """All runs, on one folder."""

    def __init__(self, yard: Yard, count: Count, chance: random.Random) -> None:
        self._yard = yard
        self._count = count
        self._chance = chance
        self._side: Side = yard.launch("ours", NO_MODEL)
        self._open = True

    def look(self) -> None:
        """Count what stands on the blog."""
        for file in (self._side.folder / "home" / "blog").glob("*.md"):
            found = POSTED.search(file.read_text("utf-8"))
            self._count.posted[found[0] if found else file.name] += 1

    async def run(self, http: aiohttp.ClientSession, n: int, messages: int) -> None:
        """Send, kill, start again, wait, count."""
        self._open = True
        approver = asyncio.create_task(self._approve(http))
        await self._reachable(http)
        killer = asyncio.create_task(self._kill(0.05 + self._chance.random() * 0.5))
        texts = [
            f"publish “post {n}.{i} end” on the blog" if i % POSTS == 0 else f"hello {n}.{i}"
            for i in range(messages)
        ]
        events = await asyncio.gather(
            *(self._send(http, f"{n}.{i}", text) for i, text in enumerate(texts))
        )
        await killer
        asks = {event for event, text in zip(events, texts, strict=True) if "publish" in text}
        ends = await asyncio.gather(*(self._ended(http, event, event in asks) for event in events))
        self._open = False
        await approver
        self._count.acknowledged += len(events)
        self._count.asked += len(asks)
        self._count.lost += ends.count(0)
        self._count.once += ends.count(1)
        self._count.twice += sum(1 for answers in ends if answers > 1)

    async def _kill(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._side.kill()
        self._count.kills += 1
        self._side = self._yard.launch("ours", NO_MODEL, self._side.folder)

    async def _reachable(self, http: aiohttp.ClientSession) -> None:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if await self._try(http, "GET", "/health") is not None:
                return
            await asyncio.sleep(0.02)
        raise Failed(self._side.said())

    async def _send(self, http: aiohttp.ClientSession, key: str, text: str) -> str:
        """Say it until it is acknowledged."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            told = await self._try(http, "POST", "/v1/messages", {"text": text}, key)
            if told is not None:
                return str(told["event"])
            await asyncio.sleep(0.02)
        raise Failed(f"{key} is not acknowledged. {self._side.said()}")

    async def _approve(self, http: aiohttp.ClientSession) -> None:
        """Press Approve wherever a card waits."""
        while self._open:
            found = await self._try(http, "GET", "/v1/approvals?state=pending&limit=1000")
            for item in (found or {"items": []})["items"]:
                body = {"decision": "approve", "version": item["version"]}
                await self._try(http, "POST", f"/v1/approvals/{item['id']}/decide", body)
            await asyncio.sleep(0.05)

    async def _ended(self, http: aiohttp.ClientSession, event: str, asks: bool) -> int:
        """How many answers a message has, once it has ended (and its post is out)."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            trace = await self._try(http, "GET", f"/v1/events/{event}")
            sent = trace and [e for e in trace["effects"] if e["state"] == "sent"]
            if trace and trace["ending"] and (sent or not asks):
                path = f"/v1/conversations/{trace['conversation']}/messages"
                lines = await self._try(http, "GET", path)
                if lines is not None:
                    return sum(
                        1 for line in lines["items"] if line["turn"] == event and _answers(line)
                    )
            await asyncio.sleep(0.05)
        return 0

    async def _try(
        self, http: aiohttp.ClientSession, method: str, path: str, body: Any = None, key: str = ""
    ) -> Any:
        """One request; None when the house is not there or says no."""
        side = self._side
        headers = {**side.headers, **({"Idempotency-Key": key} if key else {})}
        url = f"http://127.0.0.1:{side.port}{path}"
        try:
            async with http.request(method, url, json=body, headers=headers) as answer:
                return await answer.json() if answer.status < 300 else None
        except MISSED:
            return None


def _answers(line: dict[str, Any]) -> bool:
    return str(line["role"]) != "user"


def kill(yard: Yard, scale: Scale) -> Sequence[Row]:
    """The counting after all runs."""
    count = asyncio.run(_all(yard, scale))
    total = scale.kills * scale.messages
    posted = sum(count.posted.values())
    return (
        Row(
            what=f"kill -9, {scale.messages} messages, {count.kills} kills: answered once",
            ours=str(count.once),
            goal=f"all {total}",
            ok=count.once == total and count.kills == scale.kills,
        ),
        Row(what="lost", ours=str(count.lost), goal="0", ok=count.lost == 0),
        Row(what="answered twice", ours=str(count.twice), goal="0", ok=count.twice == 0),
        Row(
            what=f"{count.asked} approved posts, on the blog",
            ours=str(posted),
            goal="each once",
            ok=posted == len(count.posted) == count.asked,
        ),
    )


async def _all(yard: Yard, scale: Scale) -> Count:
    count = Count()
    limits = aiohttp.ClientTimeout(total=5)
    runs = Runs(yard, count, random.Random(20261121))
    async with aiohttp.ClientSession(timeout=limits) as http:
        for n in range(scale.kills):
            await runs.run(http, n, scale.messages)
    runs.look()
    return count
