"""Two questions that would have the same code: both are asked, and each code decides its own."""

import asyncio
import random
from dataclasses import replace

import pytest

from bot.core.approval import Approval
from bot.core.effect import Policy
from bot.core.ids import ApprovalId
from bot.store.approvals import open_
from tests.bot.test_approvals import asking
from tests.bot.test_replies import ON_CHAT, channel
from tests.fakes.database import Calm, Disk
from tests.fakes.switchboard import Switchboard, image
from tests.sim.loop import virtual


class Slow(Calm):
    """A disk that lets both turns look for the code before either has written it."""

    def delay_s(self) -> float:
        return 0.01


def draw_alike(house: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both turns draw the same code first: a seed that does so would be one in nine thousand."""
    chance, left = house.clock.chance, [6, 6]
    monkeypatch.setattr(
        house.clock,
        "chance",
        lambda size: bytes(left.pop()) if size == 6 and left else chance(size),
    )


async def both_ask(house: Switchboard, **changes: object) -> list[str]:
    """Two turns that choose at once; what they say in the end."""
    async with asyncio.timeout(60):
        return await asyncio.gather(
            *(house.ask("do it", thread=thread, **changes) for thread in ("one", "two"))
        )


def thoughts(house: Switchboard) -> int:
    """How often the model was asked, as it was paid for."""
    return len(house.disk.all("select turn from spend"))


@virtual
async def test_two_that_draw_the_same_code_at_once_are_both_asked(monkeypatch):
    async with Switchboard(asking("none_ask"), weather=Slow()) as house:
        draw_alike(house, monkeypatch)
        said = await both_ask(house)
        questions = await house.pending()
        assert len({question.code for question in questions}) == 2
        assert {q.code for q in questions} == {text.partition("(code ")[2][:4] for text in said}
        for question in questions:
            await house.decide(question, "approve")
            await house.settled(question)
        assert len(house.vendor.book) == 2


@virtual
async def test_a_code_that_was_taken_before_the_end_of_the_turn_is_drawn_anew(monkeypatch):
    async with Switchboard(asking("none_ask"), weather=Slow()) as house:
        await house.ask("do it", thread="one")
        (first,) = await house.pending()
        chance = house.clock.chance

        def drawn(size: int) -> bytes:
            """Another process takes what is drawn, after it was looked for and found free."""
            if size == 6:
                monkeypatch.setattr(house.clock, "chance", chance)
                same = replace(first, id=ApprovalId("apr_other"), code="1000")
                asyncio.get_running_loop().call_later(0.015, older, same)
            return bytes(size) if size == 6 else chance(size)

        def older(same: Approval) -> None:
            """An older program knows nothing of what is drawn."""
            house.disk.conn.execute("delete from code_drawn")
            house.disk.now(open_(same))

        monkeypatch.setattr(house.clock, "chance", drawn)
        said = await house.ask("do it", thread="two")
        codes = {question.id: question.code for question in await house.pending()}
        assert codes["apr_other"] == "1000"
        assert len(set(codes.values())) == 3
        assert said.partition("(code ")[2][:4] in set(codes.values()) - {"1000", first.code}
        assert thoughts(house) == 2  # nothing was thought again for a number


@virtual
async def test_on_a_platform_nobody_is_shown_the_code_of_another_question(monkeypatch):
    outside = channel(Policy.KEYED)
    async with Switchboard(asking("none_ask"), channels={"chat": outside}, weather=Slow()) as house:
        draw_alike(house, monkeypatch)
        await both_ask(house, **ON_CHAT)
        codes = [question.code for question in await house.pending()]
        assert len(set(codes)) == 2
        for code in codes:
            assert sum(f"(code {code})" in shown.text for shown in outside.book) == 1
        assert len(outside.book) == 2


@virtual
async def test_of_two_processes_on_one_database_neither_shows_the_code_of_the_other(monkeypatch):
    disk, outside = Disk(image()), channel(Policy.KEYED)
    one = Switchboard(asking("none_ask"), channels={"chat": outside}, weather=Slow(), disk=disk)
    two = Switchboard(asking("none_ask"), channels={"chat": outside}, weather=Slow(), disk=disk)
    async with one, two:
        for n, house in enumerate((one, two)):
            house.clock._random = random.Random(n)  # each process draws for itself
            draw_alike(house, monkeypatch)
        async with asyncio.timeout(60):
            said = await asyncio.gather(
                *(
                    house.ask("do it", thread=thread, **ON_CHAT)
                    for house, thread in ((one, "one"), (two, "two"))
                )
            )
        codes = {text.partition("(code ")[2][:4] for text in said}
        assert codes == {question.code for question in await one.pending()} and len(codes) == 2
        assert len(outside.book) == 2
