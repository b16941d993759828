"""The process is killed at every named point, and goes on as if it had not been.

Points around an effect or a reply are visited with each policy of vendor and channel; the others
with one of them in turn. `make test-long` visits later passings of each point as well.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.points import POINTS
from tests.kill.harness import Nursery, Tally, killed

POLICIES = ("keyed", "readback", "none")
BY_POLICY = ("effect.", "reply.", "turn.before_finish", "turn.after_finish", "step.after_journal")

Record = Callable[[str, object], None]


def cases(occurrences: range) -> list[tuple[str, int, str]]:
    """Point, passing and policy."""
    found = []
    for number, name in enumerate(POINTS):
        for passing in occurrences:
            some = POLICIES if name.startswith(BY_POLICY) else (POLICIES[(number + passing) % 3],)
            found += [(name, passing, policy) for policy in some]
    return found


def visit(nursery: Nursery, home: Path, name: str, passing: int, policy: str) -> Tally:
    """Kill a life at a point, raise another one, and count."""
    end = nursery.live(home, policy=policy, kill=f"{name}:{passing}")
    kills = killed(end, home, name, passing)
    end = nursery.live(home, policy=policy)
    assert end == {"signal": 0, "code": 0}
    tally = Tally()
    tally.add(home, policy, kills)
    return tally


@pytest.mark.parametrize(("name", "passing", "policy"), cases(range(1, 3)))
def test_a_life_killed_at_a_point_is_taken_up(
    nursery: Nursery, tmp_path: Path, name: str, passing: int, policy: str, record_property: Record
) -> None:
    tally = visit(nursery, tmp_path, name, passing, policy)
    record_property("table:kill points", tally.row())
    assert tally.said == [] and tally.counts["kills"] == 1


@pytest.mark.long
@pytest.mark.parametrize(("name", "passing", "policy"), cases(range(3, 9)))
def test_a_life_killed_at_a_later_passing_is_taken_up(
    nursery: Nursery, tmp_path: Path, name: str, passing: int, policy: str, record_property: Record
) -> None:
    tally = visit(nursery, tmp_path, name, passing, policy)
    record_property("table:kill points, later", tally.row())
    assert tally.said == []


@pytest.mark.parametrize("policy", POLICIES)
def test_every_point_is_passed_by_a_life_that_nobody_kills(
    nursery: Nursery, tmp_path: Path, policy: str
) -> None:
    assert nursery.live(tmp_path, policy=policy) == {"signal": 0, "code": 0}
    passed = json.loads((tmp_path / "passed").read_text())
    assert [name for name in POINTS if not passed.get(name)] == []
