"""Buckets: so many in so long, with bursts up to the whole."""

import pytest

from bot.limits import Buckets, Rate
from tests.fakes.clock import StillClock

PER_MINUTE = Rate(count=6, seconds=60)


def test_a_full_bucket_gives_a_burst_and_then_says_how_long_to_wait():
    buckets = Buckets(StillClock())
    assert [buckets.take(("ana",), PER_MINUTE) for _ in range(6)] == [0.0] * 6
    assert buckets.take(("ana",), PER_MINUTE) == pytest.approx(10.0)


def test_waiting_fills_it_again_and_never_beyond_the_whole():
    clock = StillClock()
    buckets = Buckets(clock)
    for _ in range(6):
        buckets.take(("ana",), PER_MINUTE)
    clock.move(seconds=10)
    assert buckets.take(("ana",), PER_MINUTE) == 0.0
    assert buckets.take(("ana",), PER_MINUTE) > 0
    clock.move(days=1)
    assert [buckets.take(("ana",), PER_MINUTE) == 0.0 for _ in range(7)] == [True] * 6 + [False]


def test_a_refused_one_costs_nothing():
    clock = StillClock()
    buckets = Buckets(clock)
    for _ in range(100):
        buckets.take(("ana",), PER_MINUTE)
    clock.move(seconds=10)
    assert buckets.take(("ana",), PER_MINUTE) == 0.0


def test_each_key_has_its_own():
    buckets = Buckets(StillClock())
    for _ in range(7):
        buckets.take(("ten_a", "ana"), PER_MINUTE)
    assert buckets.take(("ten_b", "ana"), PER_MINUTE) == 0.0


def test_a_count_of_nought_is_no_limit():
    buckets = Buckets(StillClock())
    assert [buckets.take(("ana",), Rate(count=0, seconds=1)) for _ in range(1000)] == [0.0] * 1000


def test_of_several_limits_all_give_or_none():
    buckets = Buckets(StillClock())
    small, large = Rate(count=2, seconds=60), Rate(count=10, seconds=60)
    rates = {("small",): small, ("large",): large}
    assert [buckets.take_all(rates) for _ in range(2)] == [0.0, 0.0]
    assert all(buckets.take_all(rates) == pytest.approx(30.0) for _ in range(50))
    assert [buckets.take(("large",), large) == 0.0 for _ in range(9)] == [True] * 8 + [False]


def test_looking_takes_nothing():
    buckets = Buckets(StillClock())
    assert buckets.wait(("ana",), PER_MINUTE) == 0.0
    for _ in range(6):
        assert buckets.take(("ana",), PER_MINUTE) == 0.0
    assert buckets.wait(("ana",), PER_MINUTE) == pytest.approx(10.0)


def test_too_many_keys_push_out_the_oldest_and_never_grow_without_end():
    buckets = Buckets(StillClock(), max_keys=10)
    for n in range(100):
        buckets.take((f"k{n}",), PER_MINUTE)
    assert len(buckets._buckets) <= 10


def test_what_was_taken_elsewhere_counts_though_there_be_none_left():
    clock = StillClock()
    buckets = Buckets(clock)
    for _ in range(6):
        assert buckets.take(("ana",), PER_MINUTE) == 0.0
    buckets.charge({("ana",): PER_MINUTE, ("free",): Rate(count=0, seconds=1)})
    assert buckets.wait(("ana",), PER_MINUTE) == pytest.approx(20.0)
    for _ in range(100):
        buckets.charge({("ana",): PER_MINUTE})
    assert buckets.wait(("ana",), PER_MINUTE) == pytest.approx(70.0), "at most the whole is owed"
