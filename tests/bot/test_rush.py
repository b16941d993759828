"""Who goes first: acknowledgements before turns, turns in their order, nobody for ever."""

import asyncio

from bot.rush import ABREAST, MOMENT_S, ROUNDS, RUSH, Rush

NEVER, ALWAYS = 0.0, 60.0
"""How long a quiet round is, so that none is, or each."""


async def rounds(count: int) -> None:
    """So many rounds of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


def setting_out(
    rush: Rush, count: int, tenant: str = "a"
) -> tuple[list[int], list[asyncio.Task[None]]]:
    """Turns that note when they set out."""
    out: list[int] = []

    async def turn(n: int) -> None:
        await rush.turn(tenant)
        out.append(n)

    return out, [asyncio.ensure_future(turn(n)) for n in range(count)]


async def test_one_turn_waits_for_nobody() -> None:
    out, _ = setting_out(Rush(), 1)
    await rounds(2)
    assert out == [0]


async def test_many_set_out_in_order_and_others_are_served_in_between() -> None:
    out, tasks = setting_out(Rush(quiet_s=NEVER), 5)
    served: list[int] = []
    while len(out) < 5:
        await rounds(1)
        served.append(len(out))
    assert out == list(range(5))
    assert max(after - before for before, after in zip(served, served[1:], strict=False)) == 1
    assert served.count(2) >= ROUNDS - 1, "rounds pass between two of them"
    await asyncio.gather(*tasks)


async def test_when_nobody_else_has_anything_to_do_they_follow_each_other_round_by_round() -> None:
    out, tasks = setting_out(Rush(quiet_s=ALWAYS), 5)
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


async def test_a_lone_event_and_its_turn_cost_the_loop_no_round() -> None:
    loop = asyncio.get_running_loop()
    rush, before = Rush(), len(loop._ready)  # type: ignore[attr-defined]
    await rush.enter("a")
    rush.entered("a")
    await rush.turn("a")
    assert len(loop._ready) == before  # type: ignore[attr-defined]


async def test_a_turn_that_comes_a_moment_after_another_waits_for_its_rounds() -> None:
    rush = Rush(quiet_s=NEVER)
    rush._last = asyncio.get_running_loop().time() + 60  # a moment that does not end meanwhile
    out, tasks = setting_out(rush, 1)
    await rounds(ROUNDS)
    assert out == []
    await asyncio.gather(*tasks)


def entering(rush: Rush, count: int, tenant: str = "a") -> list[asyncio.Task[None]]:
    """Events that come."""
    return [asyncio.ensure_future(rush.enter(tenant)) for _ in range(count)]


async def test_in_a_rush_turns_wait_until_it_is_stored_but_not_for_ever() -> None:
    over: list[int] = []
    rush = Rush(lambda: over.append(1))
    doors = entering(rush, RUSH + 1)
    await rounds(1)
    out, tasks = setting_out(rush, 2)
    await rounds(5 * ROUNDS)
    assert (out, over, rush.held()) == ([], [], None)
    rush.entered("a")
    await asyncio.gather(*tasks, *doors)
    assert (out, over, rush.held()) == ([0, 1], [1], frozenset())
    entering(rush, 1)
    await rounds(1)
    out, tasks = setting_out(rush, 2)
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    assert out == [0, 1]


async def test_a_rush_that_was_given_up_does_not_begin_again_at_once() -> None:
    rush = Rush()
    entering(rush, RUSH + 1)
    await rounds(1)
    assert rush.holds("a")
    rush._ends.cancel()
    rush._give_up()
    entering(rush, 1)
    await rounds(1)
    assert not rush.holds("a")
    rush._quiet_until = asyncio.get_running_loop().time()
    entering(rush, 1)
    await rounds(1)
    assert rush.holds("a")


async def test_a_tenant_waits_for_no_other_one_s_rush() -> None:
    rush = Rush()
    doors = entering(rush, 10 * RUSH)
    await rounds(1)
    assert sum(door.done() for door in doors) == ABREAST
    await asyncio.wait_for(rush.enter("b"), 1)
    theirs, waiting = setting_out(rush, 1)
    mine, _ = setting_out(rush, 1, "b")
    await rounds(2)
    assert (theirs, mine) == ([], [0])
    assert rush.held() is None, "nothing of theirs is stored yet"
    rush.entered("b")
    assert rush.held() == {"a"}
    for task in (*doors, *waiting):
        task.cancel()


async def test_what_was_stored_before_a_rush_lets_nobody_be_claimed_in_it() -> None:
    rush = Rush()
    await rush.enter("a")
    rush.entered("a")
    doors = entering(rush, RUSH + 1)
    await rounds(1)
    assert rush.held() is None, "each look for turns would tear a commit of the rush apart"
    for door in doors:
        door.cancel()
    rush._ends.cancel()


async def test_events_of_a_tenant_are_stored_in_their_order_also_beyond_the_door() -> None:
    rush, stored = Rush(), list[int]()

    async def store(n: int) -> None:
        await rush.enter("a")
        stored.append(n)
        await rounds(1)
        rush.entered("a")

    tasks = [asyncio.ensure_future(store(n)) for n in range(3 * ABREAST)]
    await rounds(1)
    tasks[ABREAST].cancel()
    tasks[ABREAST + 7].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    left = {ABREAST, ABREAST + 7}
    assert stored == [n for n in range(3 * ABREAST) if n not in left]
    assert not rush._entering and not rush._doors


async def test_tenants_set_out_turn_and_turn_about() -> None:
    rush, out = Rush(quiet_s=ALWAYS), list[str]()

    async def turn(tenant: str, n: int) -> None:
        await rush.turn(tenant)
        out.append(f"{tenant}{n}")

    await asyncio.gather(*(turn("a", n) for n in range(4)), *(turn("b", n) for n in range(2)))
    assert out == ["a0", "a1", "b0", "a2", "b1", "a3"]
