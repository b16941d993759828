"""The real clock: chance that never comes twice, whoever asks for it."""

from concurrent.futures import ThreadPoolExecutor

from bot.infra.clock import SMALL, STOCK, SystemClock


def test_chance_has_its_size_and_never_comes_twice_from_any_thread() -> None:
    clock = SystemClock()

    def take(_: int) -> list[bytes]:
        return [clock.chance(SMALL) for _ in range(STOCK // SMALL)]

    with ThreadPoolExecutor(8) as pool:
        taken = [piece for pieces in pool.map(take, range(16)) for piece in pieces]
    assert {len(piece) for piece in taken} == {SMALL}
    assert len(set(taken)) == len(taken)


def test_what_is_longer_than_a_name_is_not_taken_from_the_stock() -> None:
    clock = SystemClock()
    clock.chance(SMALL)
    stock = clock._stock
    assert clock.chance(SMALL + 1) not in stock
    assert clock.chance(32) not in stock
