"""What an agent takes back of its own questions: once, only here, and nothing is done."""

import asyncio
import json

import pytest

from agents.runtime.offline import OfflineModel
from agents.runtime.phrases import Want, understand
from agents.runtime.withdrawal import NAME
from bot.core.approval import Approval
from bot.core.errors import Conflict
from bot.store import approvals
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import AWAY, BEN, EVE, OLGA, Switchboard, agent
from tests.fakes.vendor import Vendor
from tests.sim.loop import virtual


def obeying(**given: str) -> ScriptedModel:
    """A model that asks for a deed, withdraws when told to, or does both, and repeats results."""

    def think(request):
        told = last_words(request)
        if request.messages[-1].role == "tool":
            last = max(n for n, m in enumerate(request.messages) if m.role == "user")
            return say(" | ".join(m.content for m in request.messages[last:] if m.role == "tool"))
        if told.startswith("[outcome]"):
            return say(told)
        if "instead" in told:
            return call((NAME, {**given}), ("none_ask", {"text": "other words"}))
        if "withdraw" in told:
            return call((NAME, {**given}))
        return call(("none_ask", {"text": told.rsplit("] ", 1)[-1]}))

    return ScriptedModel(think)


async def asked(house: Switchboard, **where: str) -> Approval:
    """A question that waits."""
    before = {item.id for item in await house.pending()}
    await house.ask("do it", **where)
    (new,) = [item for item in await house.pending() if item.id not in before]
    return new


def row(house: Switchboard, question: Approval) -> Approval:
    """The question as it stands now."""
    found = house.disk.now(approvals.get(question.tenant, question.id))
    assert found is not None
    return found


def offered(house: Switchboard) -> list[str]:
    """The tools of the latest model call."""
    return [tool.name for tool in house.model.asked[-1].tools]


@virtual
async def test_after_a_question_on_the_card_the_agent_withdraws_and_asks_anew():
    async with Switchboard(obeying(why="Other words were wanted.")) as house:
        question = await asked(house)
        await house.decide(question, "ask", OLGA, note="say it differently instead")
        while len(house.disk.all("select id from approval")) < 2:
            await asyncio.sleep(0.01)
        old = row(house, question)
        assert (old.state, old.note) == ("withdrawn", "Other words were wanted.")
        assert old.card.decided.startswith("Withdrawn by bri on 2027-03-03")
        assert house.states() == [("none_ask", "abandoned"), ("none_ask", "awaiting_approval")]
        assert house.vendor.calls == 0
        (new,) = await house.pending()
        assert new.id != question.id
        assert (new.version, [f.value for f in new.card.fields]) == (1, ["other words"])
        await house.decide(new, "approve", OLGA)
        await house.settled(new)
        assert [record.arguments for record in house.vendor.book] == [{"text": "other words"}]


@virtual
async def test_who_watches_is_told_and_the_book_has_it_once():
    async with Switchboard(obeying(why="No longer wanted.")) as house:
        question = await asked(house)
        rewritten: list[Approval] = []

        async def show(approval):
            rewritten.append(approval)

        house.engine.questions.show = show
        got = await house.accept("withdraw that")
        said = str((await house.live.line_of(got.event))["text"])
        assert (
            said == f"Withdrawn: approval {question.code} ({question.card.title}). It is not done."
        )
        told = [data for what, data in house.live.told if what == "approval"]
        assert [item.card.decided for item in rewritten] == [row(house, question).card.decided]
        assert told[-1] == {"id": question.id, "state": "withdrawn", "version": 1}
        (line,) = house.disk.all(
            "select actor, target, details, event from audit where action = 'approval.withdrawn'"
        )
        assert (line[0], line[1], line[3]) == ("agent:bri", question.id, got.event)
        assert json.loads(line[2])["why"] == "No longer wanted."
        assert not house.disk.all("select id from inbox where kind = 'settled'")


@virtual
async def test_a_withdrawn_question_can_no_longer_be_decided():
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        await house.ask("withdraw that")
        for choice in ("approve", "reject", "ask"):
            with pytest.raises(Conflict, match="Withdrawn by bri"):
                await house.decide(question, choice)
        assert house.vendor.calls == 0


@virtual
async def test_the_other_question_stays_untouched():
    async with Switchboard(obeying()) as house:
        first = await asked(house)
        second = await asked(house)
        said = await house.ask("withdraw that")
        assert said.startswith("Error: Say which one by its code: ")
        assert sorted(said[-11:-1].split(", ")) == sorted([first.code, second.code])
        assert len(await house.pending()) == 2
        house.model._script = obeying(code=second.code)._script
        await house.ask("withdraw that")
        assert [item.id for item in await house.pending()] == [first.id]


@virtual
async def test_the_question_that_a_person_asks_about_is_meant_where_several_wait():
    async with Switchboard(obeying()) as house:
        first = await asked(house)
        second = await asked(house)
        await house.decide(first, "ask", OLGA, note="withdraw it")
        while row(house, first).state == "pending":
            await asyncio.sleep(0.01)
        assert [item.id for item in await house.pending()] == [second.id]


@virtual
async def test_the_tool_is_there_only_while_something_of_this_agent_waits_here():
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        assert NAME not in offered(house)
        await house.ask("withdraw that", thread="t2")
        assert NAME not in offered(house)
        house.team.members["kelly"] = agent("kelly")
        await house.ask("withdraw that", agent="kelly")
        assert NAME not in offered(house)
        assert row(house, question).state == "pending"
        await house.ask("withdraw that", agent="bri")
        assert NAME in [tool.name for tool in house.model.asked[-2].tools]
        assert NAME not in offered(house)


@virtual
async def test_it_is_offered_beside_the_tools_of_this_tenant_and_of_no_other():
    async with Switchboard(obeying()) as house:
        await asked(house)
        claims = []
        think = house.engine.loop._think

        async def look(run):
            claims.append(run)
            return await think(run)

        house.engine.loop._think = look
        await house.ask("withdraw that")
        withdrawals = house.engine.loop._p.withdrawals
        await asked(house)
        one, other = (house.model.asked[0].tools[0],), (house.model.asked[0].tools[0],) * 2
        first = await withdrawals.offered(claims[-1], one)
        assert first[:-1] == one and first[-1].name == NAME
        assert (await withdrawals.offered(claims[-1], one)) is first
        assert (await withdrawals.offered(claims[-1], other))[:-1] == other


@virtual
@pytest.mark.parametrize(
    "where",
    [
        {"thread": "t2"},
        {"person": BEN},
        {"agent": "kelly"},
        {"person": EVE, "tenant": AWAY},
    ],
    ids=["another conversation", "another person's", "another agent", "another tenant"],
)
async def test_what_was_asked_elsewhere_is_out_of_reach(where: dict[str, str]):
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        house.model._script = obeying(code=question.code)._script
        said = await house.ask("withdraw that", **where)
        assert said == "Error: Nothing that you asked for waits in this conversation."
        assert row(house, question).state == "pending"
        assert house.states() == [("none_ask", "awaiting_approval")]


@virtual
async def test_an_id_that_does_not_belong_here_withdraws_nothing_even_if_it_were_named():
    async with Switchboard(obeying()) as house:
        question = await asked(house, thread="t2")
        real = house.engine.approvals.withdraw

        async def forged(claim, name, id_, why, steps):
            return await real(claim, name, question.id, why, steps)

        house.engine.approvals.withdraw = forged
        await asked(house)
        said = await house.ask("withdraw that")
        assert said == "Error: You asked for no such approval in this conversation."
        assert row(house, question).state == "pending"


@virtual
async def test_withdrawn_twice_in_one_message_is_withdrawn_once():
    model = obeying()
    async with Switchboard(model) as house:
        question = await asked(house)
        again = (NAME, {"code": question.code})
        first = model._script

        def think(request):
            twice = "withdraw" in last_words(request) and request.messages[-1].role != "tool"
            return call(again, again) if twice else first(request)

        model._script = think
        said = await house.ask("withdraw that")
        assert said.startswith("Withdrawn: ")
        assert said.endswith("Error: Nothing that you asked for waits in this conversation.")
        assert len(house.disk.all("select 1 from audit where action = 'approval.withdrawn'")) == 1


@virtual
async def test_of_a_yes_and_a_withdrawal_at_once_one_wins():
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        got, answer = await asyncio.gather(
            house.accept("withdraw that"),
            house.decide(question, "approve"),
            return_exceptions=True,
        )
        assert not isinstance(got, BaseException)
        await house.live.line_of(got.event)
        await asyncio.sleep(1)
        state = row(house, question).state
        assert state in ("approved", "withdrawn")
        assert isinstance(answer, Conflict) == (state == "withdrawn")
        assert len(house.vendor.book) == (state == "approved")


@virtual
async def test_a_decision_that_came_first_is_told_to_the_agent():
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        real = house.engine.approvals.withdraw

        async def late(*given):
            await house.decide(question, "reject", OLGA)
            return await real(*given)

        house.engine.approvals.withdraw = late
        said = await house.ask("withdraw that")
        assert said.startswith("Error: Rejected by Olga")
        assert row(house, question).state == "rejected"


@virtual
async def test_a_crash_after_the_withdrawal_goes_on_with_the_same_question():
    model, vendor = obeying(), Vendor()
    house = Switchboard(model, vendor=vendor)
    async with house:
        first = await asked(house)
        real = house.engine.approvals.withdraw
        hanging = asyncio.Event()

        async def cut(*given):
            await real(*given)
            hanging.set()
            await asyncio.sleep(10_000)

        house.engine.approvals.withdraw = cut
        got = await house.accept("withdraw that")
        await hanging.wait()
    async with Switchboard(model, vendor=vendor, disk=house.disk) as after:
        said = str((await after.live.line_of(got.event))["text"])
        assert said.startswith(f"Withdrawn: approval {first.code}")
        assert row(after, first).state == "withdrawn"
        assert len(after.disk.all("select 1 from audit where action = 'approval.withdrawn'")) == 1
        assert vendor.calls == 0


@virtual
async def test_broken_arguments_withdraw_nothing():
    async with Switchboard(obeying(which="all")) as house:
        question = await asked(house)
        assert (await house.ask("withdraw that")).startswith(f"Error: {NAME} takes a code")
        assert row(house, question).state == "pending"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("withdraw that", None),
        ("Withdraw it.", None),
        ("please take that back", None),
        ("withdraw 4821", "4821"),
        ("withdraw approval 4821", "4821"),
    ],
)
def test_the_offline_model_knows_how_a_withdrawal_is_asked_for(text: str, code: str | None):
    wish = understand(text)
    assert wish is not None
    assert wish.want is Want.WITHDRAW
    assert wish.values.get("code") == code


@pytest.mark.parametrize("text", ["withdraw", "withdraw 100 EUR", "take the bins back"])
def test_other_words_are_no_withdrawal(text: str):
    wish = understand(text)
    assert wish is None or wish.want is not Want.WITHDRAW


@virtual
async def test_the_offline_model_withdraws_what_it_asked_for():
    async with Switchboard(obeying()) as house:
        question = await asked(house)
        offline = OfflineModel()
        house.model._script = offline.complete
        said = await house.ask("withdraw that")
        assert said.startswith(f"Withdrawn: approval {question.code}")
        assert row(house, question).state == "withdrawn"
        assert "nothing that I asked for waits here" in await house.ask("withdraw that")
