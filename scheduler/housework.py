"""Housework: what the house does for itself, again and again, while nobody asks.

A job is one file in `scheduler/jobs/` that declares `JOB`: a name, how often, and what to do with
the parts that a `Keeper` lends. Jobs are repeatable and short; one that fails is logged, told in
its state and tried again at its next time, and never stops the others. Each runs at start and then
so many seconds after it ended.
"""

import asyncio
import importlib
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import scheduler.jobs
from bot.core.errors import BotError
from bot.core.ports import Clock
from bot.frozen import frozen
from bot.store.script import Database

log = logging.getLogger(__name__)


async def _nothing() -> int:
    return 0


@frozen
class Keeper:
    """What the house lends to its jobs."""

    db: Database
    clock: Clock
    expire_approvals: Callable[[], Awaitable[int]]
    """Closes questions that nobody answered in time; returns how many."""
    seal_audit: Callable[[], Awaitable[int]]
    """Seals new lines of the audit; returns how many."""
    tend_memory: Callable[[], Awaitable[int]]
    """Embeds what is new and sums up what is long; returns how much was done."""
    archive: Callable[[], Awaitable[int]]
    """Puts old conversations away, once a week; returns how many."""
    tell_troubles: Callable[[], Awaitable[int]] = _nothing
    """Tells owners what went wrong for good; returns how many messages that took."""
    tend_connections: Callable[[], Awaitable[int]] = _nothing
    """Renews tokens before they end; returns how many connections it looked after."""
    follow_calendars: Callable[[], Awaitable[int]] = _nothing
    """Reads calendars that are due; returns how many."""
    reseal_secrets: Callable[[], Awaitable[int]] = _nothing
    """Seals by its tenant's newest key what an older one seals; returns how many."""
    sweep_files: Callable[[], Awaitable[int]] | None = None
    """Removes what was left half done of files; returns how many. None where there are none."""


@frozen
class Job:
    """One chore, as its file declares it."""

    name: str
    """The file's name."""
    title: str
    """What it does, in a few words, for lists."""
    every_s: float
    run: Callable[[Keeper], Awaitable[str]]
    """Does it and says what was done; empty when there was nothing to do."""


@frozen
class State:
    """How a job has fared."""

    title: str
    last_at: datetime | None = None
    next_at: datetime | None = None
    result: str = ""
    """What it last said."""
    error: str = ""
    """Why its last run failed."""


def load(disabled: Collection[str] = ()) -> Sequence[Job]:
    """Every job of `scheduler/jobs/` that is not switched off, by file name."""
    names = sorted(module.name for module in pkgutil.iter_modules(scheduler.jobs.__path__))
    jobs: list[Job] = [
        importlib.import_module(f"scheduler.jobs.{name}").JOB
        for name in names
        if name not in disabled
    ]
    return jobs


class Housework:
    """Runs the jobs."""

    def __init__(self, jobs: Sequence[Job], keeper: Keeper) -> None:
        self._jobs = jobs
        self._keeper = keeper
        self._states = {job.name: State(title=job.title) for job in jobs}

    @property
    def states(self) -> Mapping[str, State]:
        """How each job has fared, by name."""
        return self._states

    async def run(self) -> None:
        """Run all jobs side by side, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._repeat(job), name=f"job {job.name}")

    async def _repeat(self, job: Job) -> None:
        while True:
            await self.once(job)
            await asyncio.sleep(job.every_s)

    async def once(self, job: Job) -> None:
        """Run one job now and keep how it went."""
        error, said = "", ""
        try:
            said = await job.run(self._keeper)
        except BotError as problem:
            error = problem.message
            log.error("The job %s failed: %s", job.name, error)
        except Exception as problem:
            error = type(problem).__name__
            log.exception("The job %s failed.", job.name)
        now = self._keeper.clock.now()
        before = self._states[job.name]
        self._states[job.name] = replace(
            before,
            last_at=now,
            next_at=now + timedelta(seconds=job.every_s),
            result=said or before.result,
            error=error,
        )
