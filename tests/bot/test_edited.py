"""An edit is judged like a proposal: who must say yes follows what would be done now."""

from typing import Any

import pytest
from pydantic import BaseModel

from bot.core.approval import Approval
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import Conflict, Forbidden, Invalid
from bot.core.tool import Risk, Tool, ToolContext
from bot.store.policies import Rule
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, BEN, OLGA, OTTO, Switchboard, Team, agent
from tests.sim.loop import virtual

LARGE = Rule(id="large", tool="refund", above_minor=10_000, needs=2)


class Refund(BaseModel):
    amount_minor: int


class Till:
    """Pays back, and keeps what it paid."""

    def __init__(self) -> None:
        self.paid: list[int] = []

    @property
    def tools(self) -> dict[str, Tool]:
        async def perform(ctx: ToolContext, args: Refund) -> Outcome:
            """Pay back. Example: {"amount_minor": 500}"""
            self.paid.append(args.amount_minor)
            return Outcome(state=EffectState.SENT, vendor_ref="ref")

        return {
            "refund": Tool(
                name="refund",
                arguments=Refund,
                perform=perform,
                risk=Risk.MONEY,
                policy=Policy.KEYED,
                window_s=60,
            )
        }


def refunding(*amounts: int) -> ScriptedModel:
    def think(request: Any) -> Any:
        told = last_words(request)
        if told.startswith("[outcome]"):
            return say(told)
        return call(*(("refund", {"amount_minor": amount}) for amount in amounts))

    return ScriptedModel(think)


async def asked(house: Switchboard, *rules: Rule) -> tuple[Approval, list[str]]:
    """A question that waits under these rules, and its deeds."""
    for rule in rules:
        await house.put_rule(rule)
    await house.ask("do it")
    (question,) = await house.pending()
    return question, [row[0] for row in house.disk.all("select id from effect order by n")]


def house_of(till: Till, *amounts: int) -> Switchboard:
    bri = agent("bri", tools=("refund",), policy={})
    return Switchboard(refunding(*amounts), tools=till.tools, team=Team({"bri": bri}))


@virtual
async def test_an_amount_raised_above_a_limit_needs_all_whom_the_limit_asks_for():
    till = Till()
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, LARGE)
        assert question.needs == 1
        raised = {effect: {"amount_minor": 50_000}}
        edited = await house.decide(question, "edit", OLGA, arguments=raised)
        assert (edited.state.value, edited.needs, edited.version) == ("pending", 2, 2)
        (waiting,) = await house.pending()
        assert (waiting.needs, waiting.version) == (2, 2), "also after a restart"
        assert (await house.decide(waiting, "approve", OLGA)).state.value == "pending"
        assert till.paid == []
        done = await house.decide(waiting, "approve", OTTO)
        assert done.state.value == "approved"
        await house.settled(question)
        assert till.paid == [50_000]


@virtual
async def test_an_edit_to_what_fewer_can_decide_than_must_is_refused_and_nothing_changes():
    till = Till()
    four = Rule(id="four", tool="refund", above_minor=10_000, needs=4)
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, four)
        with pytest.raises(Invalid, match="4 must say yes to that, and only 3 can"):
            await house.decide(question, "edit", OLGA, arguments={effect: {"amount_minor": 10_000}})
        (waiting,) = await house.pending()
        assert (waiting.needs, waiting.version) == (1, 1)


@virtual
async def test_an_amount_within_the_limit_is_edited_and_approved_in_one_step():
    till = Till()
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, LARGE)
        edited = await house.decide(
            question, "edit", OLGA, arguments={effect: {"amount_minor": 9_999}}
        )
        assert (edited.state.value, edited.needs) == ("approved", 1)
        await house.settled(question)
        assert till.paid == [9_999]


@virtual
async def test_whom_the_rule_for_the_edited_amount_names_decides_and_nobody_else():
    till = Till()
    named = Rule(id="n", tool="refund", above_minor=10_000, approvers=(OTTO,))
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, named)
        edited = await house.decide(
            question, "edit", ANA, arguments={effect: {"amount_minor": 20_000}}
        )
        assert (edited.state.value, edited.approvers) == ("pending", (OTTO,))
        assert edited.card.approvers == ("Otto",)
        for other in (ANA, OLGA, BEN):
            with pytest.raises(Forbidden, match="Otto"):
                await house.decide(edited, "approve", other)
        assert (await house.decide(edited, "approve", OTTO)).state.value == "approved"
        await house.settled(question)
        assert till.paid == [20_000]


@virtual
async def test_an_edit_lowers_neither_how_many_nor_who():
    till = Till()
    async with house_of(till, 50_000) as house:
        question, (effect,) = await asked(house, LARGE)
        assert question.needs == 2
        edited = await house.decide(question, "edit", OLGA, arguments={effect: {"amount_minor": 5}})
        assert (edited.state.value, edited.needs) == ("pending", 2)
        assert till.paid == []


@virtual
async def test_an_edit_to_what_policy_refuses_is_told_and_the_question_stays_as_it_is():
    till = Till()
    never = Rule(id="d", tool="refund", decision="deny", above_minor=10_000)
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, never)
        with pytest.raises(Invalid, match="policy"):
            await house.decide(question, "edit", OLGA, arguments={effect: {"amount_minor": 10_000}})
        (waiting,) = await house.pending()
        assert (waiting.version, waiting.hash) == (1, question.hash)
        assert (await house.decide(waiting, "approve", OLGA)).state.value == "approved"


@virtual
async def test_of_several_deeds_one_raised_asks_for_those_who_decide_about_all():
    till = Till()
    small = Rule(id="s", tool="refund", approvers=(OLGA, BEN))
    large = Rule(id="l", tool="refund", above_minor=10_000, approvers=(OLGA, OTTO))
    async with house_of(till, 500, 600) as house:
        question, (first, _) = await asked(house, small, large)
        edited = await house.decide(
            question, "edit", BEN, arguments={first: {"amount_minor": 20_000}}
        )
        assert (edited.state.value, edited.approvers) == ("pending", (OLGA,))
        assert (await house.decide(edited, "approve", OLGA)).state.value == "approved"


@virtual
async def test_where_nobody_decides_about_all_of_them_the_edit_is_refused():
    till = Till()
    small = Rule(id="s", tool="refund", approvers=(OLGA, BEN))
    large = Rule(id="l", tool="refund", above_minor=10_000, approvers=(OTTO,))
    async with house_of(till, 500, 600) as house:
        question, (first, _) = await asked(house, small, large)
        with pytest.raises(Invalid, match="apart"):
            await house.decide(question, "edit", BEN, arguments={first: {"amount_minor": 20_000}})
        assert [item.version for item in await house.pending()] == [1]


@virtual
@pytest.mark.parametrize(("named", "deciders"), [((BEN,), None), ((BEN, OTTO), (OTTO,))])
async def test_whom_a_rule_names_for_one_deed_decides_about_no_other_that_is_not_theirs(
    named, deciders
):
    large = Rule(id="l", tool="refund", above_minor=10_000, approvers=named)
    async with house_of(Till(), 500, 600) as house:
        question, (first, second) = await asked(house, large)
        raised = {first: {"amount_minor": 20_000}}
        if deciders is None:
            with pytest.raises(Invalid, match="apart"):
                await house.decide(question, "edit", OLGA, arguments=raised)
            raised[second] = None
        edited = await house.decide(question, "edit", OLGA, arguments=raised)
        assert edited.approvers == (deciders or named)


@virtual
async def test_a_yes_to_the_amount_before_is_void_after_it_was_raised():
    till = Till()
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, LARGE)
        await house.decide(question, "edit", OLGA, arguments={effect: {"amount_minor": 50_000}})
        with pytest.raises(Conflict, match="out of date"):
            await house.decide(question, "approve", OTTO)
        assert till.paid == []


@virtual
async def test_the_copies_of_a_card_follow_an_edit_at_once_also_while_it_waits():
    till = Till()
    async with house_of(till, 500) as house:
        question, (effect,) = await asked(house, LARGE)
        told: list[tuple[str, int]] = []

        async def show(item: Approval) -> None:
            told.append((item.state.value, item.version))

        house.engine.questions.show = show
        await house.decide(question, "edit", OLGA, arguments={effect: {"amount_minor": 50_000}})
        assert told == [("pending", 2)]
