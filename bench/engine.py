"""The engine alone, without server or model library, on SQLite with `synchronous=FULL`.

Started in a process of its own as `python -m bench.engine ours|naive`; prints turns a second. The
model answers at once; everything else is real: inbox, claims, router, prompt, journal, audit.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from bench import naive
from bot.core.agent import Agent
from bot.core.agent import Limits as AgentLimits
from bot.core.canonical import Json
from bot.core.event import Event, Place, Sender
from bot.core.ids import AgentName, ConvId, EventId, TenantId, conv_key
from bot.core.model import ModelMessage, ModelReply, ModelRequest, Usage
from bot.core.people import Person
from bot.core.ports import House, Model, OnText, new_id
from bot.core.route import Binding
from bot.fleet import Peers
from bot.infra.clock import SystemClock
from bot.limits import Rate
from bot.people import People
from bot.platforms.carriers import Carriers
from bot.store import bindings, schema
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from bot.wiring.engine import Engine, Given, Limits

SAID = "When do you open on Sunday, and is there room for a pram? " * 5
ANSWERED = "We open at ten, and yes, there is room beside the counter. " * 13
"""300 bytes in, 800 out."""
OFTEN = 1_000_000_000


class Instant:
    """A model that answers at once."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        message = ModelMessage(role="assistant", content=ANSWERED)
        used = Usage(tokens_in=120, tokens_out=30, micros=36)
        return ModelReply(message=message, finish="stop", model="instant", usage=used)

    def reserve(self, request: ModelRequest) -> Usage:
        return Usage()


class OneAgent:
    """A team of one."""

    def __init__(self) -> None:
        limits = AgentLimits(per_minute=OFTEN, per_hour=OFTEN, per_day=OFTEN)
        self._agent = Agent(
            name=AgentName("bri"), title="Host", prompt="You host.", version="1", limits=limits
        )

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        return self._agent if name == "bri" else None

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        return (self._agent,)


class Ends:
    """The port `Live`, for who waits for the end of a turn and nothing else."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[Mapping[str, Json]]] = {}

    def is_watched(self, tenant: TenantId, conv: ConvId, turn: str) -> bool:
        return False

    def begin(self, tenant: TenantId, conv: ConvId, turn: str, attempt: int) -> None:
        pass

    def text(self, tenant: TenantId, conv: ConvId, turn: str, delta: str) -> None:
        pass

    def activity(self, tenant: TenantId, conv: ConvId, turn: str, text: str) -> None:
        pass

    def tell(self, tenant: TenantId, conv: ConvId, what: str, data: Mapping[str, Json]) -> None:
        pass

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        self.waiting.pop(turn).set_result(line)


class Nothing:
    """What the house lends to tools: no tool is called here."""


class Bench:
    """An engine and people who talk to it."""

    def __init__(self, engine: Engine, ends: Ends, person: Person) -> None:
        self._engine = engine
        self._ends = ends
        self._person = person
        self._clock = SystemClock()
        self.done = 0

    def event(self, thread: str) -> Event:
        """Something that the person says."""
        person = self._person
        return Event(
            id=EventId(new_id(self._clock, "evt")),
            tenant=person.tenant,
            channel="api",
            account="",
            ext_id=new_id(self._clock, "x"),
            kind="message",
            conv=conv_key("api", "", person.id, thread),
            sender=Sender(ext_id=person.id, person=person.id),
            place=Place(id=person.id, thread=thread),
            text=SAID,
            at=self._clock.now(),
        )

    async def turn(self, thread: str) -> None:
        """From an arrival to the end of its turn."""
        event = self.event(thread)
        ended = asyncio.get_running_loop().create_future()
        self._ends.waiting[event.id] = ended
        await self._engine.inbox.accept(event)
        line = await ended
        if line.get("text") != ANSWERED.strip():
            raise RuntimeError(f"No answer: {line}")
        self.done += 1

    async def talk(self, n: int, until: float) -> None:
        """One person, a fresh conversation after ten turns."""
        at = 0
        while time.perf_counter() < until:
            await self.turn(f"c{n}-{until}-{at // 10}")
            at += 1


async def on_file(home: Path, conversations: int, seconds: float) -> float:
    """The engine on a file of its own."""
    schema.prepare(home / "engine.db")
    db = SqliteDatabase(home / "engine.db")
    await db.open()
    rate = await ours(db, conversations, seconds)
    await db.close()
    return rate


async def on_server(url: str, conversations: int, seconds: float) -> float:
    """The engine on an empty database of a PostgreSQL server."""
    from bench import pool
    from bot.store import postgres, postgres_schema

    await postgres_schema.upgrade(url)
    db = postgres.PostgresDatabase(url)
    await db.open()
    rate = await ours(db, conversations, seconds, lambda: pool.analyze(url))
    await db.close()
    return rate


async def assemble(
    db: Database, ends: Ends, model: Model, peers: Peers | None = None, seats: int = 1000
) -> tuple[Engine, Person]:
    """An engine with one agent, and the one person who talks to it."""
    clock = SystemClock()
    people = People(db, clock, b"k" * 32, lambda: None)
    tenant, owner = await people.ensure_first()
    if not await db.read(bindings.listed(tenant.id)):
        await db.write(bindings.add(tenant.id, Binding(id="default", agent=AgentName("bri")), 1))
    rate = Rate(count=OFTEN, seconds=60)
    nothing: object = Nothing()
    house = House(memory=nothing, schedules=nothing, fetcher=nothing, agents=OneAgent())  # type: ignore[arg-type]
    engine = Engine(
        Given(
            db=db,
            clock=clock,
            model=model,
            agents=OneAgent(),
            house=house,
            live=ends,
            people=people,
            carriers=Carriers(tenant.id),
            limits=Limits(open_turns=seats, sender=rate, tenant=rate),
            peers=peers,
        )
    )
    await engine.start()
    return engine, owner


async def ours(
    db: Database,
    conversations: int,
    seconds: float,
    between: Callable[[], Awaitable[None]] | None = None,
) -> float:
    """Turns a second, in a closed loop after a warm-up; `between` the two something may be done."""
    ends = Ends()
    engine, owner = await assemble(db, ends, Instant())
    bench = Bench(engine, ends, owner)
    for length in (seconds / 4, seconds):
        if bench.done and between:
            await between()
        bench.done = 0
        began = time.perf_counter()
        await asyncio.gather(*(bench.talk(n, began + length) for n in range(conversations)))
        took = time.perf_counter() - began
    await engine.stop()
    return bench.done / took


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("ours", "naive", "shared", "pool"))
    parser.add_argument("--url", help="of an empty database, for `shared` and `pool`")
    parser.add_argument("--conversations", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home, many, seconds = Path(folder), given.conversations, given.seconds
        words = (SAID, ANSWERED)
        if given.kind == "ours":
            rate = asyncio.run(on_file(home, many, seconds))
        elif given.kind == "naive":
            rate = asyncio.run(naive.run(home, many, seconds, words))
        elif given.kind == "shared":
            rate = asyncio.run(on_server(given.url, many, seconds))
        else:
            from bench import pool

            rate = asyncio.run(pool.run(given.url, many, seconds, words))
    print(f"{rate:.1f}")


if __name__ == "__main__":
    main()
