"""Close questions that nobody answered in time, and tell who asked. An expiry is not a no."""

from scheduler.housework import Job, Keeper


async def expire(keeper: Keeper) -> str:
    """Close what is over."""
    closed = await keeper.expire_approvals()
    return f"{closed} closed" if closed else ""


JOB = Job(name="expire_approvals", title="Close expired approvals", every_s=60, run=expire)
