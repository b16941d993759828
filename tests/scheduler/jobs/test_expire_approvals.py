"""Closing questions that nobody answered."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.expire_approvals import JOB
from tests.fakes.clock import StillClock


async def test_it_closes_what_is_over_and_says_how_many(
    db: SqliteDatabase, clock: StillClock
) -> None:
    over = iter([2, 0])

    async def expire() -> int:
        return next(over)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=expire,
        seal_audit=expire,
        tend_memory=expire,
        archive=expire,
    )
    assert await JOB.run(keeper) == "2 closed"
    assert await JOB.run(keeper) == ""
