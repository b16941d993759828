"""The load: a process of its own that plays many people and times what they wait.

`chat`: N conversations, each says its next thing when its answer is there, for so many turns or
so many seconds. `burst`: N messages at once, each on a connection of its own that is opened within
the time that counts. It reads its plan from standard input as JSON and prints what it saw as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.http import Broken, Connection, post
from bench.machine import cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to play."""

    kind: str
    port: int
    pid: int
    """Whose CPU to count."""
    headers: Mapping[str, str] = field(default_factory=dict)
    model: str = "bri"
    conversations: int = 1
    turns: int = 0
    """For each conversation; 0: until `seconds` are over."""
    seconds: float = 0.0
    warm: int = 0
    """Turns of each conversation before the clock starts."""
    renew: int = 0
    """Turns after which a conversation is given up for a fresh one; 0: never."""
    text: str = "hello"
    answer: str = "Hello from the stub."
    """What a good answer holds."""
    name: str = ""
    """What the conversations' names begin with."""
    tools: bool = False
    """Send the tool of the memory row along: the floors have none of their own."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen."""

    done: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    wrong: list[str] = field(default_factory=list)
    """The first few answers that were none."""
    lost: int = 0


TOOL = {
    "type": "function",
    "function": {
        "name": "memory_remember",
        "description": "Keep a note about the person.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    },
}


def turn(plan: Plan, conv: str) -> bytes:
    """One thing said, as OpenAI's clients say it."""
    body: dict[str, Any] = {
        "model": plan.model,
        "messages": [{"role": "user", "content": plan.text}],
    }
    if plan.tools:
        body["tools"] = [TOOL]
    return post("/v1/chat/completions", body, {**plan.headers, "X-Conversation-Id": conv})


class Chat:
    """Many people who talk in turns."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._took: list[float] = []
        self._seen = Seen()
        self._until = 0.0

    async def play(self) -> Seen:
        """Open all conversations, warm up, measure."""
        plan, seen = self._plan, self._seen
        lines = [await Connection.open(plan.port) for _ in range(plan.conversations)]
        await asyncio.gather(*(self._talk(n, line, plan.warm, 0) for n, line in enumerate(lines)))
        self._took.clear()
        seen.wrong.clear()
        seen.lost = 0
        cpu, began = cpu_s(plan.pid), time.perf_counter()
        self._until = began + plan.seconds if plan.seconds else 0.0
        turns = plan.turns or 1_000_000
        await asyncio.gather(
            *(self._talk(n, line, turns, plan.warm) for n, line in enumerate(lines))
        )
        seen.seconds = time.perf_counter() - began
        seen.cpu_s = cpu_s(plan.pid) - cpu
        for line in lines:
            line.close()
        return finished(seen, self._took)

    async def _talk(self, n: int, line: Connection, turns: int, said: int) -> None:
        plan, seen = self._plan, self._seen
        for at in range(said, said + turns):
            if self._until and time.perf_counter() >= self._until:
                return
            part = at // plan.renew if plan.renew else 0
            request = turn(plan, f"{plan.name}-{n}-{part}")
            began = time.perf_counter()
            try:
                status, body = await line.ask(request)
            except Broken as error:
                seen.lost += 1
                seen.wrong.append(str(error))
                return
            self._took.append(time.perf_counter() - began)
            if status != 200 or plan.answer.encode() not in body:
                seen.lost += 1
                seen.wrong.append(f"{status} {body[:200]!r}")


async def burst(plan: Plan) -> Seen:
    """Messages at once; the longest wait is the row."""
    seen, took = Seen(), list[float]()
    began = time.perf_counter()
    cpu = cpu_s(plan.pid)

    async def one(n: int) -> None:
        request = post("/v1/messages", {"text": f"{plan.name} {n}"}, plan.headers)
        try:
            line = await Connection.open(plan.port)
            status, body = await line.ask(request)
        except (Broken, OSError) as error:
            seen.lost += 1
            seen.wrong.append(str(error))
            return
        took.append(time.perf_counter() - began)
        if status != 202:
            seen.lost += 1
            seen.wrong.append(f"{status} {body[:200]!r}")
        line.close()

    await asyncio.gather(*(one(n) for n in range(plan.conversations)))
    seen.seconds = time.perf_counter() - began
    seen.cpu_s = cpu_s(plan.pid) - cpu
    return finished(seen, took)


def finished(seen: Seen, took: list[float]) -> Seen:
    """Fill in the waits."""
    seen.done = len(took) - seen.lost
    if took:
        took.sort()
        seen.p50_ms = took[len(took) // 2] * 1000
        seen.p99_ms = took[min(len(took) - 1, len(took) * 99 // 100)] * 1000
        seen.max_ms = took[-1] * 1000
    seen.wrong = seen.wrong[:3]
    return seen


def main() -> None:
    """Play the plan on standard input."""
    plan = Plan(**json.load(sys.stdin))
    seen = asyncio.run(burst(plan) if plan.kind == "burst" else Chat(plan).play())
    print(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
