"""Channels from outside: begun again when they break, told of, and without a say in who is who."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot import ears as module
from bot.core.channel import Outbound, Receipt
from bot.core.errors import Invalid, VendorRefused
from bot.core.event import Event, Kind, Trust
from bot.ears import Ears
from bot.extensions import Extension, Lent
from tests.bot.test_troubles import told
from tests.fakes.channel import FakeChannel
from tests.fakes.switchboard import AWAY, HOME, OLGA, Switchboard


class Pigeon(FakeChannel):
    """A channel that does as it is told."""

    runs = 0
    refuses = False

    async def run(self, sink: Any) -> None:
        self.runs += 1
        self.sink = sink
        if self.runs <= self.breaks:
            raise self.error
        await asyncio.Event().wait()

    breaks = 0
    error: BaseException = RuntimeError("the roof is gone")

    async def send(self, message: Outbound) -> Receipt:
        if self.refuses:
            raise VendorRefused
        return await super().send(message)


def ears_of(board: Switchboard, pigeon: Pigeon) -> Ears:
    def make(lent: Lent) -> Pigeon:
        return pigeon

    return Ears([Extension(name="p", makes={pigeon.name: make})], HOME, board.clock)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are shortened: what they are is not tested here."""
    monkeypatch.setattr(module, "UP_AFTER_S", 0.05)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.2)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.2)


@pytest.mark.parametrize("error", [RuntimeError("gone"), asyncio.CancelledError()])
async def test_one_that_breaks_begins_again_and_the_owner_is_told_once(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")
        pigeon.breaks, pigeon.error = 3, error
        ears = ears_of(board, pigeon)
        task = asyncio.ensure_future(ears.run(board.engine.inbox.accept, board.engine.troubles))
        async with asyncio.timeout(10):
            while not await board.engine.troubles.shown(HOME):
                await asyncio.sleep(0.005)
        await board.engine.troubles.look()
        await board.engine.troubles.look()
        await until(
            lambda: ears.states() == [{"name": "pigeon", "up": True, "detail": "listening"}]
        )
        assert pigeon.runs == 4
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        said = await told(board.db, OLGA, HOME)
        assert ["Something needs you" in text for text in said] == [True, False]
        assert "The channel pigeon is down" in said[0] and "Works again" in said[1]
        assert await board.engine.troubles.shown(HOME) == []


async def test_one_that_cannot_be_made_is_named_and_others_listen() -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")

        def broken(lent: Lent) -> Pigeon:
            raise RuntimeError("no roof")

        makes = {"raven": broken, "pigeon": lambda lent: pigeon}
        ears = Ears([Extension(name="p", makes=makes)], HOME, board.clock)
        assert list(ears.channels) == ["pigeon"]
        assert {"name": "raven", "up": False, "detail": "no roof"} in ears.states()


async def test_who_it_was_and_whose_is_not_the_channels_to_say() -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")
        heard: list[Event] = []

        async def accept(event: Event) -> Any:
            heard.append(event)
            return await board.engine.inbox.accept(event)

        sink = ears_of(board, pigeon).sink(pigeon, accept)
        forged = board.event("Hello", tenant=AWAY, person=OLGA, channel="web")
        await sink(forged)
        (event,) = heard
        assert (event.tenant, event.channel, event.sender.person) == (HOME, "pigeon", None)
        assert str(event.conv).startswith("pigeon:")
        for wrong in (
            replace(forged, kind=Kind.TICK),
            replace(forged, kind=Kind.SETTLED),
            replace(forged, trust=Trust.HOUSE),
            replace(forged, text="x" * 200_001),
            replace(forged, ext_id=""),
            replace(forged, ext_id="x" * 501),
        ):
            with pytest.raises(Invalid):
                await sink(wrong)
        assert len(heard) == 1


async def test_a_command_is_answered_there_once_and_a_refusal_harms_nobody() -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="chat")  # known to the house as the place of U-Ana
        sink = ears_of(board, pigeon).sink(pigeon, board.engine.inbox.accept)
        asked = board.event("/whoami", person=None, channel="chat", ext="U-Ana")
        for _ in range(2):
            await sink(asked)
        assert ["You are **Ana** (member) here."] == [shown.text for shown in pigeon.book]
        pigeon.refuses = True
        await sink(board.event("/whoami", person=None, channel="chat", ext="U-Ana"))
