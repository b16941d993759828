"""The process is killed again and again wherever it happens to be, while messages keep coming.

The vendor and the channel are a few milliseconds away, so that many kills hit a call on its way.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.kill.harness import Nursery, Tally

SIGKILL = 9


def kill_often(nursery: Nursery, home: Path, policy: str, kills: int, seed: int) -> Tally:
    """Kill one house so many times, then let it come to rest, and count."""
    chance = Random(seed)
    endless = {"policy": policy, "messages": 0, "talks": 4, "slow_ms": 25}
    for _ in range(kills):
        end = nursery.live(home, **endless, kill_after_s=0.15 + 0.35 * chance.random())
        assert end["signal"] == SIGKILL, end
    end = nursery.live(home, **{**endless, "messages": 1, "slow_ms": 0})
    assert end == {"signal": 0, "code": 0}
    tally = Tally()
    tally.add(home, policy, kills)
    return tally


@pytest.mark.parametrize(("policy", "kills"), [("keyed", 8), ("readback", 8), ("none", 9)])
def test_nothing_is_lost_or_done_twice_however_often_it_is_killed(
    nursery: Nursery,
    tmp_path: Path,
    policy: str,
    kills: int,
    record_property: Callable[[str, object], None],
) -> None:
    tally = kill_often(nursery, tmp_path, policy, kills, seed=kills)
    record_property(f"table:random kills, {policy}", tally.row())
    assert tally.said == []
    assert tally.counts["acknowledged"] > kills


@pytest.mark.long
@pytest.mark.parametrize("policy", ["keyed", "readback", "none", "mixed"])
@pytest.mark.parametrize("seed", range(5))
def test_the_same_for_longer(
    nursery: Nursery,
    tmp_path: Path,
    policy: str,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    tally = kill_often(nursery, tmp_path, policy, 30, seed)
    record_property(f"table:random kills for longer, {policy}", tally.row())
    assert tally.said == []
