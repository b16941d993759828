"""Several processes on one PostgreSQL: what three do beside one, and how soon one wakes another.

Everything is on this machine: the processes, PostgreSQL, the stub of the model and the load share
its cores, and nothing is pinned but the load. So three processes beside one show what sharing costs,
not what three machines would gain.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from bench import machine
from bench.alone import database
from bench.machine import PYTHON, ROOT
from bench.scale import Scale
from bench.sides import Failed, Side, Yard, wait_for
from bench.table import Row, at_most

GOAL_MS = 10.0
MASTER_KEY = "ab" * 32


def fleet(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Both questions."""
    rates: dict[int, list[float]] = {1: [], 3: []}
    for n in range(scale.rounds):
        for count, found in rates.items():
            found.append(_rate(yard, scale, count, n))
    best = {count: max(found) for count, found in rates.items()}
    took = sorted(_wake_ups(scale))
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]
    cores = len(machine.CORES)
    return (
        Row(
            what=f"turns/s, one process, {scale.many} conversations, all on {cores} cores",
            ours=f"{best[1]:.0f}",
        ),
        Row(
            what=f"turns/s, three processes, {scale.many} conversations, all on {cores} cores",
            ours=f"{best[3]:.0f}",
            ratio=f"{best[3] / best[1]:.2f} × one",
        ),
        Row(
            what="from a commit on one process to its claim by another, p50, ms",
            ours=f"{p50:.1f}",
            goal=f"≤ {GOAL_MS:.0f}",
            ok=at_most(p50, GOAL_MS),
        ),
        Row(what="the same, p99, ms", ours=f"{p99:.1f}"),
    )


def _rate(yard: Yard, scale: Scale, count: int, n: int) -> float:
    """Turns a second of so many processes together, in a closed loop."""
    with database() as url, ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        sides = []
        for _ in range(count):
            side = _start(yard, url)
            stack.callback(side.stop)
            sides.append(side)
        words: dict[str, Any] = {
            "kind": "chat",
            "conversations": max(1, scale.many // count),
            "seconds": scale.seconds,
            "warm": 1,
        }
        seen = list(
            pool.map(lambda at: sides[at].load(**words, name=f"fleet{n}-{at}"), range(count))
        )
        return sum(each.done / each.seconds for each in seen)


def _start(yard: Yard, url: str) -> Side:
    """One process of a fleet, on any core."""
    shared = {
        "BOT_DATABASE_URL": url,
        "BOT_MASTER_KEY": MASTER_KEY,
        "BOT_FILES_DIR": str(yard.folder / "files"),
        "BOT_FILES_SHARED": "true",
    }
    side = yard.launch("direct", shared)
    os.sched_setaffinity(side.pid, machine.CORES)
    wait_for(side.port, side.process, side.folder)
    return side


def _wake_ups(scale: Scale) -> list[float]:
    """Milliseconds from a commit to the claim, one at a time."""
    with database() as url, _side("idle", url, 0) as idle, _side("full", url, scale.turns) as full:
        _go(full)
        took = []
        for _ in range(scale.turns):
            stored = _line(full, "stored")
            took.append((_line(idle, "turn.claimed") - stored) * 1000)
        return took


@contextmanager
def _side(kind: str, url: str, count: int) -> Iterator["subprocess.Popen[str]"]:
    words = ["-m", "bench.fleet_side", kind, "--url", url, "--count", str(count)]
    process = subprocess.Popen(
        [PYTHON, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: os.sched_setaffinity(0, machine.CORES),
    )
    try:
        _line(process, "ready")
        if kind == "idle":
            _go(process)
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _close(pipe)


def _go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def _line(process: "subprocess.Popen[str]", what: str) -> float:
    """When it happened. Raises Failed."""
    assert process.stdout
    said, _, at = process.stdout.readline().partition(" ")
    if said != what:
        raise Failed(f"It said {said!r} and not {what!r}.")
    return float(at)


def _close(pipe: IO[str] | None) -> None:
    if pipe:
        pipe.close()
