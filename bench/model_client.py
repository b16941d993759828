"""CPU of the model client alone: the calls of a turn, without anything around them.

`ours` and `direct` send the very request that our server sent last, through our own door, by
LiteLLM and past it; `L` sends what floor L sends, through `litellm.acompletion`. Started in
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
from bench.sides import OURS, Yard
from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelMessage, ModelRequest, ModelTool
from bot.core.secret import Secret
from bot.infra.clock import SystemClock


def measure(yard: Yard, scale: Scale, kind: str) -> float:
    """Milliseconds of CPU for a call, one after the other."""
    yard.kept("ours").load(kind="chat", turns=5, name="for the model client")
    words = [kind, "--model-url", yard.stub_url]
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


async def by_our_door(given: argparse.Namespace, body: dict[str, Any]) -> float:
    """The request through `agents/runtime/door.py`."""
    door = Door(
        clock=SystemClock(),
        keys={"openai": Secret("test-key")},
        endpoints={"openai": given.model_url},
        transport="direct" if given.kind == "direct" else "litellm",
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
        return await _best(ask, given.turns, given.rounds)
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
    parser.add_argument("kind", choices=(*OURS, "L"))
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--turns", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    given = parser.parse_args()
    body = json.load(sys.stdin)
    if given.kind in OURS:
        cost = asyncio.run(by_our_door(given, body))
    else:
        cost = asyncio.run(by_plain_litellm(given.model_url, given.turns, given.rounds))
    print(f"{cost:.4f}")


if __name__ == "__main__":
    main()
