"""What an answer costs when the first model fails: what the one that answered took, once."""

import asyncio

from bot.wiring.engine import Limits
from tests.agents.runtime.model_house import OTHER, House
from tests.agents.runtime.talk import MODEL
from tests.fakes.openai_server import Reply
from tests.fakes.switchboard import HOME, UNLIMITED, Switchboard

PRICES = {MODEL: (1.0, 2.0), OTHER: (3.0, 6.0)}
SPENT = "select model, tokens_in, tokens_out, micros from spend where tenant = ? order by id"


async def test_an_answer_that_a_second_model_gave_is_paid_once(house: House) -> None:
    door = house.door(MODEL, OTHER, prices=PRICES)
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, tenant_day_micros=10_000_000)
    async with Switchboard(door, limits=limits) as board:  # type: ignore[arg-type]
        house.server.script.append(Reply(status=500))
        assert await board.ask("hello") == "Hello from the stub."
        spent = board.disk.all("select model, micros from spend where tenant = ?", HOME)
        assert [model for model, _ in spent] == [OTHER]
        assert spent[0][1] > 0
        day = board.engine.budgets._day
        assert day.spent == {("tenant", HOME): spent[0][1]}
        assert not any(day.reserved.values())


async def test_an_answer_that_broke_off_is_counted_as_far_as_it_came(house: House) -> None:
    door = house.door(MODEL, OTHER, prices=PRICES)
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, tenant_day_micros=10_000_000)
    async with Switchboard(door, limits=limits) as board:  # type: ignore[arg-type]
        house.server.script.append(Reply(fault="cut", text="one two three four"))
        said = await board.ask("hello")
        assert "broke off" in said
        assert house.models() == ["gpt-4o-mini"], "nobody else answers, and nobody twice"
        ((model, tokens_in, tokens_out, micros),) = board.disk.all(SPENT, HOME)
        assert model == MODEL and tokens_in > 100 and 0 < tokens_out < 20
        assert micros == tokens_in * 1 + tokens_out * 2
        day = board.engine.budgets._day
        assert day.spent == {("tenant", HOME): micros}
        assert not any(day.reserved.values())


async def test_a_stopped_answer_and_the_calls_before_it_are_counted(house: House) -> None:
    door = house.door(MODEL, prices=PRICES)
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, tenant_day_micros=10_000_000)
    async with Switchboard(door, limits=limits) as board:  # type: ignore[arg-type]
        house.server.script.append(Reply(calls=[("note_read", "{}")]))
        house.server.script.append(Reply(text="one two three four", fault="stall"))
        got = await board.accept("hello")
        async with asyncio.timeout(30):
            while not any(board.live.drafts.values()):
                await asyncio.sleep(0.01)
        await board.accept("/stop")
        assert (await board.live.line_of(got.event))["text"] == "Stopped."
        whole, half = board.disk.all(SPENT, HOME)
        assert whole[1:3] == (120, 30) and half[1] > 100 and 0 < half[2] < 20
        day = board.engine.budgets._day
        assert day.spent == {("tenant", HOME): whole[3] + half[3]}
        assert not any(day.reserved.values())
