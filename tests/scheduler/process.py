"""One process with a clock, and what that put into the inbox."""

from dataclasses import replace

from bot.core.event import Event, Kind
from bot.core.ids import AgentName, ConvId, PersonId, ScheduleId, TenantId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.store import inbox
from bot.store import schedules as rows
from bot.store.script import Script
from bot.store.sqlite import SqliteDatabase
from scheduler.runner import Runner
from tests.fakes.clock import StillClock

TENANT = TenantId("ten_1")


class Process:
    """A runner, and what it put into the inbox."""

    def __init__(self, db: SqliteDatabase, clock: StillClock) -> None:
        self.db = db
        self.clock = clock
        self.woken = 0
        self.runner = Runner(db, clock, self.arrive, self.wake)

    def arrive(self, event: Event) -> Script[object]:
        """Store an event as the inbox does."""
        ids = (f"cnv_{event.id}", f"msg_{event.id}")
        return inbox.ingest(event, ids, to_us(self.clock.at))

    def wake(self) -> None:
        """There is something new in the inbox."""
        self.woken += 1

    async def ticks(self) -> list[Event]:
        """The clock's events that the inbox holds, oldest first."""
        stored = await self.db.read(inbox.recent(TENANT, 2**62, "", 1000))
        found = [item.event for item in stored if item.event.kind == Kind.TICK]
        return sorted(found, key=lambda event: event.at)

    async def make(self, words: str, **changes: object) -> Schedule:
        """A schedule of Ana's, in the book."""
        trigger, first = self.runner.plan(words, "Europe/Berlin", self.clock.at)
        made = Schedule(
            id=ScheduleId("sch_1"),
            tenant=TENANT,
            words=words,
            trigger=trigger,
            zone="Europe/Berlin",
            prompt="Look at the orders.",
            agent=AgentName("bri"),
            person=PersonId("per_ana"),
            conv=ConvId("cnv_1"),
            state=ScheduleState.ACTIVE,
            next_at=first,
            created_at=self.clock.at,
        )
        made = replace(made, **changes)  # type: ignore[arg-type]
        await self.runner.add(made)
        return made

    async def now(self, id_: str = "sch_1") -> Schedule:
        """The schedule as it stands in the book."""
        found = await self.db.read(rows.get(TENANT, id_))
        assert found
        return found
