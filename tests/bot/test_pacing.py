"""What must arrive goes in its turn; what may be dropped never takes its place."""

import asyncio

from bot.limits import Rate
from bot.pacing import Pace
from tests.fakes.clock import StillClock

A_SECOND = Rate(count=4, seconds=1)
MANY = Rate(count=1000, seconds=1)


async def test_answers_wait_for_their_turn() -> None:
    clock = StillClock()
    pace = Pace(clock, A_SECOND, MANY)
    for _ in range(4):
        await pace.turn("a")
    late = asyncio.ensure_future(pace.turn("a"))
    await asyncio.sleep(0)
    assert not late.done(), "the budget of this second is used up"
    await pace.turn("b")  # another place has its own
    clock.move(seconds=1)
    await asyncio.wait_for(late, 5)


def test_drafts_leave_room_for_answers() -> None:
    clock = StillClock()
    pace = Pace(clock, A_SECOND, MANY)
    taken = [pace.spare("a") for _ in range(4)]
    assert taken == [True, True, False, False]


async def test_all_obey_when_the_platform_says_when_to_come_again() -> None:
    clock = StillClock()
    pace = Pace(clock, A_SECOND, MANY)
    pace.rest(5)
    assert not pace.spare("a")
    waiting = asyncio.ensure_future(pace.turn("b"))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    clock.move(seconds=6)
    assert pace.spare("a")
    await pace.turn("b")
