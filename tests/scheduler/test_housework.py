"""Housework: every job loads, and one that fails stops nobody."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.core.errors import StoreError
from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Housework, Job, Keeper, load
from tests.fakes.clock import StillClock


async def nothing() -> int:
    """There was nothing to do."""
    return 0


@pytest.fixture
def keeper(db: SqliteDatabase, clock: StillClock) -> Keeper:
    """What the house lends."""
    return Keeper(
        db=db,
        clock=clock,
        expire_approvals=nothing,
        seal_audit=nothing,
        tend_memory=nothing,
        archive=nothing,
    )


def job(name: str, run: Callable[[Keeper], Awaitable[str]], every_s: float = 60) -> Job:
    """A job made here."""
    return Job(name=name, title=name, every_s=every_s, run=run)


async def test_every_job_loads_and_runs_in_an_empty_house(keeper: Keeper) -> None:
    jobs = load()
    assert {each.name for each in jobs} >= {"expire_approvals", "seal_audit", "sweep"}
    assert len({each.name for each in jobs}) == len(jobs)
    for each in jobs:
        assert each.every_s >= 1
        assert each.title
        assert await each.run(keeper) == ""


def test_a_job_that_is_switched_off_is_not_imported() -> None:
    assert "sweep" not in {each.name for each in load(disabled={"sweep"})}


async def test_a_job_tells_what_it_did_and_when_it_comes_again(
    keeper: Keeper, clock: StillClock
) -> None:
    said = iter(["3 closed", ""])

    async def run(lent: Keeper) -> str:
        return next(said)

    work = Housework([job("a", run)], keeper)
    for _ in range(2):
        await work.once(job("a", run))
    state = work.states["a"]
    assert (state.result, state.error) == ("3 closed", "")
    assert state.last_at == clock.at
    assert state.next_at and (state.next_at - clock.at).total_seconds() == 60


@pytest.mark.parametrize(
    ("problem", "told"),
    [(StoreError("The disk is full."), "The disk is full."), (KeyError("x"), "KeyError")],
)
async def test_a_job_that_fails_is_told_and_tried_again(
    keeper: Keeper, problem: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing = True

    async def run(lent: Keeper) -> str:
        if failing:
            raise problem
        return "done"

    work = Housework([job("a", run)], keeper)
    await work.once(job("a", run))
    assert work.states["a"].error == told
    assert "The job a failed" in caplog.text
    failing = False
    await work.once(job("a", run))
    assert (work.states["a"].error, work.states["a"].result) == ("", "done")


async def test_jobs_run_side_by_side_and_one_failing_stops_nobody(keeper: Keeper) -> None:
    ran = asyncio.Event()
    stuck = asyncio.Event()

    async def hang(lent: Keeper) -> str:
        await stuck.wait()
        return ""

    async def fail(lent: Keeper) -> str:
        raise ValueError

    async def good(lent: Keeper) -> str:
        ran.set()
        return ""

    work = Housework([job("hang", hang), job("fail", fail), job("good", good)], keeper)
    running = asyncio.create_task(work.run())
    await asyncio.wait_for(ran.wait(), 5)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
