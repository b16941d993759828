"""Sealing by the newest key what an older one seals."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.reseal_secrets import JOB
from tests.fakes.clock import StillClock


async def test_it_seals_and_says_how_many(db: SqliteDatabase, clock: StillClock) -> None:
    counts = iter([2, 0])

    async def reseal() -> int:
        return next(counts)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=reseal,
        seal_audit=reseal,
        tend_memory=reseal,
        archive=reseal,
        reseal_secrets=reseal,
    )
    assert await JOB.run(keeper) == "2 sealed anew"
    assert await JOB.run(keeper) == ""
