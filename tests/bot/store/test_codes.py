"""A code that is drawn is one question's alone, whichever process of a database draws it."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.approval import ApprovalKind
from bot.core.errors import BotError
from bot.core.ids import ApprovalId, EventId
from bot.store import approvals, codes, postgres_schema
from bot.store.postgres import PostgresDatabase
from bot.store.script import Script, restartable
from tests.bot.test_approvals import asking
from tests.fakes.database import Disk
from tests.fakes.switchboard import AWAY, HOME, Switchboard, image
from tests.postgres import fill, own_database
from tests.sim.loop import virtual

DAY = codes.HELD_US


def test_a_code_is_held_for_one_turn_for_a_day_and_within_its_tenant() -> None:
    disk = Disk(image())
    assert disk.now(approvals.draw(HOME, "4821", "evt_1", 1))
    assert disk.now(approvals.draw(HOME, "4821", "evt_1", 2))
    assert not disk.now(approvals.draw(HOME, "4821", "evt_2", DAY))
    assert disk.now(approvals.draw(AWAY, "4821", "evt_3", 1))
    assert disk.now(approvals.draw(HOME, "4821", "evt_2", DAY + 2))
    assert disk.all("select tenant, holder from code_drawn order by tenant, holder") == sorted(
        [(HOME, "evt_2"), (AWAY, "evt_3")]
    )


@virtual
async def test_nobody_opens_a_question_under_a_code_that_another_may_have_shown() -> None:
    async with Switchboard(asking("none_ask")) as house:
        await house.ask("do it")
        (first,) = await house.pending()
        later = replace(first, id=ApprovalId("apr_later"), turn=EventId("evt_later"), code="1111")
        assert house.disk.now(approvals.draw(HOME, "1111", "evt_later", house.now_us))
        for wrong in (
            replace(later, turn=EventId("evt_x")),
            replace(later, kind=ApprovalKind.DOUBT),
            replace(later, code=first.code),
        ):
            with pytest.raises(approvals.CodeTaken):
                house.disk.now(approvals.open_(wrong))
        house.disk.now(approvals.open_(later))
        assert not house.disk.now(approvals.draw(HOME, first.code, "evt_y", house.now_us))


@restartable
def _doubt(code: str, id_: str) -> Script[bool]:
    """What a question of doubt does with its code."""
    return (yield from approvals.draw(HOME, code, id_, 5))


async def test_of_two_processes_on_postgresql_one_draws_a_code_and_the_other_does_not() -> None:
    async with own_database() as url:
        await postgres_schema.upgrade(url)
        await fill(url, image())
        houses = [PostgresDatabase(url) for _ in range(2)]
        for house in houses:
            await house.open()
        try:
            for code in ("4821", "4822", "4823", "4824", "4825"):
                drawn = await asyncio.gather(
                    *(house.write(_doubt(code, f"apr_{n}")) for n, house in enumerate(houses)),
                    return_exceptions=True,
                )
                assert not any(isinstance(each, BotError) for each in drawn), drawn
                assert sorted(drawn) == [False, True], (code, drawn)
        finally:
            for house in houses:
                await house.close()
