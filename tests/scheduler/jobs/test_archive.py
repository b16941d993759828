"""Putting old conversations away."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.archive import JOB
from tests.fakes.clock import StillClock


async def test_it_says_how_many_were_put_away(db: SqliteDatabase, clock: StillClock) -> None:
    new = iter([3, 0])

    async def archive() -> int:
        return next(new)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=archive,
        seal_audit=archive,
        tend_memory=archive,
        archive=archive,
    )
    assert JOB.every_s <= 3600, "a house that runs only by day keeps its week as well"
    assert await JOB.run(keeper) == "3 put away"
    assert await JOB.run(keeper) == ""
