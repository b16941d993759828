"""Codes where a sender can be forged: few guesses, no money, and no yes said before it is stored."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.errors import StoreError
from bot.core.event import Trust
from bot.platforms.lent import Offer
from bot.wiring.listeners import Listeners
from tests.bot.test_controls import asking, code_of
from tests.fakes.channel import FakeChannel
from tests.fakes.database import Calm
from tests.fakes.switchboard import ANA, BEN, HOME, Switchboard
from tests.sim.loop import virtual


def other_than(code: str, n: int) -> str:
    return f"{(int(code) + n) % 9000 + 1000}"


@virtual
async def test_after_five_wrong_codes_the_right_one_decides_nothing_any_more():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        for n in range(1, 6):
            await house.ask(f"OK {other_than(code, n)}")
        got = await house.accept(f"OK {code}")
        assert "Too many wrong codes" in got.reply
        assert len(await house.pending()) == 1 and house.vendor.book == []


@virtual
async def test_four_wrong_codes_words_that_look_like_one_and_a_repeat_leave_it_alive():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        wrong = house.event(f"OK {other_than(code, 1)}")
        for n in range(3):
            await house.engine.inbox.accept(replace(wrong, id=wrong.id))
        for n in range(2, 5):
            await house.ask(f"NO {other_than(code, n)}")
        for n in range(5):
            await house.ask(f"No {2020 + n} report yet")
        assert (await house.accept(f"OK {code}")).reply.startswith("Approved by Ana")


@virtual
async def test_the_guesses_of_one_are_not_those_of_another_and_are_forgotten_with_the_question():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        for n in range(1, 7):
            await house.ask(f"OK {other_than(code, n)}", person=BEN)
        assert (await house.accept(f"OK {code}")).reply.startswith("Approved by Ana")
        for n in range(1, 7):
            await house.ask(f"OK {other_than(code, n)}")
        await asyncio.sleep(1)
        fresh = await code_of(house)
        assert (await house.accept(f"OK {fresh}")).reply.startswith("Approved by Ana")


@virtual
@pytest.mark.parametrize("words", ["OK {}", "EDIT {} other words", "/approve {}"])
async def test_money_is_not_approved_by_whoever_could_be_forged(words):
    async with Switchboard(asking("pay")) as house:
        code = await code_of(house)
        got = await house.accept(words.format(code), payload={"forgeable": True})
        assert "Money is not approved this way" in got.reply
        assert len(await house.pending()) == 1 and house.vendor.book == []
        assert (await house.accept(f"OK {code}")).reply.startswith("Approved by Ana")


@virtual
async def test_money_may_be_refused_there_and_other_deeds_approved():
    async with Switchboard(asking("pay")) as house:
        code = await code_of(house)
        got = await house.accept(f"NO {code}", payload={"forgeable": True})
        assert got.reply.startswith("Rejected by Ana")
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        got = await house.accept(f"OK {code}", payload={"forgeable": True})
        assert got.reply.startswith("Approved by Ana")


class Fails(Calm):
    """A disk that is full when it is told so."""

    is_full = False

    def commit(self) -> str:
        return "refused" if self.is_full else "ok"


@virtual
async def test_a_yes_that_could_not_be_stored_is_not_answered():
    disk, pigeon = Fails(), FakeChannel()
    async with Switchboard(asking("none_ask"), weather=disk) as house:
        code = await code_of(house)
        listeners = Listeners([Offer(name="chat", make=lambda: pigeon)], HOME, house.clock)
        take = listeners.sink(pigeon, house.engine.hear)
        event = house.event(f"OK {code}", channel="chat", ext="U1")
        house.engine.directory.identify = _ana(house)  # type: ignore[method-assign]
        disk.is_full = True
        with pytest.raises(StoreError):
            await take(event)
        assert pigeon.book == []
        disk.is_full = False
        assert (await take(replace(event, ext_id="again"))).reply.startswith("Approved by Ana")
        assert [shown.text for shown in pigeon.book][0].startswith("Approved by Ana")


def _ana(house: Switchboard):
    async def identify(*who: str):
        return await house.engine.directory.get(HOME, ANA)

    return identify


@virtual
async def test_what_its_channel_says_to_leave_alone_ends_ignored_with_that_reason():
    async with Switchboard(asking()) as house:
        got = await house.accept("why?", payload={"ignore": "opted out"})
        await house.live.line_of(got.event)
        assert house.disk.all("select ending, detail from inbox where id = ?", got.event) == [
            ("ignored", "opted out")
        ]


def misplaced(*codes: str) -> dict[str, dict[str, object]]:
    return {"misplaced": {"codes": list(codes), "say": "It stands below."}}


@virtual
async def test_a_code_that_stands_where_it_decides_nothing_is_answered_so():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        told = misplaced(other_than(code, 1), code)
        got = await house.accept("(an empty mail)", payload=told)
        assert got.reply == "It stands below."
        assert len(await house.pending()) == 1 and house.vendor.book == []
        rows = "select ending, detail from inbox where id = ?"
        assert house.disk.all(rows, got.event) == [("decided", "refused")]


@virtual
async def test_with_other_codes_of_others_or_from_nobody_they_are_ordinary_words():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        wrong, right = misplaced(other_than(code, 1)), misplaced(code)
        assert "No 2026 yet" in await house.ask("No 2026 yet", payload=wrong)
        assert "I am Ben" in await house.ask("I am Ben", person=BEN, payload=right)
        outside = house.event("Not proved", payload=right)
        got = await house.engine.inbox.accept(replace(outside, trust=Trust.OUTSIDE))
        assert got.reply == ""
        # What stands above decides, whatever stands below.
        got = await house.accept(f"OK {code}", payload=right)
        assert got.reply.startswith("Approved by Ana")
