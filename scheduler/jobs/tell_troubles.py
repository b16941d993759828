"""Tell owners what went wrong for good, and what works again."""

from scheduler.housework import Job, Keeper


async def tell(keeper: Keeper) -> str:
    """Look once."""
    told = await keeper.tell_troubles()
    return f"{told} told" if told else ""


JOB = Job(name="tell_troubles", title="Tell owners of failures", every_s=10, run=tell)
