"""Seal anew what an older data key seals: a key wears out, and a rotation may have been cut off."""

from scheduler.housework import Job, Keeper


async def reseal(keeper: Keeper) -> str:
    """Seal what is left to seal."""
    sealed = await keeper.reseal_secrets()
    return f"{sealed} sealed anew" if sealed else ""


JOB = Job(name="reseal_secrets", title="Seal secrets by the newest key", every_s=86_400, run=reseal)
