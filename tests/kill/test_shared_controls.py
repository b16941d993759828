"""The proofs of several processes, shown what they must complain of."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.switchboard import image
from tests.kill.harness import Nursery, Tally
from tests.kill.test_frozen import freeze
from tests.kill.test_shared import SIGKILL, side_by_side
from tests.postgres import our_database


@pytest.fixture
async def database() -> AsyncIterator[str]:
    async with our_database(image()) as url:
        yield url


@pytest.fixture(scope="module")
def nurseries() -> Iterator[list[Nursery]]:
    made = [Nursery() for _ in range(2)]
    yield made
    for nursery in made:
        nursery.close()


async def counted(home: Path, policy: str, database: str) -> list[str]:
    tally = Tally()
    await asyncio.to_thread(tally.add, home, policy, 0, database)
    return tally.said


async def killed(nursery: Nursery, spec: dict[str, Any], point: str, **second: Any) -> float:
    """Kill one process at a point and let another one go on; returns how long that one took."""
    loop = asyncio.get_running_loop()
    end = await asyncio.to_thread(lambda: nursery.live(**spec, place="0-first", kill=point))
    assert end["signal"] == SIGKILL, end
    began = loop.time()
    await asyncio.to_thread(lambda: nursery.live(**spec, place="0-second", **second))
    return loop.time() - began


def has(said: list[str], kind: str) -> bool:
    return any(text.startswith(kind) for text in said)


@pytest.mark.parametrize("breaks", ["", "nobody_takes_over"])
async def test_what_a_dead_process_held_is_lost_when_nobody_takes_over(
    nurseries: list[Nursery], database: str, tmp_path: Path, breaks: str
) -> None:
    spec = {"home": tmp_path, "policy": "keyed", "database": database, "breaks": breaks}
    await killed(nurseries[0], spec, "turn.claimed:1", limit_s=5 if breaks else 60)
    said = await counted(tmp_path, "keyed", database)
    assert has(said, "lost") == has(said, "stuck") == bool(breaks), said


@pytest.mark.parametrize("breaks", ["", "no_epoch_check"])
async def test_who_was_overtaken_acts_all_the_same_when_no_epoch_is_checked(
    nurseries: list[Nursery], database: str, tmp_path: Path, breaks: str
) -> None:
    """The one that goes on thinks otherwise: what the first one meant to do is not to be done."""
    spec = {"home": tmp_path, "policy": "readback", "database": database, "breaks": breaks}
    await asyncio.to_thread(freeze, nurseries, spec, "effect.before_sending:1", plain=True)
    said = await counted(tmp_path, "readback", database)
    assert has(said, "late") == bool(breaks) and bool(said) == bool(breaks), said


@pytest.mark.parametrize("breaks", ["", "fires_by_each"])
async def test_a_time_fires_in_each_process_when_nothing_is_compared(
    nurseries: list[Nursery], database: str, tmp_path: Path, breaks: str
) -> None:
    spec = {"home": tmp_path, "policy": "keyed", "database": database, "breaks": breaks}
    await asyncio.to_thread(freeze, nurseries, spec, "fire.before_commit:1")
    said = await counted(tmp_path, "keyed", database)
    assert has(said, "twice: ('sch_") == bool(breaks), said


@pytest.mark.parametrize("breaks", ["", "effects_are_anybodys"])
async def test_what_one_process_does_is_done_by_another_as_well_without_a_lease(
    nurseries: list[Nursery], database: str, tmp_path: Path, breaks: str
) -> None:
    spec = {"home": tmp_path, "policy": "readback", "database": database, "breaks": breaks}

    def live(number: int) -> None:
        nurseries[number].live(**spec, place=f"{number}", slow_ms=300, limit_s=30)

    await asyncio.to_thread(side_by_side, [lambda n=n: live(n) for n in range(2)])  # type: ignore[misc]
    said = await counted(tmp_path, "readback", database)
    assert has(said, "twice: readback") == bool(said) == bool(breaks), said


async def test_without_a_word_between_processes_all_is_right_and_only_later(
    nurseries: list[Nursery], database: str, tmp_path: Path
) -> None:
    spec = {"home": tmp_path, "policy": "keyed", "database": database, "breaks": "no_words"}

    def live(number: int) -> None:
        end = nurseries[number].live(**spec, messages=6, place=f"{number}", limit_s=60)
        assert end == {"signal": 0, "code": 0}

    await asyncio.to_thread(side_by_side, [lambda n=n: live(n) for n in range(2)])  # type: ignore[misc]
    assert await counted(tmp_path, "keyed", database) == []
