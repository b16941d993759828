"""What only several processes can break, broken on purpose; see also `tests/sim/broken.py`.

Each takes one protection away and nothing else. What it harms is shown in `test_shared_controls.py`.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

import scheduler.runner
from bot.fleet import Fleet
from bot.store import fleet as fleet_rows
from bot.store.notices import Notices
from bot.store.postgres_session import GONE
from bot.store.postgres_writer import Writer
from bot.store.script import Script
from tests.sim import broken

Patch = Callable[[Any, str, Any], None]


def nobody_takes_over(patch: Patch) -> None:
    """What a dead process held stays its own."""

    def take_over(now: int, dead_us: int) -> Script[int]:
        yield from ()
        return 0

    patch(fleet_rows, "take_over", take_over)


def effects_are_anybodys(patch: Patch) -> None:
    """Neither the lease of a question nor the hands that an effect is in keep others off."""

    async def living(self: Fleet) -> frozenset[str]:
        return frozenset()

    async def take(self: Fleet, name: str) -> bool:
        return True

    patch(Fleet, "living", living)
    patch(Fleet, "take", take)


def fires_by_each(patch: Patch) -> None:
    """Each process fires by itself: no key, no version and no name keeps the others out.

    Nor does a connection that was closed meanwhile. No row of a fire is written, so each time counts
    as fired in one table only as well.
    """
    broken.apply("fire_without_unique_key", patch)
    name = scheduler.runner.iso
    patch(scheduler.runner, "iso", lambda at: f"{name(at)}.{os.getpid()}")
    _unnoticed(patch)


def no_words(patch: Patch) -> None:
    """NOTIFY does not exist. This breaks nothing: all is found by the sweeps, only later."""

    async def silence(self: Notices) -> None:
        return None

    patch(Notices, "run", silence)
    patch(Notices, "send", lambda self, word: True)


def no_epoch_check(patch: Patch) -> None:
    """The epoch is not looked at."""
    broken.apply("no_epoch_check", patch)
    _unnoticed(patch)


def _unnoticed(patch: Patch) -> None:
    """Who was cut off from the database does not notice.

    Else its first write after it wakes fails, unless the news that its connection was closed happens
    to come before, or another write met it: an accident, which protects nobody.
    """
    usual = Writer._connection

    async def living(self: Writer) -> "asyncpg.Connection[Any]":
        conn = await usual(self)
        try:
            await conn.execute("SELECT 1")
        except GONE:
            conn.terminate()
            conn = await usual(self)
        return conn

    patch(Writer, "_connection", living)


SHARED: Mapping[str, Callable[[Patch], None]] = {
    control.__name__: control
    for control in (
        nobody_takes_over,
        effects_are_anybodys,
        fires_by_each,
        no_words,
        no_epoch_check,
    )
}


def apply(name: str) -> None:
    """Break one thing; an empty name breaks nothing."""
    if name in SHARED:
        SHARED[name](setattr)
    else:
        broken.apply(name)
