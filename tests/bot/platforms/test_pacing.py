"""What must arrive goes in its turn; what may be dropped never takes its place."""

import asyncio

import pytest

from bot.limits import Rate
from bot.platforms.pacing import Pace
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


async def sent_in(clock: StillClock, paces: list[Pace], seconds: int) -> int:
    """How many messages leave in so long, by processes that all have more to say than they may."""
    count = 0
    for _ in range(seconds * 20):
        for pace in paces:
            while pace._wait("a") <= 0:
                count += 1
        clock.move(seconds=0.05)
    return count


@pytest.mark.parametrize("rate", [Rate(count=4, seconds=1), Rate(count=1, seconds=1.5)])
async def test_processes_that_share_a_token_share_its_budget(rate: Rate) -> None:
    clock = StillClock()
    alone = await sent_in(clock, [Pace(clock, rate, MANY)], 60)
    three = await sent_in(clock, [Pace(clock, rate, MANY, lambda: 3) for _ in range(3)], 60)
    unaware = await sent_in(clock, [Pace(clock, rate, MANY) for _ in range(3)], 60)
    assert abs(three - alone) <= 3, "one message at once for each of them"
    assert unaware > 2 * alone, "the control: three who know of nobody send three times as much"


def test_the_budget_of_all_places_together_is_shared_as_well() -> None:
    clock = StillClock()
    paces = [Pace(clock, MANY, Rate(count=10, seconds=1), lambda: 2) for _ in range(2)]
    for pace in paces:
        taken = 0
        while pace._wait(f"{taken}") <= 0:
            taken += 1
        assert taken == 5


def test_a_share_follows_how_many_there_are() -> None:
    clock, many = StillClock(), [1]
    pace = Pace(clock, MANY, Rate(count=10, seconds=1), lambda: many[0])
    for _ in range(5):
        assert pace._wait("a") <= 0
    many[0] = 5
    clock.move(seconds=1)
    assert [pace._wait("a") <= 0 for _ in range(3)] == [True, True, False]
