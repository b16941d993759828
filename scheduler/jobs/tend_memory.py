"""Embed new notes and lines, and sum up long conversations, behind the turns."""

from scheduler.housework import Job, Keeper


async def tend(keeper: Keeper) -> str:
    """Do what is due."""
    done = await keeper.tend_memory()
    return f"{done} brought up to date" if done else ""


JOB = Job(name="tend_memory", title="Keep memory up to date", every_s=10, run=tend)
