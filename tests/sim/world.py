"""One seed's story: people write and press, processes die and start again, until all is quiet.

The engine is the real one, on the real statements. What is outside of it (people, vendor,
channels, the disk) outlives every process. `tell(seed)` runs the story to its end and returns
the evidence.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any, TypeVar

from bot import points
from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.event import Event
from bot.core.people import Person
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.inbox import arrive
from bot.store import people as people_rows
from bot.store import schedules
from bot.wiring.engine import Engine
from scheduler.runner import Runner
from tests.fakes.channel import FakeChannel, Shown
from tests.fakes.clock import LoopClock
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.model import ScriptedModel
from tests.fakes.switchboard import ANA, BEN, HOME, OLGA, Team, assemble, image
from tests.fakes.vendor import Vendor, tools_of
from tests.sim.checks import Evidence
from tests.sim.loop import PROCESS, Killed, Process, run
from tests.sim.nature import Nature
from tools.self.hand_off import TOOLS as HAND_OFF

T = TypeVar("T")
CHANNELS = ("keyed", "readback", "none")
REPEATABLE = frozenset({"none"})
QUIET_S = 900.0
"""How much virtual time an engine gets to bring everything to its end."""


class Died(Exception):
    """The process that was asked is gone; nobody knows how far it came."""


@cache
def landscape() -> bytes:
    """The usual people, known on every channel."""
    disk = Disk(image())
    for channel in CHANNELS:
        for person in (OLGA, ANA, BEN):
            who = people_rows.Identity(channel=channel, account="", ext_id=f"u-{person}")
            disk.now(people_rows.know(HOME, who, person, 1))
    return disk.conn.serialize()


@dataclass
class World:
    """Everything of one seed."""

    seed: int
    nature: Nature
    deaths: int = 0
    """How often a process may still die."""
    disk: Disk = field(default_factory=lambda: Disk(landscape()))
    acked: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    process: Process | None = None
    engine: Engine | None = None
    _born: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: dict["asyncio.Future[None]", None] = field(default_factory=dict)
    """In the order in which they began to wait: a set would have another in every process."""
    _outside: list["asyncio.Task[Any]"] = field(default_factory=list)
    _graves: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        nature = self.nature
        self.clock = LoopClock(Random(f"{self.seed}:clock"))
        self.context = copy_context()
        self.vendor = Vendor(
            fate=nature.fate, delay=nature.delay, time=loop.time, elsewhere=self.outside
        )
        self.channels = {
            name: FakeChannel(name=name, policy=Policy(name), fate=nature.fate, delay=nature.delay)
            for name in CHANNELS
        }
        self.model = ScriptedModel(nature.think)

    def outside(self, work: Awaitable[T]) -> "asyncio.Task[T]":
        """Run something that no death of a process touches."""

        async def go() -> T:
            return await work

        task = asyncio.get_running_loop().create_task(go(), context=self.context.copy())
        self._outside.append(task)
        return task

    # Processes.

    async def boot(self) -> None:
        """Start a process; try again when the disk will not let it."""
        while True:
            process = Process()
            process.context.run(PROCESS.set, process)
            db = InlineDatabase(self.disk, self.nature)
            channels: dict[str, Channel] = dict(self.channels)
            engine = process.context.run(self._assemble, db, channels)
            self.process = process
            self._graves.append(process)
            try:
                await self.call(process, engine.start())
            except Died:
                return  # who killed it starts another
            except Exception:
                process.dead = True
                await asyncio.sleep(0.2)
                continue
            clockwork = Runner(db, self.clock, self._arrive, engine.turns.wake)
            process.spawn(self._keep(clockwork.tick, 5.0))
            process.spawn(self._keep(engine.approvals.expire, 60.0))
            self.engine = engine
            self._born.set()
            return

    def _assemble(self, db: InlineDatabase, channels: dict[str, Channel]) -> Engine:
        tools = {**tools_of(self.vendor), **{tool.name: tool for tool in HAND_OFF}}
        return assemble(db, self.clock, self.model, tools, channels=channels, team=Team())

    def _arrive(self, event: Event) -> Any:
        ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
        return arrive(event, ids, to_us(self.clock.now()), "", "")

    @staticmethod
    async def _keep(job: Callable[[], Awaitable[object]], every_s: float) -> None:
        while True:
            try:
                await job()
            except Exception:
                logging.getLogger(__name__).debug("a job stumbled")
            await asyncio.sleep(every_s)

    def kill(self) -> None:
        """End the process at this very point; another one comes a moment later."""
        process = self.process
        if process is None or process.dead:
            return
        process.dead = True
        self.kills += 1
        self.process = self.engine = None
        self._born.clear()
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_exception(Died())
        self.outside(self._again())

    async def _again(self) -> None:
        await asyncio.sleep(self.nature.death.choice((0.0, 0.1, 1.0, 4.0)))
        await self.boot()

    def at_point(self, name: str) -> None:
        """Now and then a process dies at a named point."""
        if PROCESS.get() is not self.process or not self.deaths:
            return
        if self.nature.storm and self.nature.death.random() < 0.015:
            self.deaths -= 1
            self.kill()
            raise Killed(name)

    async def up(self) -> Engine:
        """The engine that runs now; waits for one."""
        while self.engine is None:
            await self._born.wait()
        return self.engine

    async def call(self, process: Process | None, work: Coroutine[Any, Any, T]) -> T:
        """Ask a process something, from outside. Raises Died."""
        if process is None or process.dead:
            work.close()
            raise Died
        task = process.spawn(work)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[done] = None

        def tell(_: object) -> None:
            if not done.done():
                done.set_result(None)

        task.add_done_callback(tell, context=self.context.copy())
        try:
            await done
        finally:
            self._waiting.pop(done, None)
        return task.result()

    # The end.

    async def quiet(self) -> None:
        """Wait until nothing is left to do."""
        until = asyncio.get_running_loop().time() + QUIET_S
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(1.0)
            await self.up()
            open_ = self.disk.all(
                "select 'event' from inbox where state = 'new' union all "
                "select 'conv' from conv where state != 'idle' union all "
                "select 'effect' from effect where state in ('planned', 'ready', 'sending')"
            )
            if not open_:
                return

    def evidence(self) -> Evidence:
        """What is left."""
        shown: list[Shown] = [s for channel in self.channels.values() for s in channel.book]
        return Evidence(
            conn=self.disk.conn,
            book=self.vendor.book,
            shown=shown,
            acked=self.acked,
            repeatable=REPEATABLE,
        )

    async def add_schedule(self, conv: str, person: Person | None = None) -> None:
        """A reminder, soon."""
        at = self.clock.now() + timedelta(seconds=self.nature.people.uniform(1, 40))
        made: Any = {
            "id": f"sch_{conv}_{self.nature.people.random()}",
            "tenant": HOME,
            "words": "soon",
            "trigger": at.isoformat(),
            "zone": "UTC",
            "prompt": "remind me",
            "agent": "bri",
            "person": person.id if person else ANA,
            "conv": conv,
            "state": ScheduleState.ACTIVE,
            "next_at": at,
            "created_at": self.clock.now(),
        }
        self.disk.now(schedules.add(Schedule(**made), 50))


Story = Callable[[World], Awaitable[None]]


def tell(seed: int, story: Story, *, faults: float = 1.0, silent: bool = True) -> World:
    """Run one story to its end."""

    async def main() -> World:
        nature = Nature(seed, faults=faults)
        world = World(seed, nature, deaths=nature.death.choice((0, 1, 1, 2, 3, 4)))
        points.arm(world.at_point)
        try:
            await world.boot()
            await story(world)
            nature.calm()
            await world.quiet()
        finally:
            points.arm(None)
        return world

    logging.disable(logging.CRITICAL if silent else logging.NOTSET)
    try:
        return run(seed, main())
    finally:
        logging.disable(logging.NOTSET)
