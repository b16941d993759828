"""Put old conversations away into files, once a week.

The job looks every hour; whether a week has passed stands in the database, so that starts and other
processes do not make it more often.
"""

from scheduler.housework import Job, Keeper


async def archive(keeper: Keeper) -> str:
    """Put away what is old."""
    done = await keeper.archive()
    return f"{done} put away" if done else ""


JOB = Job(name="archive", title="Archive old conversations", every_s=3600, run=archive)
