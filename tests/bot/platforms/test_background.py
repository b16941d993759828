"""What is done once a platform has been answered: bounded, minded and ended."""

import asyncio
import logging

import pytest

from bot.core.errors import VendorRefused
from bot.platforms.background import Background
from bot.platforms.texting import OptedOut


async def test_it_is_done_and_whoever_added_it_waits_for_nothing() -> None:
    after, done = Background("Chat"), asyncio.Event()

    async def work() -> None:
        done.set()

    after.add(work())
    assert not done.is_set() and not after.is_idle
    await asyncio.wait_for(done.wait(), 5)
    await asyncio.sleep(0)
    assert after.is_idle


async def test_what_fails_is_logged_and_harms_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    after, done = Background("Chat"), asyncio.Event()

    async def refused() -> None:
        raise VendorRefused("Not here.")

    async def broken() -> None:
        raise ZeroDivisionError

    async def unwanted() -> None:
        raise OptedOut("+14155550101 has opted out.")

    async def well() -> None:
        done.set()

    with caplog.at_level(logging.WARNING):
        tasks = [after.add(work()) for work in (refused, broken, unwanted, well)]
        await asyncio.gather(*(task for task in tasks if task))
    assert done.is_set()
    assert [record.exc_info is not None for record in caplog.records] == [False, True]
    assert "5550101" not in caplog.text  # no failure, and no number in the log
    assert "Chat did not take what comes afterwards: Not here." in caplog.text


async def test_what_does_not_fit_is_dropped_with_a_word_and_never_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    after, begun = Background("Chat", most=2), list[int]()

    async def work(n: int) -> None:
        begun.append(n)
        await asyncio.Event().wait()

    found = [after.add(work(n)) for n in range(3)]
    await asyncio.sleep(0)
    assert begun == [0, 1] and found[2] is None
    assert "Too much is on its way to Chat" in caplog.text
    await after.end()
    assert after.is_idle
    assert after.add(work(3)) is not None, "it takes on work again after an end"
    await after.end()


async def test_an_end_waits_for_what_it_ends_and_closes_what_never_began() -> None:
    after, ended = Background("Chat"), list[str]()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("slow")

    async def never() -> None:
        ended.append("never")

    after.add(slow())
    await asyncio.sleep(0)
    after.add(never())
    after.add(never(), after_s=60)
    await after.end()
    assert ended == ["slow"] and after.is_idle
