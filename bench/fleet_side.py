"""One process of two on a PostgreSQL, which tells when work is stored, or when it is picked up.

`full` has one seat, and that is taken: it stores so many events, one at a time, and prints when the
commit of each came back. `idle` prints when it has claimed one. Times are of the machine's own clock,
which all processes share. Started as `python -m bench.fleet_side full|idle --url URL`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping

from bench.engine import Bench, Ends, Instant, assemble
from bot import points
from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId
from bot.core.model import ModelReply, ModelRequest
from bot.core.ports import OnText, new_id
from bot.fleet import WORK, Fleet
from bot.infra.clock import SystemClock
from bot.store import postgres_schema
from bot.store.fleet import Worker
from bot.store.notices import Notices
from bot.store.postgres import PostgresDatabase

APART_S = 0.05
BEGUN = "turn.claimed"


class Holding(Instant):
    """A model that never answers."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        await asyncio.Event().wait()
        return await super().complete(request)


class Unheard(Ends):
    """Ends that nobody waits for."""

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        pass


async def run(kind: str, url: str, count: int) -> None:
    """Join, say that all is ready, then store or pick up."""
    await postgres_schema.prepare(url)
    clock, db = SystemClock(), PostgresDatabase(url)
    await db.open()
    me = Worker(id=new_id(clock, "own"), place=kind, version="bench", files_shared=True)
    fleet = Fleet(db, clock, me)
    await fleet.join()
    fleet.words = words = Notices(url, fleet.hear, fleet.missed)
    heard = asyncio.Event()
    fleet.on("missed", heard.set)
    helpers = [asyncio.create_task(work) for work in (fleet.run(), words.run())]
    model, seats = (Holding(), 1) if kind == "full" else (Instant(), 64)
    engine, owner = await assemble(db, Unheard(), model, fleet, seats)
    fleet.on(WORK, engine.turns.look)
    await heard.wait()
    bench = Bench(engine, Unheard(), owner)
    if kind == "full":
        await engine.inbox.accept(bench.event("hold"))
    else:
        points.arm(lambda name: tell(name) if name == BEGUN else None)
    tell("ready")
    await asyncio.to_thread(sys.stdin.readline)
    for n in range(count if kind == "full" else 0):
        await engine.inbox.accept(bench.event(f"wake{n}"))
        tell("stored")
        await asyncio.sleep(APART_S)
    await asyncio.to_thread(sys.stdin.readline)
    for helper in helpers:
        helper.cancel()


def tell(what: str) -> None:
    """Say what happened, and when."""
    print(what, time.monotonic(), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("full", "idle"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, default=100)
    given = parser.parse_args()
    asyncio.run(run(given.kind, given.url, given.count))


if __name__ == "__main__":
    main()
