"""A process that freezes is overtaken; when it wakes it does nothing that another has done.

And a database that is restarted, or loses its power, while processes work on it.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.store import postgres_schema
from tests.fakes.switchboard import image
from tests.kill.book import written
from tests.kill.harness import Nursery, Tally
from tests.kill.test_shared import side_by_side
from tests.postgres import Server, fill, our_database

GONE_S = 2.0
"""Longer than a process of these tests may be silent."""


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


def freeze(nurseries: list[Nursery], spec: dict[str, Any], stop: str, **second: Any) -> None:
    """Freeze the first process at a point; the second takes over and finishes; the first wakes.

    Frozen in the middle of a transaction, it keeps rows from the second until the second finds it
    silent and closes its connections; so both have time.
    """
    spec = {"limit_s": 60, **spec}
    ends: list[dict[str, Any]] = []
    home: Path = spec["home"]

    def first() -> None:
        ends.append(nurseries[0].live(**spec, place="0-frozen", stop=stop))

    thread = threading.Thread(target=first)
    thread.start()
    until = time.monotonic() + 15
    pid = ""
    while not pid and time.monotonic() < until:
        time.sleep(0.02)
        with suppress(FileNotFoundError):
            pid = (home / "stopped").read_text()
    time.sleep(GONE_S)
    end = nurseries[1].live(**spec, **second, place="1-awake")
    os.kill(int(pid), signal.SIGCONT)
    thread.join()
    assert end == {"signal": 0, "code": 0}
    assert ends == [{"signal": 0, "code": 0}]


@pytest.mark.parametrize("policy", ["keyed", "readback", "none"])
@pytest.mark.parametrize("point", ["effect.before_sending", "effect.after_sending"])
async def test_who_was_frozen_before_the_check_is_fenced(
    nurseries: list[Nursery], database: str, tmp_path: Path, policy: str, point: str
) -> None:
    spec = {"home": tmp_path, "policy": policy, "database": database}
    await asyncio.to_thread(freeze, nurseries, spec, f"{point}:1")
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, policy, 0, database)
    assert tally.said == []


@pytest.mark.parametrize(("policy", "is_twice"), [("keyed", False), ("readback", True)])
async def test_who_was_frozen_after_the_check_is_the_one_hole(
    nurseries: list[Nursery], database: str, tmp_path: Path, policy: str, is_twice: bool
) -> None:
    """docs/architecture.md names it: nothing but the vendor's own key can close it."""
    spec = {"home": tmp_path, "policy": policy, "database": database}
    await asyncio.to_thread(freeze, nurseries, spec, "vendor:1")
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, policy, 0, database)
    assert any(text.startswith("twice") for text in tally.said) == is_twice, tally.said


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.remove()


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_database_that_goes_and_comes_back_loses_nothing(
    nurseries: list[Nursery], server: Server, tmp_path: Path, how: str
) -> None:
    await postgres_schema.upgrade(server.url)
    await fill(server.url, image())
    spec = {"home": tmp_path, "policy": "keyed", "database": server.url, "slow_ms": 40}

    at_work = 2

    def live(number: int) -> None:
        nonlocal at_work
        end = nurseries[number].live(**spec, messages=10, place=f"{number}", limit_s=60)
        at_work -= 1
        assert end == {"signal": 0, "code": 0}, end

    def restart() -> None:
        until = time.monotonic() + 60
        while not {"1:0", "11:0"} <= {line["ext"] for line in written(tmp_path / "acks")}:
            assert time.monotonic() < until, "both have begun: a start is told of a database away"
            time.sleep(0.01)
        assert at_work, "nobody works while it is away"
        for again in (False, True):
            if again and not at_work:
                return  # all was done before its start had ended
            time.sleep(0.2)
            server.stop(how)
            time.sleep(0.3)
            server.start()

    work = [lambda: live(0), lambda: live(1), restart]
    await asyncio.to_thread(side_by_side, work)
    tally = Tally()
    await asyncio.to_thread(tally.add, tmp_path, "keyed", 0, server.url)
    assert tally.said == []
    assert tally.counts["acknowledged"] >= 20
