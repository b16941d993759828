"""Channels from outside: begun again when they break, told of, and without a say in who is who."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import bot.platforms.listening
import bot.wiring.lender
from bot.core.channel import Outbound, Receipt
from bot.core.errors import Conflict, ConnectionBroken, Invalid, NotFound, StoreError, VendorRefused
from bot.core.event import Event, Kind, Trust
from bot.core.ids import ConvId, TenantId
from bot.core.ports import Accepted
from bot.platforms.lent import Offer
from bot.platforms.listening import step
from bot.wiring import listeners as module
from bot.wiring.lender import Holding
from bot.wiring.listeners import Listeners
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


def ears_of(board: Switchboard, pigeon: Pigeon) -> Listeners:
    return Listeners([Offer(name=pigeon.name, make=lambda: pigeon)], HOME, board.clock)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are shortened: what they are is not tested here."""
    monkeypatch.setattr(bot.platforms.listening, "UP_AFTER_S", 0.05)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.2)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.2)


@pytest.mark.parametrize("error", [RuntimeError("gone"), asyncio.CancelledError()])
async def test_one_that_breaks_begins_again_and_the_owner_is_told_once(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")
        pigeon.breaks, pigeon.error = 3, error
        listeners = ears_of(board, pigeon)
        task = asyncio.ensure_future(
            listeners.run(board.engine.inbox.accept, board.engine.troubles)
        )
        async with asyncio.timeout(10):
            while not await board.engine.troubles.shown(HOME):
                await asyncio.sleep(0.005)
        await board.engine.troubles.look()
        await board.engine.troubles.look()
        await until(
            lambda: (
                listeners.states(HOME) == [{"name": "pigeon", "up": True, "detail": "listening"}]
            )
        )
        assert pigeon.runs == 4
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        said = await told(board.db, OLGA, HOME)
        assert ["Something needs you" in text for text in said] == [True, False]
        assert "The channel pigeon is down" in said[0] and "Works again" in said[1]
        assert await board.engine.troubles.shown(HOME) == []


class Leased(Pigeon):
    """One process alone listens to it."""

    async def run(self, sink: Any) -> None:
        await self.holding.hold(self.peers, self.name)
        await super().run(sink)

    holding: Holding
    peers: Any


class Others:
    """Another process has it, for as long as it is said."""

    many, free = 2, False

    async def take(self, name: str) -> bool:
        return self.free

    async def drop(self, name: str) -> None:
        self.free = True


async def test_one_that_another_process_listens_to_is_said_to_be_that_one_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.wiring.lender, "HOLD_S", 0.02)
    async with Switchboard() as board:
        pigeon, others, troubles = Leased(name="pigeon"), Others(), board.engine.troubles
        pigeon.holding, pigeon.peers = Holding(), others
        await troubles.channel_down(HOME, "pigeon")  # at the other one
        listeners = ears_of(board, pigeon)
        task = asyncio.ensure_future(listeners.run(board.engine.inbox.accept, troubles))
        there = {"name": "pigeon", "up": True, "detail": "another process listens"}
        await until(lambda: listeners.states(HOME) == [there])
        await asyncio.sleep(0.2)
        assert listeners.states(HOME) == [there]
        assert await troubles.shown(HOME), "who only waits does not say that it works again"
        others.free = True
        here = {**there, "detail": "listening"}
        await until(lambda: listeners.states(HOME) == [here])
        async with asyncio.timeout(10):
            while await troubles.shown(HOME):
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_ailed_a_channel_that_is_let_go_of_is_no_trouble_any_more() -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")
        pigeon.breaks = 1_000
        listeners = ears_of(board, pigeon)
        task = asyncio.ensure_future(
            listeners.run(board.engine.inbox.accept, board.engine.troubles)
        )
        async with asyncio.timeout(10):
            while not await board.engine.troubles.shown(HOME):
                await asyncio.sleep(0.005)
        await listeners.tidy(HOME)
        assert await board.engine.troubles.shown(HOME), "it is there, and still down"
        listeners.remove(HOME, "pigeon")
        await listeners.tidy(HOME)
        assert await board.engine.troubles.shown(HOME) == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_token_is_listened_with_for_one_tenant_alone() -> None:
    """Telegram gives a bot's updates to whoever set the webhook last, and to nobody else."""
    async with Switchboard() as board:
        mine, theirs, own = (Pigeon(name="pigeon") for _ in range(3))
        mine.sole, theirs.sole, own.sole = "one", "one", ""  # type: ignore[attr-defined]
        listeners = ears_of(board, mine)
        with pytest.raises(Conflict, match="in another part of this house") as refused:
            listeners.check_free(AWAY, theirs)
        assert HOME not in refused.value.message
        listeners.take(AWAY, Offer(name="pigeon", make=lambda: theirs))
        (state,) = listeners.states(AWAY)
        assert "another part" in str(state["detail"]) and listeners.of(AWAY, "pigeon") is None
        listeners.check_free(HOME, theirs)
        listeners.check_free(AWAY, own)
        listeners.remove(HOME, "pigeon")
        listeners.take(AWAY, Offer(name="pigeon", make=lambda: theirs))
        assert listeners.of(AWAY, "pigeon") is theirs


async def test_a_guest_s_channel_hears_for_its_own_tenant_alone() -> None:
    """Whatever account it names: only the first tenant's carries installed workspaces."""
    async with Switchboard() as board:
        listeners = Listeners([], HOME, board.clock, Rooms(**{"app:A1/T1": HOME}))
        theirs = Pigeon(name="pigeon")
        listeners.take(AWAY, Offer(name="pigeon", make=lambda: theirs))
        task = asyncio.ensure_future(
            listeners.run(board.engine.inbox.accept, board.engine.troubles)
        )
        await until(lambda: theirs.runs)
        assert theirs.sink is not None
        event = board.event("Hello", tenant=HOME, channel="web")
        await theirs.sink(replace(event, account="app:A1/T1"))
        rows = board.disk.all("select tenant, channel from inbox")
        assert rows == [(AWAY, "pigeon")]
        assert listeners.states(HOME) == []
        await until(lambda: listeners.states(AWAY)[0]["up"])
        listeners.remove(AWAY, "pigeon")
        assert listeners.states(AWAY) == [] and listeners.of(AWAY, "pigeon") is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_that_cannot_be_made_is_named_and_others_listen() -> None:
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")

        def broken() -> Pigeon:
            raise RuntimeError("no roof")

        offers = [
            Offer(name="raven", make=broken),
            Offer(name="pigeon", make=lambda: pigeon),
        ]
        listeners = Listeners(offers, HOME, board.clock)
        assert list(listeners.carriers.of(HOME)) == ["pigeon"]
        assert {"name": "raven", "up": False, "detail": "no roof"} in listeners.states(HOME)


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


@pytest.mark.parametrize("fate", ["slow", "broken"])
async def test_an_answer_that_does_not_go_out_holds_up_no_acknowledgement(fate: str) -> None:
    async with Switchboard() as board:
        pigeon, free = Pigeon(name="chat"), asyncio.Event()

        async def delay(_: str) -> float:
            if fate == "broken":
                raise ZeroDivisionError
            await free.wait()
            return 0.0

        pigeon.delay = delay
        sink = ears_of(board, pigeon).sink(pigeon, board.engine.inbox.accept)
        asked = board.event("/whoami", person=None, channel="chat", ext="U-Ana")
        async with asyncio.timeout(5):
            assert not (await sink(asked)).duplicate
            assert (await sink(asked)).duplicate
        assert pigeon.book == []
        free.set()
        if fate == "slow":
            await until(lambda: pigeon.book)
        await asyncio.sleep(0.05)
        assert len(pigeon.book) == (1 if fate == "slow" else 0)


class Own(Pigeon):
    """One of the house's own."""

    __module__ = "channels.pigeon"


async def test_owners_are_told_what_mends_a_platform_of_ours_and_no_word_of_a_package_s() -> None:
    error = ConnectionBroken("Install the app again.")
    async with Switchboard() as board:
        for channel in (Own(name="slack"), Pigeon(name="pigeon")):
            mend = step(channel, error)
            await board.engine.troubles.channel_down(HOME, channel.name, mend)
        told = {str(each["title"]): each for each in await board.engine.troubles.shown(HOME)}
    ours = told["The channel slack is down"]
    assert (ours["step"], ours["command"]) == (error.message, "bot connect slack")
    theirs = told["The channel pigeon is down"]
    assert "The log says why" in str(theirs["step"]) and theirs["command"] == "bot status"


class Forgetful:
    """Troubles that cannot be written down at first."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.left = error, times
        self.told: list[str] = []

    async def _tell(self, what: str) -> None:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        self.told.append(what)

    async def channel_up(self, tenant: TenantId, name: str) -> None:
        await self._tell("up")

    async def channel_down(self, tenant: TenantId, name: str, step: str = "") -> None:
        await self._tell("down")


@pytest.mark.parametrize(
    ("breaks", "error", "told"),
    [
        (0, StoreError("The disk is full."), ["up"]),
        (1, StoreError("The disk is full."), ["down", "up"]),
        (0, RuntimeError("a bug"), []),
    ],
    ids=["comes up", "breaks", "a bug"],
)
async def test_one_is_listened_to_once_whatever_becomes_of_what_is_written_about_it(
    breaks: int, error: Exception, told: list[str]
) -> None:
    async with Switchboard() as board:
        pigeon, listening = Pigeon(name="pigeon"), list[int]()
        pigeon.breaks = breaks
        plain = pigeon.run

        async def run(sink: Any) -> None:
            listening.append(1)
            try:
                await plain(sink)
            finally:
                listening.pop()

        pigeon.run = run  # type: ignore[method-assign]
        troubles: Any = Forgetful(error, 2 if told else 1)
        task = asyncio.ensure_future(
            ears_of(board, pigeon).run(board.engine.inbox.accept, troubles)
        )
        await until(lambda: troubles.told == told and troubles.left <= 0)
        await asyncio.sleep(0.3)
        assert (pigeon.runs, len(listening)) == (breaks + 1, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert listening == []


async def test_one_that_cannot_be_made_takes_the_place_of_what_was_let_go_of() -> None:
    """Another process changed its tokens, and this one cannot use the new ones."""
    async with Switchboard() as board:
        pigeon = Pigeon(name="pigeon")
        listeners = ears_of(board, pigeon)
        task = asyncio.ensure_future(
            listeners.run(board.engine.inbox.accept, board.engine.troubles)
        )
        await until(lambda: pigeon.runs)

        def broken() -> Pigeon:
            raise RuntimeError("no roof")

        listeners.take(HOME, Offer(name="pigeon", make=broken))
        assert listeners.of(HOME, "pigeon") is None
        assert listeners.states(HOME) == [{"name": "pigeon", "up": False, "detail": "no roof"}]
        listeners.take(HOME, Offer(name="pigeon", make=lambda: pigeon))
        await until(lambda: pigeon.runs == 2)
        assert [state["detail"] for state in listeners.states(HOME)] == ["starting"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_that_takes_the_place_of_another_listens_when_that_has_ended() -> None:
    async with Switchboard() as board:
        steps: list[str] = []

        class Slow(Pigeon):
            async def run(self, sink: Any) -> None:
                steps.append("begun")
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0.1)
                    steps.append("ended")

        listeners = ears_of(board, Slow(name="pigeon"))
        task = asyncio.ensure_future(
            listeners.run(board.engine.inbox.accept, board.engine.troubles)
        )
        await until(lambda: steps)
        listeners.put(HOME, Slow(name="pigeon"))
        listeners.put(HOME, Slow(name="pigeon"))
        await until(lambda: len(steps) > 2)
        assert steps == ["begun", "ended", "begun"]
        listeners.remove(HOME, "pigeon")
        await until(lambda: steps[-1] == "ended")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Rooms:
    """Where the pigeon's app is installed."""

    def __init__(self, **whose: TenantId) -> None:
        self.whose = whose

    @property
    def installing(self) -> "Rooms":
        return self

    async def tenant_of(self, channel: str, account: str) -> TenantId | None:
        if not account.startswith("app:"):
            return None
        if account not in self.whose:
            raise NotFound("This workspace is not connected any more.")
        return self.whose[account]


@pytest.mark.parametrize(
    ("account", "whose"),
    [("", HOME), ("T1", HOME), ("app:A1/T1", AWAY), ("app:A1/T2", None)],
    ids=["none", "of the settings", "installed elsewhere", "installed nowhere"],
)
async def test_whose_an_event_is_is_told_by_the_install_and_never_by_the_event(
    account: str, whose: TenantId | None
) -> None:
    async with Switchboard() as board:
        pigeon, heard = Pigeon(), list[Event]()
        offers = [Offer(name=pigeon.name, make=lambda: pigeon)]
        listeners = Listeners(offers, HOME, board.clock, Rooms(**{"app:A1/T1": AWAY}))

        async def accept(event: Event) -> Accepted:
            heard.append(event)
            return Accepted(event=event.id, conv=ConvId("cnv_1"))

        for claimed in (HOME, AWAY):
            event = replace(board.event("Hello", tenant=claimed), account=account)
            event = replace(event, sender=replace(event.sender, person=None))
            if whose is None:
                with pytest.raises(NotFound):
                    await listeners.sink(pigeon, accept)(event)
            else:
                await listeners.sink(pigeon, accept)(event)
        assert {event.tenant for event in heard} == ({whose} if whose else set())
