"""Keeping memory up to date."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.tend_memory import JOB
from tests.fakes.clock import StillClock


async def test_it_says_how_much_was_done(db: SqliteDatabase, clock: StillClock) -> None:
    new = iter([2, 0])

    async def tend() -> int:
        return next(new)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=tend,
        seal_audit=tend,
        tend_memory=tend,
        archive=tend,
    )
    assert await JOB.run(keeper) == "2 brought up to date"
    assert await JOB.run(keeper) == ""
