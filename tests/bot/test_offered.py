"""Work that one process has no seat for: another one begins it, by a word at once, by a sweep surely."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

import bot.fleet
import bot.turns
from bot.core.conversation import Claim
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, conv_key
from bot.core.model import ModelReply, ModelRequest
from bot.core.ports import new_id
from bot.fleet import WORK, Fleet
from bot.infra.clock import SystemClock
from bot.store.fleet import Worker
from bot.wiring.engine import Engine, Limits
from tests.fakes.model import ScriptedModel, last_words, say
from tests.fakes.switchboard import ANA, HOME, UNLIMITED, assemble, image
from tests.fakes.vendor import Vendor, tools_of
from tests.postgres import our_database

pytest.importorskip("asyncpg")

from bot.store.notices import Notices  # noqa: E402 (needs asyncpg)
from bot.store.postgres import PostgresDatabase  # noqa: E402

NEVER_S = 60.0
SOON_S = 10.0
"""Long before `NEVER_S`, and long enough on a machine that does other things."""
LONG_S = 1.0
"""Longer than what comes by a word or by a short sweep takes."""


@dataclass
class Process:
    """An engine among several, and what its model was told."""

    engine: Engine
    fleet: Fleet
    told: asyncio.Queue[str]
    free: asyncio.Event

    async def send(self, text: str) -> None:
        clock = SystemClock()
        event = Event(
            id=EventId(new_id(clock, "evt")),
            tenant=HOME,
            channel="web",
            account="",
            ext_id=new_id(clock, "ext"),
            kind=Kind.MESSAGE,
            conv=conv_key("web", "", "room", text),
            sender=Sender(ext_id=ANA, person=ANA),
            place=Place(id="room", thread=text),
            text=text,
            at=clock.now(),
        )
        await self.engine.inbox.accept(event)


@asynccontextmanager
async def process(url: str, name: str, seats: int, words: bool) -> AsyncIterator[Process]:
    """One of several, which thinks about `hold` until it is let free."""
    told, free = asyncio.Queue[str](), asyncio.Event()

    async def think(request: ModelRequest) -> ModelReply:
        text = last_words(request).rpartition("] ")[2]
        await told.put(text)
        if text == "hold":
            await free.wait()
        return say("Well.")

    clock, db = SystemClock(), PostgresDatabase(url)
    await db.open()
    fleet = Fleet(db, clock, Worker(id=f"own_{name}", place=name, version="1", files_shared=True))
    await fleet.join()
    notices = Notices(url, fleet.hear, fleet.missed)
    fleet.words = notices
    limits = Limits(open_turns=seats, sender=UNLIMITED, tenant=UNLIMITED)
    model = ScriptedModel(think)
    engine = assemble(db, clock, model, tools_of(Vendor()), peers=fleet, limits=limits)
    fleet.on(WORK, engine.turns.look)
    heard = asyncio.Event()
    fleet.on("missed", heard.set)
    tasks = [asyncio.create_task(fleet.run())]
    if words:
        tasks.append(asyncio.create_task(notices.run()))
        await asyncio.wait_for(heard.wait(), SOON_S)
    claim, looked = engine.turns._claim, asyncio.Event()

    async def claimed(limit: int, held: frozenset[str]) -> list[Claim]:
        found = await claim(limit, held)
        looked.set()
        return found

    engine.turns._claim = claimed  # type: ignore[method-assign]
    await engine.start()
    await asyncio.wait_for(looked.wait(), SOON_S)  # the look that every start takes
    yield Process(engine, fleet, told, free)
    free.set()
    await engine.stop(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await fleet.leave()
    await db.close()


@asynccontextmanager
async def full_and_idle(words: bool) -> AsyncIterator[tuple[Process, Process]]:
    """A process whose only seat is taken, and one that has nothing to do."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(our_database(image()))
        full = await stack.enter_async_context(process(url, "full", 1, words))
        await full.send("hold")
        await asyncio.wait_for(full.told.get(), SOON_S)
        idle = await stack.enter_async_context(process(url, "idle", 9, words))
        full.fleet.many = idle.fleet.many = 2  # as the next sign of life would tell
        yield full, idle


def sweeps(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    # How often is no setting, so that nobody sets it.
    monkeypatch.setattr(bot.turns, "SWEEP_S", seconds)
    monkeypatch.setattr(bot.fleet, "BEAT_S", NEVER_S)


@pytest.mark.parametrize(("words", "sweep_s"), [(True, NEVER_S), (False, 0.2)])
async def test_what_has_no_seat_here_is_begun_by_another(
    monkeypatch: pytest.MonkeyPatch, words: bool, sweep_s: float
) -> None:
    sweeps(monkeypatch, sweep_s)
    async with full_and_idle(words) as (full, idle):
        await full.send("hello")
        assert await asyncio.wait_for(idle.told.get(), SOON_S) == "hello"


async def test_without_words_and_without_a_sweep_nobody_begins_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps(monkeypatch, NEVER_S)
    async with full_and_idle(words=False) as (full, idle):
        await full.send("hello")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(idle.told.get(), LONG_S)


async def test_what_a_process_that_ends_leaves_open_is_begun_by_another_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps(monkeypatch, NEVER_S)
    async with full_and_idle(words=True) as (full, idle):
        await full.engine.stop(0.1)
        await full.fleet.leave()
        assert await asyncio.wait_for(idle.told.get(), SOON_S) == "hold"
        idle.free.set()
