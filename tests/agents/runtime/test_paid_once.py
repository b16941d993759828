"""What an answer costs when the first model fails: what the one that answered took, once."""

from bot.wiring.engine import Limits
from tests.agents.runtime.model_house import OTHER, House
from tests.agents.runtime.talk import MODEL
from tests.fakes.openai_server import Reply
from tests.fakes.switchboard import HOME, UNLIMITED, Switchboard

PRICES = {MODEL: (1.0, 2.0), OTHER: (3.0, 6.0)}


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


async def test_an_answer_that_broke_off_costs_nothing_that_is_held_back_for_ever(
    house: House,
) -> None:
    door = house.door(MODEL, OTHER, prices=PRICES)
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, tenant_day_micros=10_000_000)
    async with Switchboard(door, limits=limits) as board:  # type: ignore[arg-type]
        house.server.script.append(Reply(fault="cut", text="one two three four"))
        said = await board.ask("hello")
        assert "broke off" in said
        assert house.models() == ["gpt-4o-mini"], "nobody else answers, and nobody twice"
        assert not any(board.engine.budgets._day.reserved.values())
