"""Forget what was kept long enough: the text of ended events, their keys, and old fires.

An event's key stays 30 days after its text, so that a late redelivery is still known. Lines of a
conversation, effects, approvals and the audit are not touched.
"""

from datetime import timedelta

from bot.core.times import to_us
from bot.store import inbox, schedules
from scheduler.housework import Job, Keeper

TEXT_KEPT = timedelta(days=30)
KEY_KEPT = timedelta(days=60)


async def sweep(keeper: Keeper) -> str:
    """Forget what is old."""
    now = keeper.clock.now()
    emptied = await keeper.db.write(inbox.sweep(to_us(now - TEXT_KEPT), to_us(now - KEY_KEPT)))
    await keeper.db.write(schedules.sweep(to_us(now - KEY_KEPT)))
    return f"{emptied} events emptied" if emptied else ""


JOB = Job(name="sweep", title="Forget old events", every_s=3600, run=sweep)
