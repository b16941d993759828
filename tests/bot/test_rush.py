"""Who goes first: acknowledgements before turns, turns in their order, nobody for ever."""

import asyncio

from bot.rush import MOMENT_S, ROUNDS, RUSH, Rush

NEVER, ALWAYS = 0.0, 60.0
"""How long a quiet round is, so that none is, or each."""


async def rounds(count: int) -> None:
    """So many rounds of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


def setting_out(rush: Rush, count: int) -> tuple[list[int], list[asyncio.Task[None]]]:
    """Turns that note when they set out."""
    out: list[int] = []

    async def turn(n: int) -> None:
        await rush.turn()
        out.append(n)

    return out, [asyncio.ensure_future(turn(n)) for n in range(count)]


async def test_one_turn_waits_for_nobody() -> None:
    out, _ = setting_out(Rush(), 1)
    await rounds(2)
    assert out == [0]


async def test_many_set_out_in_order_and_others_are_served_in_between() -> None:
    out, tasks = setting_out(Rush(NEVER), 5)
    served: list[int] = []
    while len(out) < 5:
        await rounds(1)
        served.append(len(out))
    assert out == list(range(5))
    assert max(after - before for before, after in zip(served, served[1:], strict=False)) == 1
    assert served.count(2) >= ROUNDS - 1, "rounds pass between two of them"
    await asyncio.gather(*tasks)


async def test_when_nobody_else_has_anything_to_do_they_follow_each_other_round_by_round() -> None:
    out, tasks = setting_out(Rush(ALWAYS), 5)
    served: list[int] = []
    while len(out) < 5:
        await rounds(1)
        served.append(len(out))
    assert out == list(range(5))
    assert max(after - before for before, after in zip(served, served[1:], strict=False)) == 1
    assert len(served) < 5 * 3, "two rounds between two of them and no more"
    await asyncio.gather(*tasks)


async def test_a_turn_that_was_stopped_while_it_waited_holds_nobody_up() -> None:
    rush = Rush()
    out, tasks = setting_out(rush, 4)
    await rounds(2)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert out == [0, 3]
    await asyncio.sleep(2 * MOMENT_S)
    later, _ = setting_out(rush, 1)
    await rounds(2)
    assert later == [0]


async def test_a_lone_turn_costs_the_loop_no_round() -> None:
    loop = asyncio.get_running_loop()
    rush, before = Rush(), len(loop._ready)  # type: ignore[attr-defined]
    await rush.turn()
    assert len(loop._ready) == before  # type: ignore[attr-defined]


async def test_a_turn_that_comes_a_moment_after_another_waits_for_its_rounds() -> None:
    rush = Rush(NEVER)
    rush._last = asyncio.get_running_loop().time() + 60  # a moment that does not end meanwhile
    out, tasks = setting_out(rush, 1)
    await rounds(ROUNDS)
    assert out == []
    await asyncio.gather(*tasks)


async def test_in_a_rush_turns_wait_until_it_is_stored_but_not_for_ever() -> None:
    rush = Rush()
    for _ in range(RUSH + 1):
        rush.enter()
    out, tasks = setting_out(rush, 2)
    await rounds(5 * ROUNDS)
    assert out == []
    rush.entered()
    await asyncio.gather(*tasks)
    assert out == [0, 1]
    rush.enter()
    out, tasks = setting_out(rush, 2)
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    assert out == [0, 1]
