"""Telling owners of failures."""

from bot.store.sqlite import SqliteDatabase
from scheduler.housework import Keeper
from scheduler.jobs.tell_troubles import JOB
from tests.fakes.clock import StillClock


async def test_it_looks_and_says_how_many_messages_it_took(
    db: SqliteDatabase, clock: StillClock
) -> None:
    over = iter([2, 0])

    async def nothing() -> int:
        return 0

    async def tell() -> int:
        return next(over)

    keeper = Keeper(
        db=db,
        clock=clock,
        expire_approvals=nothing,
        seal_audit=nothing,
        tend_memory=nothing,
        archive=nothing,
        tell_troubles=tell,
    )
    assert await JOB.run(keeper) == "2 told"
    assert await JOB.run(keeper) == ""
