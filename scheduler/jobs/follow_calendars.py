"""Read connected calendars again that changed or were not read for a while, and renew channels."""

from scheduler.housework import Job, Keeper


async def follow(keeper: Keeper) -> str:
    """Look after what is due."""
    count = await keeper.follow_calendars()
    return f"{count} read" if count else ""


JOB = Job(name="follow_calendars", title="Follow calendars", every_s=5, run=follow)
