"""Money for thinking: held before a call, counted after it, and stopped at the limit."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.budgets import Budgets
from bot.core.conversation import Claim, Conversation, Spend
from bot.core.errors import BudgetReached, OperatorError
from bot.core.ids import AgentName, ConvId, EventId
from bot.core.model import Usage
from bot.core.times import to_us
from bot.store import spends
from bot.wiring.engine import Limits
from tests.fakes.clock import StillClock
from tests.fakes.database import InlineDatabase
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import ANA, AWAY, BEN, HOME, OLGA, UNLIMITED, Switchboard
from tests.sim.loop import virtual

CENT = 10_000
"""In millionths of a dollar."""


def budgets(tenant: int | None = None, person: int | None = None, clock=None) -> Budgets:
    return Budgets(InlineDatabase(), clock or StillClock(), tenant, person)


def most(micros: int | None) -> Usage:
    return Usage(micros=micros)


@virtual
async def test_without_a_budget_nothing_is_counted():
    made = budgets()
    assert not made.limited
    assert await made.reserve(HOME, ANA, most(None)) is None


@virtual
async def test_what_is_held_counts_as_spent_until_it_is_settled():
    made = budgets(tenant=10 * CENT)
    hold = await made.reserve(HOME, ANA, most(6 * CENT))
    with pytest.raises(BudgetReached, match=r"0\.06 of 0\.10 USD"):
        await made.reserve(HOME, BEN, most(6 * CENT))
    made.settle(hold, Usage(micros=1 * CENT))
    assert await made.reserve(HOME, BEN, most(6 * CENT))


@virtual
async def test_a_call_that_failed_gives_all_of_it_back():
    made = budgets(tenant=10 * CENT)
    made.settle(await made.reserve(HOME, ANA, most(10 * CENT)), None)
    assert await made.reserve(HOME, ANA, most(10 * CENT))


@virtual
async def test_a_person_and_a_workspace_have_each_their_own():
    made = budgets(tenant=100 * CENT, person=10 * CENT)
    made.settle(await made.reserve(HOME, ANA, most(10 * CENT)), Usage(micros=10 * CENT))
    with pytest.raises(BudgetReached, match="budget of you"):
        await made.reserve(HOME, ANA, most(1))
    assert await made.reserve(HOME, BEN, most(10 * CENT))
    assert await made.reserve(AWAY, ANA, most(10 * CENT))


@virtual
async def test_a_refused_hold_holds_nothing_of_the_other_budget():
    made = budgets(tenant=20 * CENT, person=10 * CENT)
    for _ in range(5):
        with pytest.raises(BudgetReached):
            await made.reserve(HOME, ANA, most(11 * CENT))
    assert await made.reserve(HOME, BEN, most(10 * CENT))
    assert await made.reserve(HOME, ANA, most(10 * CENT))


@pytest.mark.parametrize(("tenant", "person"), [(10, 10), (10, 5000), (5000, 10)])
@virtual
async def test_many_calls_at_once_spend_no_more_than_the_limit(tenant: int, person: int):
    made = budgets(tenant=tenant * CENT, person=person * CENT)
    answers = await asyncio.gather(
        *(made.reserve(HOME, ANA, most(CENT)) for _ in range(1000)), return_exceptions=True
    )
    assert sum(not isinstance(answer, Exception) for answer in answers) == 10
    assert sum(isinstance(answer, BudgetReached) for answer in answers) == 990


@virtual
async def test_a_model_whose_price_nobody_knows_is_refused_where_a_budget_is_set():
    with pytest.raises(OperatorError, match=r"\[models\.price\]"):
        await budgets(tenant=CENT).reserve(HOME, ANA, most(None))


@virtual
async def test_a_new_day_begins_anew():
    clock = StillClock()
    made = budgets(tenant=CENT, clock=clock)
    made.settle(await made.reserve(HOME, ANA, most(CENT)), Usage(micros=CENT))
    with pytest.raises(BudgetReached):
        await made.reserve(HOME, ANA, most(CENT))
    clock.move(days=1)
    assert await made.reserve(HOME, ANA, most(CENT))


def thrifty(**limits: int) -> Limits:
    return Limits(sender=UNLIMITED, tenant=UNLIMITED, **limits)


@virtual
async def test_what_turns_cost_is_counted_over_a_restart():
    model = ScriptedModel(lambda request: say("Hello.", micros=6 * CENT), most(6 * CENT))
    house = Switchboard(model, limits=thrifty(tenant_day_micros=10 * CENT))
    async with house:
        assert await house.ask("hello") == "Hello."
    async with Switchboard(
        model, limits=thrifty(tenant_day_micros=10 * CENT), disk=house.disk
    ) as again:
        assert "is used up: 0.06 of 0.10 USD" in await again.ask("hello")
    assert len(model.asked) == 1


@virtual
async def test_at_the_limit_an_owner_is_asked_and_a_yes_lets_it_go_on():
    model = ScriptedModel(lambda request: say("Hello.", micros=6 * CENT), most(6 * CENT))
    async with Switchboard(model, limits=thrifty(tenant_day_micros=10 * CENT)) as house:
        await house.ask("hello")
        said = await house.ask("hello")
        assert "An owner can allow more" in said
        (question,) = await house.pending()
        assert question.kind == "budget"
        with pytest.raises(Exception, match="You may not decide this"):
            await house.decide(question, "approve", ANA)
        await house.decide(question, "approve", OLGA)
        assert await house.ask("hello") == "Hello."
        assert house.disk.all("select micros from allowance") == [(10 * CENT,)]


@virtual
async def test_a_no_leaves_the_limit_where_it_is():
    model = ScriptedModel(lambda request: say("Hello.", micros=6 * CENT), most(6 * CENT))
    async with Switchboard(model, limits=thrifty(tenant_day_micros=10 * CENT)) as house:
        await house.ask("hello")
        await house.ask("hello")
        (question,) = await house.pending()
        await house.decide(question, "reject", OLGA)
        await asyncio.sleep(10)
        assert await house.pending() == []
        assert "is used up" in await house.ask("hello")
        assert len(model.asked) == 1


@virtual
async def test_a_flood_at_the_limit_asks_once_and_not_for_every_message():
    model = ScriptedModel(lambda request: say("Hello.", micros=6 * CENT), most(6 * CENT))
    async with Switchboard(model, limits=thrifty(tenant_day_micros=6 * CENT)) as house:
        await house.ask("hello")
        for n in range(30):
            assert "is used up" in await house.ask("hello", thread=f"t{n}")
        assert len(await house.pending()) == 1


@virtual
async def test_sums_are_one_tenant_s_own():
    db = InlineDatabase()
    for tenant, micros in ((HOME, 5), (AWAY, 7)):
        claim = _claim(tenant)
        await db.write(spends.settle(claim, _spend(micros), 0, "bri", 10))
    assert (await db.read(spends.total(HOME, "*", 0))).micros == 5
    assert (await db.read(spends.total(HOME, ANA, 0))).micros == 5
    assert (await db.read(spends.total(HOME, BEN, 0))).micros == 0
    assert (await db.read(spends.total(HOME, "*", 11))).micros == 0


@virtual
async def test_what_another_process_spent_counts_a_moment_later():
    db, clock = InlineDatabase(), StillClock()
    made = Budgets(db, clock, 10 * CENT, None, fresh_s=5.0)
    assert await made.reserve(HOME, ANA, most(CENT))
    await db.write(spends.settle(_claim(HOME), _spend(9 * CENT), 0, "bri", to_us(clock.now())))
    assert await made.reserve(HOME, ANA, most(CENT)), "read a moment ago"
    clock.at += timedelta(seconds=6)
    with pytest.raises(BudgetReached):
        await made.reserve(HOME, ANA, most(CENT))


@virtual
async def test_when_little_is_left_what_another_process_spent_counts_at_once():
    db, clock = InlineDatabase(), StillClock()
    made = Budgets(db, clock, 10 * CENT, None, fresh_s=5.0)
    made.settle(await made.reserve(HOME, ANA, most(8 * CENT)), most(8 * CENT))
    await db.write(spends.settle(_claim(HOME), _spend(9 * CENT), 0, "bri", to_us(clock.now())))
    clock.at += timedelta(seconds=0.2)
    with pytest.raises(BudgetReached):
        await made.reserve(HOME, ANA, most(2 * CENT))


@virtual
async def test_what_an_open_turn_spent_is_not_forgotten_when_the_sums_are_read_again():
    db, clock = InlineDatabase(), StillClock()
    made = Budgets(db, clock, 10 * CENT, None, fresh_s=5.0)
    made.settle(await made.reserve(HOME, ANA, most(9 * CENT)), most(9 * CENT))  # no row of it yet
    clock.at += timedelta(seconds=6)
    with pytest.raises(BudgetReached):
        await made.reserve(HOME, ANA, most(2 * CENT))


def _spend(micros: int):
    return Spend(model="m", usage=Usage(tokens_in=1, tokens_out=1, micros=micros))


def _claim(tenant):
    event = Switchboard().event("x")
    event = replace(event, id=EventId(f"evt_{tenant}"), tenant=tenant)
    conv = Conversation(
        id=ConvId(f"cnv_{tenant}"), tenant=tenant, key=event.conv, session=1, channel="web",
        account="", place="", thread="", person=ANA, agent=AgentName("bri"), title="",
        tainted=False, epoch=1,
    )  # fmt: skip
    return Claim(event=event, seq=1, conv=conv, attempt=0, history=(), journal={})
