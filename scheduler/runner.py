"""The clock: the book of schedules, and firing what is due.

Firing is one transaction: the row that claims this time, the event in the inbox, the schedule's
next time. Any number of processes may try; the claim's key lets one through. A turn and an
approval then follow as for any message. This is the only file that knows APScheduler, and only to
find times; nothing of it runs. What was missed while the house was away: `missed.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.core.errors import Conflict, Invalid, LimitReached
from bot.core.event import Event, Kind, Place, Sender, Trust
from bot.core.ids import ConvId, EventId, ScheduleId, TenantId
from bot.core.ports import Clock, new_id
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import iso, to_us
from bot.points import point
from bot.store import conversations, people
from bot.store import schedules as rows
from bot.store.script import Database, Script, restartable
from scheduler.cron import fields_of
from scheduler.missed import Step, step_of, text_of
from scheduler.times import next_after, zone_of
from scheduler.words import trigger_of

log = logging.getLogger(__name__)

MAX_WAIT_S = 30.0
STUMBLE_S = 2.0
"""How long it waits when the database fails."""
BATCH = 100
MAX_ACTIVE = 50
"""Schedules of one conversation."""
_HORIZON = timedelta(days=9 * 366)
"""Two 29 Februaries are at most eight years apart; what is further off never comes."""

Arrive = Callable[[Event], Script[object]]
"""Stores an event, as a part of the transaction that fires it."""


class Runner:
    """The clock's book, and the hand that turns its pages."""

    def __init__(
        self, db: Database, clock: Clock, arrive: Arrive, arrived: Callable[[], None]
    ) -> None:
        """`arrived` is called after a commit that put events into the inbox."""
        self._db = db
        self._clock = clock
        self._arrive = arrive
        self._arrived = arrived
        self._wake = asyncio.Event()

    # The port `Schedules`.

    async def add(self, schedule: Schedule) -> None:
        """Write a schedule, once. Raises LimitReached."""
        if not await self._db.write(rows.add(schedule, MAX_ACTIVE)):
            raise LimitReached(
                f"This conversation has {MAX_ACTIVE} schedules already. Cancel one first."
            )
        self._wake.set()

    async def list(self, tenant: TenantId, conv: ConvId | None = None) -> Sequence[Schedule]:
        """What fires or is paused, oldest first."""
        return await self._db.read(rows.listed(tenant, conv or ""))

    async def change(
        self, tenant: TenantId, schedule: ScheduleId, state: ScheduleState
    ) -> Schedule | None:
        """Pause, resume or cancel; a resumed one goes on from now, without what it missed."""
        changed = await self._db.write(self._change(tenant, schedule, state))
        self._wake.set()
        return changed

    def plan(self, words: str, zone: str, now: datetime) -> tuple[str, datetime]:
        """Turn plain words into a trigger and its first time. Raises Invalid."""
        place = zone_of(zone)
        trigger = trigger_of(words, place, now)
        first = next_after(trigger, place, now, matching)
        if first is None:
            raise Invalid(f"{words[:60]!r} is over, or never comes. Say a time that lies ahead.")
        return trigger, first

    @restartable
    def _change(
        self, tenant: TenantId, id_: ScheduleId, state: ScheduleState
    ) -> Script[Schedule | None]:
        item = yield from rows.get(tenant, id_)
        if item is None or item.state in (ScheduleState.CANCELLED, ScheduleState.DONE):
            return None
        if item.state is state:
            return item
        next_at = item.next_at
        if state is ScheduleState.ACTIVE:
            next_at = next_after(item.trigger, zone_of(item.zone), self._clock.now(), matching)
            if next_at is None:
                raise Invalid("Its time is over. Make a new one.")
        return (yield from rows.change(item, state, next_at))

    # The hand.

    async def run(self) -> None:
        """Fire what is due, when it is due, until cancelled."""
        while True:
            self._wake.clear()
            wait = MAX_WAIT_S
            try:
                fired = await self.tick()
                due = await self._db.read(rows.next_due())
            except Exception:
                log.exception("The clock stumbled; it goes on in %.0f seconds.", STUMBLE_S)
                wait = STUMBLE_S
            else:
                wait = self._until(due, fired)
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _until(self, due: int | None, fired: int) -> float:
        """Seconds to the next time; what is due and yet did not fire is not tried at once."""
        if due is None:
            return MAX_WAIT_S
        ahead = (due - to_us(self._clock.now())) / 1e6
        return min(MAX_WAIT_S, max(ahead, 0.0 if fired or ahead > 0 else 5.0))

    async def tick(self) -> int:
        """Fire everything that is due now, once; returns how many moved on."""
        now = self._clock.now()
        moved = 0
        for item in await self._db.read(rows.due(to_us(now), BATCH)):
            ids = {"schedule": item.schedule.id, "tenant": item.schedule.tenant}
            try:
                step = step_of(item.schedule, now, matching)
                point("fire.before_commit")
                fired = await self._db.write(self._fire(item, step, now))
                point("fire.after_commit")
            except Conflict:
                continue  # another process was first, or a person paused it
            except Invalid:
                log.exception("A schedule is not readable and was paused.", extra=ids)
                await self._db.write(rows.change(item.schedule, ScheduleState.PAUSED, None))
                continue
            except Exception:
                log.exception("A schedule could not fire.", extra=ids)
                continue
            moved += 1
            if fired:
                self._arrived()
        return moved

    @restartable
    def _fire(self, item: rows.Due, step: Step, now: datetime) -> Script[bool]:
        """The one transaction of a fire; True when an event was stored."""
        schedule = item.schedule
        found = yield from conversations.get(schedule.tenant, schedule.conv)
        gone = found is None
        if schedule.person:
            gone = gone or (yield from people.get(schedule.tenant, schedule.person)) is None
        if gone or found is None:
            log.info(
                "A schedule ended: its person or place is gone.", extra={"schedule": schedule.id}
            )
            yield from rows.advance(schedule, None, schedule.last_at, item.skipped)
            return False
        skipped = item.skipped + step.skipped
        if step.fire_at is None:
            yield from rows.advance(schedule, step.next_at, schedule.last_at, skipped)
            return False
        event = Event(
            id=EventId(new_id(self._clock, "evt")),
            tenant=schedule.tenant,
            channel="clock",
            account="",
            ext_id=f"sched:{schedule.id}:{iso(step.fire_at)}",
            kind=Kind.TICK,
            conv=found[0].key,
            sender=Sender(ext_id="clock", name="clock", person=schedule.person),
            place=Place(id=found[0].place, thread=found[0].thread),
            text=text_of(schedule, replace(step, skipped=skipped), now),
            at=step.fire_at,
            agent=schedule.agent,
            trust=Trust.OUTSIDE if schedule.tainted else Trust.HOUSE,
            payload={"schedule": schedule.id, "words": schedule.words, "missed": step.missed},
        )
        yield from rows.fire(schedule, step.fire_at, event.id, to_us(now))
        yield from self._arrive(event)
        yield from rows.advance(schedule, step.next_at, step.fire_at, 0)
        return True


def matching(cron: str, wall: datetime) -> datetime | None:
    """The first time after `wall` that fits a cron line, on a clock that nobody changes."""
    from apscheduler.triggers.cron import CronTrigger  # 30 ms: at the first schedule

    begin = (wall + timedelta(microseconds=1)).replace(tzinfo=UTC)
    found: list[datetime] = []
    for fields in fields_of(cron):
        try:
            trigger = CronTrigger(**fields, end_date=begin + _HORIZON, timezone=UTC)
        except ValueError as error:
            raise Invalid(f"{cron!r} is no cron line: {str(error).rstrip('.')}.") from None
        at = trigger.get_next_fire_time(None, begin)
        if at:
            found.append(at.replace(tzinfo=None))
    return min(found, default=None)
