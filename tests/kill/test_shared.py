"""Several processes on one PostgreSQL, killed, frozen and raised again; nobody notices."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.points import POINTS
from tests.fakes.switchboard import image
from tests.kill.harness import Nursery, Tally, killed
from tests.kill.test_points import POLICIES, cases
from tests.postgres import our_database

SIGKILL = 9
Record = Callable[[str, object], None]


@pytest.fixture
async def database() -> AsyncIterator[str]:
    async with our_database(image()) as url:
        yield url


@pytest.fixture(scope="module")
def nurseries() -> Iterator[list[Nursery]]:
    made = [Nursery() for _ in range(3)]
    yield made
    for nursery in made:
        nursery.close()


def side_by_side(work: list[Callable[[], None]]) -> None:
    """Run all of them at once; the first error is raised."""
    errors: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def kill_often(nurseries: list[Nursery], spec: dict[str, Any], kills: int, seed: int) -> None:
    """Keep three processes going and kill each of them so many times; then let one finish."""

    def raise_and_kill(number: int) -> None:
        chance = Random(f"{seed}.{number}")
        for life in range(kills):
            place = f"{number}-{life if life % 2 else 'home'}"
            after = 0.4 + 0.6 * chance.random()
            end = nurseries[number].live(**spec, messages=0, place=place, kill_after_s=after)
            assert end["signal"] == SIGKILL, end

    side_by_side([lambda n=n: raise_and_kill(n) for n in range(3)])  # type: ignore[misc]

    def finish(number: int) -> None:
        end = nurseries[number].live(
            **{**spec, "slow_ms": 0}, messages=1, place=f"{number}-last", limit_s=60
        )
        assert end == {"signal": 0, "code": 0}

    side_by_side([lambda n=n: finish(n) for n in range(3)])  # type: ignore[misc]


async def test_three_that_nobody_kills_share_the_work(
    nurseries: list[Nursery], database: str, tmp_path: Path
) -> None:
    def live(number: int) -> None:
        spec = {"home": tmp_path, "policy": "keyed", "database": database}
        end = nurseries[number].live(**spec, messages=6, place=f"{number}", limit_s=60)
        assert end == {"signal": 0, "code": 0}

    await asyncio.to_thread(side_by_side, [lambda n=n: live(n) for n in range(3)])
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, "keyed", 0, database)
    assert tally.said == []


@pytest.mark.parametrize(("policy", "kills"), [("keyed", 3), ("readback", 3), ("none", 3)])
async def test_any_of_three_may_be_killed(
    nurseries: list[Nursery],
    database: str,
    tmp_path: Path,
    policy: str,
    kills: int,
    record_property: Record,
) -> None:
    spec = {"home": tmp_path, "policy": policy, "database": database, "slow_ms": 25, "talks": 3}
    await asyncio.to_thread(kill_often, nurseries, spec, kills, kills)
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, policy, 3 * kills, database)
    record_property(f"table:random kills of three, {policy}", tally.row())
    assert tally.said == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("policy", ["keyed", "readback", "none", "mixed"])
@pytest.mark.parametrize("seed", range(3))
async def test_the_same_for_longer(
    nurseries: list[Nursery],
    database: str,
    tmp_path: Path,
    policy: str,
    seed: int,
    record_property: Record,
) -> None:
    spec = {"home": tmp_path, "policy": policy, "database": database, "slow_ms": 25, "talks": 3}
    await asyncio.to_thread(kill_often, nurseries, spec, 20, seed)
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, policy, 60, database)
    record_property(f"table:random kills of three for longer, {policy}", tally.row())
    assert tally.said == []


async def visit(
    nursery: Nursery, home: Path, database: str, case: tuple[str, int, str], breaks: str = ""
) -> Tally:
    """Kill a process at a point; another one, which knows nothing of it, takes over."""
    name, passing, policy = case
    spec = {"policy": policy, "database": database, "breaks": breaks}

    def live(**more: Any) -> dict[str, Any]:
        return nursery.live(home, **spec, **more)

    end = await asyncio.to_thread(lambda: live(place="0-first", kill=f"{name}:{passing}"))
    kills = killed(end, home, name, passing)
    end = await asyncio.to_thread(lambda: live(place="0-second"))
    assert breaks or end == {"signal": 0, "code": 0}
    tally = Tally()
    await asyncio.to_thread(tally.add, home, policy, kills, database)
    return tally


@pytest.mark.parametrize(
    ("name", "passing", "policy"),
    [(name, 1, POLICIES[n % 3]) for n, name in enumerate(POINTS) if not n % 2],
)
async def test_a_process_killed_at_a_point_is_taken_over(
    nurseries: list[Nursery],
    database: str,
    tmp_path: Path,
    name: str,
    passing: int,
    policy: str,
    record_property: Record,
) -> None:
    tally = await visit(nurseries[0], tmp_path, database, (name, passing, policy))
    record_property("table:kill points, shared", tally.row())
    assert tally.said == [] and tally.counts["kills"] == 1


@pytest.mark.long
@pytest.mark.parametrize(("name", "passing", "policy"), cases(range(1, 4)))
async def test_every_point_and_policy(
    nurseries: list[Nursery],
    database: str,
    tmp_path: Path,
    name: str,
    passing: int,
    policy: str,
    record_property: Record,
) -> None:
    tally = await visit(nurseries[0], tmp_path, database, (name, passing, policy))
    record_property("table:kill points, shared, all", tally.row())
    assert tally.said == []


@pytest.mark.parametrize(
    ("breaks", "policy", "point", "kind"),
    [
        ("blind_resend", "none", "effect.after_call", "twice: none"),
        ("sending_after_the_call", "readback", "effect.after_call", "twice: readback"),
        ("key_changes_on_retry", "keyed", "effect.after_call", "twice: keyed"),
    ],
)
async def test_a_kill_does_harm_when_this_is_broken(
    nurseries: list[Nursery],
    database: str,
    tmp_path: Path,
    breaks: str,
    policy: str,
    point: str,
    kind: str,
) -> None:
    tally = await visit(nurseries[0], tmp_path, database, (point, 1, policy), breaks)
    assert any(text.startswith(kind) for text in tally.said), tally.said
