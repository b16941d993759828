"""The engine alone beside the loop that one writes first, each in a process of its own.

On PostgreSQL each side gets an empty database of the server at `BOT_BENCH_POSTGRES`, by default the
one of this machine.
"""

import asyncio
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from bench.machine import PYTHON, ROOT
from bench.scale import Scale
from bench.sides import Yard
from bench.table import Row

CONVERSATIONS = 16
SERVER = os.environ.get("BOT_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def engine(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Turns a second at 16 conversations; both sides use all cores."""
    rates: dict[str, list[float]] = {"naive": [], "ours": []}
    for _ in range(scale.engine_rounds):
        for kind, found in rates.items():
            found.append(_rate(kind, scale.engine_s))
    best = {kind: max(found) for kind, found in rates.items()}
    return (_row("engine alone", best["ours"], best["naive"], "naive", 8),)


def shared(yard: Yard, scale: Scale) -> Sequence[Row]:
    """The same on PostgreSQL, beside a pool of as many connections as conversations."""
    rates: dict[str, list[float]] = {"pool": [], "shared": []}
    for _ in range(scale.engine_rounds):
        for kind, found in rates.items():
            with database() as url:
                found.append(_rate(kind, scale.engine_s, "--url", url))
    best = {kind: max(found) for kind, found in rates.items()}
    return (_row("engine on PostgreSQL", best["shared"], best["pool"], "pool", 3),)


def _row(what: str, ours: float, floor: float, name: str, times: int) -> Row:
    return Row(
        what=f"{what}, {CONVERSATIONS} conversations, turns/s",
        ours=f"{ours:.0f}",
        plain=f"{floor:.0f} ({name})",
        ratio=f"{ours / floor:.1f} × {name}",
        goal=f"≥ {times} × {name}",
        ok=ours >= times * floor,
    )


def _rate(kind: str, seconds: float, *more: str) -> float:
    words = [kind, "--seconds", str(seconds), "--conversations", str(CONVERSATIONS), *more]
    done = subprocess.run(
        [PYTHON, "-m", "bench.engine", *words],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    return float(done.stdout.split()[-1])


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"sb_bench_{secrets.token_hex(6)}"
    asyncio.run(_as_owner(f"create database {name}"))
    try:
        yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(_as_owner(f"drop database if exists {name} with (force)"))


async def _as_owner(sql: str) -> None:
    import asyncpg

    conn = await asyncpg.connect(SERVER, timeout=5)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()
