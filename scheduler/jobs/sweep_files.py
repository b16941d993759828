"""Remove what a process that died left of a file: bytes without a row, or a row without bytes."""

from scheduler.housework import Job, Keeper


async def sweep(keeper: Keeper) -> str:
    """Remove what is left."""
    removed = await keeper.sweep_files() if keeper.sweep_files else 0
    return f"{removed} removed" if removed else ""


JOB = Job(name="sweep_files", title="Remove half-done files", every_s=600, run=sweep)
