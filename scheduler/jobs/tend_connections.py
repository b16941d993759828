"""Renew tokens before they end, and tell owners of those that only a person can renew."""

from scheduler.housework import Job, Keeper


async def tend(keeper: Keeper) -> str:
    """Look after what is due."""
    count = await keeper.tend_connections()
    return f"{count} looked after" if count else ""


JOB = Job(name="tend_connections", title="Renew connections", every_s=60, run=tend)
