"""Sealing the audit."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.seal_audit import JOB
from tests.fakes.clock import StillClock


async def test_it_seals_within_a_second_and_says_how_many(
    db: SqliteDatabase, clock: StillClock
) -> None:
    new = iter([5, 0])

    async def seal() -> int:
        return next(new)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=seal,
        seal_audit=seal,
        tend_memory=seal,
        archive=seal,
    )
    assert JOB.every_s <= 1
    assert await JOB.run(keeper) == "5 sealed"
    assert await JOB.run(keeper) == ""
