"""What a person hears before saying to do something again, and what their word is good for."""

import asyncio
from datetime import timedelta

import pytest

from tests.bot.test_effects import doing, fated
from tests.fakes.switchboard import Switchboard
from tests.fakes.vendor import WINDOW_S, Fate
from tests.sim.loop import virtual

SILENCE = "The service did not answer; it may or may not have done it."


async def asked(house: Switchboard):
    """The question that waits, after everybody was silent."""
    await house.live.line_of((await house.accept("do it")).event, 600)
    (question,) = await house.pending()
    return question


@virtual
async def test_within_the_window_of_its_key_it_is_the_same_one_and_the_card_says_until_when():
    fates = (Fate.SILENT, Fate.LOST, Fate.LOST, Fate.LOST)
    async with Switchboard(doing("keyed_auto"), vendor=fated(*fates)) as house:
        began = house.clock.now()
        question = await asked(house)
        until = began + timedelta(seconds=WINDOW_S)
        assert f"before {until:%Y-%m-%d %H:%M} UTC it is surely the same one" in question.card.why
        assert "later it may be there twice" in question.card.why
        await house.decide(question, "again")
        await house.settled(question)
        assert house.states() == [("keyed_auto", "sent")] and len(house.vendor.book) == 1


@virtual
async def test_once_the_vendor_may_have_forgotten_the_key_it_may_be_there_twice():
    fates = (Fate.SILENT, Fate.LOST, Fate.LOST, Fate.LOST)
    async with Switchboard(doing("keyed_auto"), vendor=fated(*fates)) as house:

        async def days_pass(_):
            house.move(days=2)
            return 0.0

        house.vendor.delay = days_pass
        question = await asked(house)
        assert "Done again, it may be there twice." in question.card.why


@virtual
@pytest.mark.parametrize("fate", [Fate.SILENT, Fate.LOST])
async def test_a_person_s_again_is_one_call_and_no_second_window(fate: Fate):
    fates = (*[Fate.LOST] * 4, fate)
    async with Switchboard(doing("keyed_auto"), vendor=fated(*fates)) as house:
        first = await asked(house)
        assert house.vendor.calls == 4
        house.move(days=3)
        await house.decide(first, "again")
        while not await house.pending():
            await asyncio.sleep(1)
        assert house.vendor.calls == 5
        (second,) = await house.pending()
        assert "Done again, it may be there twice." in second.card.why


@virtual
@pytest.mark.parametrize(
    ("name", "fates", "says"),
    [
        ("none_auto", [Fate.SILENT], "Done again, it may be there twice."),
        ("readback_auto", [Fate.BLIND], "Before it is done again, it is looked for once more."),
    ],
)
async def test_without_a_key_the_card_says_what_again_rests_on(
    name: str, fates: list[Fate], says: str
):
    async with Switchboard(doing(name), vendor=fated(*fates)) as house:
        assert says in (await asked(house)).card.why


@virtual
@pytest.mark.parametrize(
    ("name", "fates"),
    [
        ("keyed_auto", [Fate.SILENT, Fate.LOST, Fate.LOST, Fate.LOST]),
        ("readback_auto", [Fate.BLIND]),
        ("none_auto", [Fate.SILENT]),
    ],
)
async def test_what_the_service_said_is_told_by_the_question(name: str, fates: list[Fate]):
    async with Switchboard(doing(name), vendor=fated(*fates)) as house:
        assert (await asked(house)).card.why.startswith(SILENCE)
