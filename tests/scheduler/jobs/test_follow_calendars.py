"""Reading calendars whose time has come."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.follow_calendars import JOB
from tests.fakes.clock import StillClock


async def test_it_reads_and_says_how_many(db: SqliteDatabase, clock: StillClock) -> None:
    counts = iter([2, 0])

    async def tend() -> int:
        return next(counts)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=tend,
        seal_audit=tend,
        tend_memory=tend,
        archive=tend,
        follow_calendars=tend,
    )
    assert await JOB.run(keeper) == "2 read"
    assert await JOB.run(keeper) == ""
