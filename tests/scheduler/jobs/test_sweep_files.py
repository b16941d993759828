"""Sweeping files that were left half done."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.sweep_files import JOB
from tests.fakes.clock import StillClock


async def test_it_sweeps_and_says_how_many(db: SqliteDatabase, clock: StillClock) -> None:
    new = iter([2, 0])

    async def sweep() -> int:
        return next(new)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=sweep,
        seal_audit=sweep,
        tend_memory=sweep,
        archive=sweep,
        sweep_files=sweep,
    )
    assert await JOB.run(keeper) == "2 removed"
    assert await JOB.run(keeper) == ""
