"""Platforms: turns a second with many conversations, beside the same library used by hand.

Ana speaks in 64 and in 512 places of a platform that plays, each the next thing when the answer
stands there; the model takes 500 ms. `by hand` is `bench/hand.py`, some forty lines for each
platform, with LiteLLM as we use it. What the platform allows is left out of it: the program does
not wait for its budgets (`bench/unpaced.py`), and the platform that plays has no rates. Platform,
load and stub of the model share one core, the program that is measured has the other.
"""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from bench.hand import PLATFORMS
from bench.machine import cpu_s
from bench.scale import Scale
from bench.sides import Failed, Side, Yard
from bench.stages import Opened, Stage
from bench.table import Row, at_most, times

MODEL_MS = 500
SAYS = f"delay {MODEL_MS}"
SIDES = ("by hand", "ours", "direct")
LOOK_S = 0.002
LOST_S = 45.0
FIRST_S, SETTLE_S = 3.0, 2.0
OURS = ("-m", "bench.unpaced", "run")
LEAST, GOAL_MS = 0.8, 10.0


@dataclass(slots=True)
class Told:
    """What one side did."""

    p50_ms: float = 0.0
    """At one conversation, without the model."""
    rates: dict[int, float] = field(default_factory=dict)
    """Conversations → turns a second."""
    p50s: dict[int, float] = field(default_factory=dict)
    lost: int = 0
    """Answers that never came."""
    cpu_ms: float = 0.0
    """CPU of a turn with the fewer conversations."""


class Crowd:
    """Ana in many places at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._waits: dict[int, asyncio.Future[None]] = {}
        self.took: list[float] = []
        self.lost = 0

    async def watch(self) -> None:
        """Look for answers until cancelled."""
        while True:
            for n in self._stage.news():
                if (wait := self._waits.pop(n, None)) and not wait.done():
                    wait.set_result(None)
            await asyncio.sleep(LOOK_S)

    async def turn(self, n: int) -> None:
        """Say something there and wait for the answer; one that never comes is counted."""
        wait = self._waits[n] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await self._stage.say(n, SAYS)
        try:
            async with asyncio.timeout(LOST_S):
                await wait
        except TimeoutError:
            self.lost += 1
            return
        self.took.append(time.perf_counter() - began)

    async def play(self, places: int, seconds: float) -> None:
        """Each place says its next thing when its answer is there, for so long."""
        until = time.perf_counter() + seconds

        async def talk(n: int) -> None:
            await self.turn(n)
            while time.perf_counter() < until:
                await self.turn(n)

        await asyncio.gather(*(talk(n) for n in range(places)))


def channels(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Every platform; BOT_BENCH_PLATFORMS names some of them, with commas."""
    named = os.environ.get("BOT_BENCH_PLATFORMS", "")
    os.environ.pop("BOT_SPECS", None)  # no request is held against the description
    rows: list[Row] = []
    for name in named.split(",") if named else PLATFORMS:
        told = {side: asyncio.run(_measure(yard, name, side, scale)) for side in SIDES}
        rows += _rows(name, told, scale)
    return rows


async def _measure(yard: Yard, name: str, kind: str, scale: Scale) -> Told:
    told = Told()
    async with Opened(name, scale.crowd) as stage, _running(yard, name, kind, stage) as side:
        crowd = Crowd(stage)
        watching = asyncio.create_task(crowd.watch())
        try:
            await _first(crowd)
            crowd.took.clear()
            for _ in range(scale.lone):
                await crowd.turn(0)
            told.p50_ms = _p50(crowd.took) - MODEL_MS
            for places in (scale.many, scale.crowd):
                await crowd.play(places, 0)  # once in each, to warm up
                crowd.took.clear()
                cpu, began = cpu_s(side.pid), time.perf_counter()
                await crowd.play(places, scale.crowd_s)
                turns = len(crowd.took)
                if not turns:
                    raise Failed(f"{name} {kind}: nothing was answered in {places} places.")
                told.rates[places] = turns / (time.perf_counter() - began)
                told.p50s[places] = _p50(crowd.took)
                told.cpu_ms = told.cpu_ms or (cpu_s(side.pid) - cpu) / turns * 1000
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        told.lost = crowd.lost
    return told


@contextlib.asynccontextmanager
async def _running(yard: Yard, name: str, kind: str, stage: Stage) -> AsyncIterator[Side]:
    """The side that is measured, and where a platform finds it; Ana is let in."""
    if kind == "by hand":
        words = ["-m", "bench.hand", name, "--at", stage.at, "--model-url", yard.stub_url]
        side = await asyncio.to_thread(yard.by_hand, words)
    else:
        env = {
            **stage.env,
            "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
            "BOT_LIMITS_OPEN_TURNS": "100000",
        }
        side = await asyncio.to_thread(yard.start, kind, env, OURS)
    stage.call(f"http://127.0.0.1:{side.port}")
    try:
        if kind != "by hand":
            await _admit(side, stage)
            await asyncio.to_thread(side.load, kind="chat", turns=20, name="warm", renew=10)
        yield side
    finally:
        await asyncio.to_thread(side.kill)


async def _admit(side: Side, stage: Stage) -> None:
    """Ana writes, is given a code, and is let in."""
    until = time.monotonic() + LOST_S
    while not (code := re.search(r"\b[A-Z0-9]{4}-?[A-Z0-9]{4}\b", stage.codes())):
        if time.monotonic() > until:
            raise Failed("Ana is given no code.")
        await stage.alone("hello?")
        await asyncio.sleep(1)
    await asyncio.to_thread(side.post, "/v1/pair", {"code": code[0], "name": "Ana"})


async def _first(crowd: Crowd) -> None:
    """Until the bot listens: what was said before that may be lost."""
    for left in reversed(range(20)):
        try:
            async with asyncio.timeout(FIRST_S):
                await crowd.turn(0)
            await asyncio.sleep(SETTLE_S)  # what was said before it listened may be answered late
            return
        except TimeoutError:
            if not left:
                raise Failed("The bot answers nothing.") from None


def _p50(took: Sequence[float]) -> float:
    return sorted(took)[len(took) // 2] * 1000


def _rows(name: str, told: dict[str, Told], scale: Scale) -> Sequence[Row]:
    hand, ours, direct = (told[side] for side in SIDES)
    title = name.capitalize()
    rows = []
    for places in (scale.many, scale.crowd):
        rate = {side: each.rates[places] for side, each in told.items()}
        rows += [
            Row(
                what=f"{title}: turns/s, {places} conversations",
                ours=f"{rate['ours']:.0f}",
                plain=f"{rate['by hand']:.0f} by hand",
                ratio=times(rate["ours"], rate["by hand"], "by hand"),
                goal=f"≥ {LEAST} × by hand",
                ok=rate["ours"] >= LEAST * rate["by hand"],
            ),
            Row(
                what=f"direct: {title}, {places} conversations",
                ours=f"{rate['direct']:.0f}",
                ratio=times(rate["direct"], rate["by hand"], "by hand"),
                goal="≥ 1 × by hand",
                ok=rate["direct"] >= rate["by hand"],
            ),
        ]
    for words, each in (("", ours), ("direct: ", direct)):
        added = each.p50_ms - hand.p50_ms
        rows.append(
            Row(
                what=f"{words}{title}: one conversation, p50 without the model, ms",
                ours=f"{each.p50_ms:.1f}",
                plain=f"{hand.p50_ms:.1f} by hand",
                ratio=f"{added:+.1f} ms",
                goal=f"≤ {GOAL_MS:g} ms added",
                ok=at_most(added, GOAL_MS),
            )
        )
    cpu = " / ".join(f"{each.cpu_ms:.1f}" for each in (ours, direct))
    what = f"{title}: CPU of a turn, {scale.many} conversations, LiteLLM / direct, ms"
    rows.append(Row(what=what, ours=cpu, plain=f"{hand.cpu_ms:.1f} by hand"))
    if hand.lost or ours.lost or direct.lost:
        lost = f"{ours.lost} / {direct.lost}"
        what = f"{title}: never answered within {LOST_S:g} s, LiteLLM / direct"
        rows.append(
            Row(what=what, ours=lost, plain=f"{hand.lost} by hand", ok=ours.lost + direct.lost == 0)
        )
    return rows
