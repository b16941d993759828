"""CPU of the model client alone: the calls of a turn, without anything around them.

`as_ours` sends the very request that our server sent last, through our own door with its switches;
otherwise it sends what floor L sends, through `litellm.acompletion` as floor L calls it. Started in
a process of its own as `python -m bench.model_client`, with the request on standard input.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any

import aiohttp

from agents.runtime.door import Door
from bench.floor import by_litellm
from bench.machine import PYTHON, ROOT, SERVER_CORE
from bench.scale import Scale
from bench.sides import Yard
from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelMessage, ModelRequest, ModelTool
from bot.core.secret import Secret
from bot.infra.clock import SystemClock


def measure(yard: Yard, scale: Scale, *, as_ours: bool) -> float:
    """Milliseconds of CPU for a call, one after the other."""
    yard.kept("ours").load(kind="chat", turns=5, name="for the model client")
    words = ["ours" if as_ours else "L", "--model-url", yard.stub_url]
    words += ["--turns", str(scale.turns), "--rounds", str(scale.rounds)]
    done = subprocess.run(
        [PYTHON, "-m", "bench.model_client", *words],
        input=json.dumps(yard.last_request()).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),
        timeout=120,
        check=True,
    )
    return float(done.stdout)


async def by_our_door(url: str, body: dict[str, Any], turns: int, rounds: int) -> float:
    """The request through `agents/runtime/door.py`."""
    door = Door(
        clock=SystemClock(),
        keys={"openai": Secret("test-key")},
        endpoints={"openai": url},
        default=("openai/gpt-4o-mini",),
    )
    tools = tuple(
        ModelTool(name=t["name"], description=t["description"], parameters=t["parameters"])
        for t in (each["function"] for each in body.get("tools", ()))
    )
    request = ModelRequest(
        tenant=TenantId("ten_bench"),
        agent=AgentName("bri"),
        conv=ConvId("cnv_bench"),
        messages=tuple(
            ModelMessage(role=m["role"], content=m["content"] or "") for m in body["messages"]
        ),
        tools=tools,
    )

    async def ask() -> None:
        await door.complete(request)

    try:
        return await _best(ask, turns, rounds)
    finally:
        await door.close()


async def by_plain_litellm(url: str, turns: int, rounds: int) -> float:
    """What floor L sends, as floor L sends it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        model = by_litellm(session, url)

        async def ask() -> None:
            await model({"messages": [{"role": "user", "content": "hello"}]})

        return await _best(ask, turns, rounds)


async def _best(ask: Any, turns: int, rounds: int) -> float:
    for _ in range(20):
        await ask()
    took = []
    for _ in range(rounds):
        before = time.process_time()
        for _ in range(turns):
            await ask()
        took.append((time.process_time() - before) / turns * 1000)
    return min(took)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("ours", "L"))
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--turns", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    given = parser.parse_args()
    body = json.load(sys.stdin)
    if given.kind == "ours":
        cost = asyncio.run(by_our_door(given.model_url, body, given.turns, given.rounds))
    else:
        cost = asyncio.run(by_plain_litellm(given.model_url, given.turns, given.rounds))
    print(f"{cost:.4f}")


if __name__ == "__main__":
    main()
