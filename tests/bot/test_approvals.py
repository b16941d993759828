"""Questions and answers: once, by someone who may, for exactly what was shown."""

import asyncio
import json
from typing import Any

import pytest

from bot.core.approval import Answer, Approval, Decision
from bot.core.errors import Conflict, Forbidden, Invalid, NotFound
from bot.core.event import Kind
from bot.store.policies import Rule
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, AWAY, BEN, EVE, OLGA, OTTO, Switchboard, image
from tests.fakes.vendor import Vendor
from tests.sim.loop import virtual


def asking(*names: str) -> ScriptedModel:
    """A model that asks for these tools, and repeats whatever it is told after that."""

    def think(request):
        told = last_words(request)
        if told.startswith("[outcome]") or "question about approval" in told:
            return say(told)
        return call(*((name, {"text": f"words {n}"}) for n, name in enumerate(names)))

    return ScriptedModel(think)


async def asked(house: Switchboard) -> Approval:
    """A question that waits."""
    await house.ask("do it")
    (question,) = await house.pending()
    return question


def audited(house: Switchboard, action: str) -> list[Any]:
    """Details of the audit's lines about an action."""
    rows = house.disk.all("select details from audit where action = ? order by seq", action)
    return [json.loads(row[0]) for row in rows]


@virtual
async def test_what_asks_is_parked_as_rows_and_the_conversation_is_free():
    async with Switchboard(asking("none_ask")) as house:
        said = await house.ask("do it")
        (question,) = await house.pending()
        assert f"code {question.code}" in said
        assert "Nothing is done yet" in said
        assert house.states() == [("none_ask", "awaiting_approval")]
        assert house.vendor.calls == 0
        assert house.engine.turns.open == 0
        assert await house.ask("/help")


@virtual
async def test_the_card_says_who_asks_what_for_whom_until_when_and_who_may_decide():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        card = question.card
        assert (card.agent, card.on_behalf_of) == ("bri", "Ana")
        assert [(f.name, f.value) for f in card.fields] == [("text", "words 0")]
        assert card.approvers == ("Ana", "Olga", "Otto")
        assert card.expires_at == question.expires_at
        assert card.code == question.code
        assert (question.expires_at - question.created_at).days == 7


@virtual
async def test_a_yes_does_it_and_the_agent_words_the_outcome():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        done = await house.decide(question, "approve", OLGA)
        assert done.card.decided.startswith("Approved by Olga on 2027-03-03")
        assert '"state":"sent"' in await house.settled(question)
        assert [record.arguments for record in house.vendor.book] == [{"text": "words 0"}]


@virtual
async def test_a_no_does_nothing_and_the_agent_learns_why():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        await house.decide(question, "reject", note="Not on Sunday.")
        said = await house.settled(question)
        assert '"state":"rejected"' in said
        assert "Not on Sunday." in said
        assert house.vendor.calls == 0


@virtual
async def test_a_hundred_presses_at_once_make_one_deed():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        presses = [house.decide(question, "approve", (OLGA, OTTO, ANA)[n % 3]) for n in range(100)]
        answers = await asyncio.gather(*presses, return_exceptions=True)
        assert sum(isinstance(answer, Approval) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 99
        await house.settled(question)
        assert len(house.vendor.book) == 1
        assert len(audited(house, "approval.approved")) == 1


@virtual
@pytest.mark.parametrize("seed", range(5))
async def test_of_a_yes_and_a_no_at_once_the_first_one_wins_everywhere(seed: int):
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        order = ["approve", "reject"] if seed % 2 else ["reject", "approve"]
        answers = await asyncio.gather(
            *(house.decide(question, choice) for choice in order), return_exceptions=True
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 1
        await house.settled(question)
        (row,) = house.disk.all("select state from approval")
        assert len(house.vendor.book) == (row[0] == "approved")


@virtual
async def test_who_comes_second_is_told_who_decided_what():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        await house.decide(question, "approve", OLGA)
        with pytest.raises(Conflict, match="Approved by Olga"):
            await house.decide(question, "reject", OTTO)


@virtual
async def test_a_press_during_a_long_turn_is_answered_at_once():
    async def think(request):
        told = last_words(request)
        if told.endswith("think long"):
            await asyncio.sleep(100)
        return say("ok") if "do it" not in told else call(("none_ask", {"text": "a"}))

    async with Switchboard(ScriptedModel(think)) as house:
        question = await asked(house)
        await house.accept("think long")
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        before = loop.time()
        payload = {"approval": question.id, "choice": "approve", "version": 1}
        got = await house.accept("", kind=Kind.PRESSED, payload=payload)
        assert got.reply.startswith("Approved by Ana")
        await asyncio.sleep(1)
        assert loop.time() - before < 3
        assert len(house.vendor.book) == 1


@virtual
async def test_an_edit_replaces_the_words_and_approves_in_one_step():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        (effect,) = house.disk.all("select id from effect")
        done = await house.decide(question, "edit", arguments={effect[0]: {"text": "mine"}})
        assert (done.version, done.state.value) == (2, "approved")
        assert done.hash != question.hash
        assert done.card.decided.startswith("Edited and approved by Olga")
        assert [(f.name, f.value) for f in done.card.fields] == [("text", "mine")]
        await house.settled(question)
        assert [record.arguments for record in house.vendor.book] == [{"text": "mine"}]
        (line,) = audited(house, "approval.approved")
        assert line["edit"] == {effect[0]: {"text": "mine"}}


@virtual
@pytest.mark.parametrize(
    "wrong",
    [{"text": ""}, {"text": 7}, {}, {"text": "a", "more": 1}, {"text": "x" * 3000}],
    ids=["no words", "no text", "nothing", "too much", "too long"],
)
async def test_an_edit_that_does_not_fit_leaves_the_question_as_it_is(wrong: Any):
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        (effect,) = house.disk.all("select id from effect")
        with pytest.raises(Invalid, match="do not fit"):
            await house.decide(question, "edit", arguments={effect[0]: wrong})
        (now,) = await house.pending()
        assert (now.version, now.hash, now.card) == (1, question.hash, question.card)
        await house.decide(question, "approve")
        await house.settled(question)
        assert [record.arguments for record in house.vendor.book] == [{"text": "words 0"}]


@virtual
async def test_an_edit_may_strike_out_one_of_several_but_not_all():
    async with Switchboard(asking("none_ask", "keyed_ask")) as house:
        question = await asked(house)
        first, second = (row[0] for row in house.disk.all("select id from effect order by n"))
        with pytest.raises(Invalid, match="press Reject"):
            await house.decide(question, "edit", arguments={first: None, second: None})
        await house.decide(question, "edit", arguments={first: None})
        await house.settled(question)
        assert [state for _, state in house.states()] == ["abandoned", "sent"]
        assert [record.effect for record in house.vendor.book] == [second]


@virtual
async def test_an_edit_of_something_else_is_refused():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        for arguments in ({}, {"eff_of_another": {"text": "a"}}):
            with pytest.raises(Invalid, match="names no action"):
                await house.decide(question, "edit", arguments=arguments)


async def two_needed(house: Switchboard) -> Approval:
    """A question that two people must agree to."""
    await house.put_rule(Rule(id="r", tool="none_ask", needs=2))
    return await asked(house)


@virtual
async def test_where_two_must_agree_one_alone_decides_nothing_however_often():
    async with Switchboard(asking("none_ask")) as house:
        question = await two_needed(house)
        for _ in range(3):
            assert (await house.decide(question, "approve", OLGA)).state.value == "pending"
        await asyncio.sleep(10)
        assert house.vendor.calls == 0
        assert (await house.decide(question, "approve", OTTO)).state.value == "approved"
        await house.settled(question)
        assert len(house.vendor.book) == 1


@virtual
async def test_where_two_must_agree_one_no_is_enough():
    async with Switchboard(asking("none_ask")) as house:
        question = await two_needed(house)
        await house.decide(question, "approve", OLGA)
        assert (await house.decide(question, "reject", OTTO)).state.value == "rejected"


@virtual
async def test_an_edit_voids_the_votes_that_were_for_other_words():
    async with Switchboard(asking("none_ask")) as house:
        question = await two_needed(house)
        (effect,) = house.disk.all("select id from effect")
        await house.decide(question, "approve", OLGA)
        edited = await house.decide(
            question, "edit", OTTO, arguments={effect[0]: {"text": "other"}}
        )
        assert (edited.state.value, edited.version) == ("pending", 2)
        with pytest.raises(Conflict, match="out of date"):
            await house.decide(question, "approve", ANA)
        assert (await house.decide(edited, "approve", OTTO)).state.value == "pending"
        assert (await house.decide(edited, "approve", OLGA)).state.value == "approved"
        await house.settled(question)
        assert [record.arguments for record in house.vendor.book] == [{"text": "other"}]


@virtual
async def test_a_second_edit_binds_what_is_left_and_nothing_that_was_struck_out():
    async with Switchboard(asking("none_ask", "none_ask")) as house:
        question = await two_needed(house)
        first, second = (row[0] for row in house.disk.all("select id from effect order by n"))
        edited = await house.decide(question, "edit", OTTO, arguments={first: None})
        again = await house.decide(edited, "edit", OLGA, arguments={second: {"text": "mine"}})
        assert again.card.title == "None ask"
        await house.decide(again, "approve", OTTO)
        await house.settled(question)
        assert [record.arguments for record in house.vendor.book] == [{"text": "mine"}]


@virtual
async def test_an_edit_laid_out_for_an_older_version_is_refused_even_when_it_names_none():
    async with Switchboard(asking("none_ask", "keyed_ask")) as house:
        question = await two_needed(house)
        first, second = (row[0] for row in house.disk.all("select id from effect order by n"))
        answers = await asyncio.gather(
            house.decide(question, "edit", OLGA, arguments={first: {"text": "a"}}, version=1),
            house.engine.approvals.decide(
                question.tenant,
                _answer(question, OTTO, {second: {"text": "b"}}),
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 1


def _answer(question: Approval, person: Any, arguments: Any) -> Any:
    return Answer(approval=question.id, decision=Decision.EDIT, person=person, arguments=arguments)


@virtual
async def test_a_stale_version_decides_nothing():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        with pytest.raises(Conflict, match="out of date"):
            await house.decide(question, "approve", version=0)
        assert len(await house.pending()) == 1


@virtual
async def test_after_its_time_a_question_is_closed_and_nothing_is_done():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        house.move(days=7, seconds=1)
        with pytest.raises(Conflict, match="The time to decide this is over"):
            await house.decide(question, "approve")
        assert await house.engine.approvals.expire() == 1
        assert '"state":"expired"' in await house.settled(question)
        assert house.states() == [("none_ask", "abandoned")]
        assert await house.engine.approvals.expire() == 0
        with pytest.raises(Conflict, match="nobody decided in time"):
            await house.decide(question, "approve")


@virtual
async def test_policy_says_how_long_a_question_waits():
    async with Switchboard(asking("none_ask")) as house:
        await house.put_rule(Rule(id="r", tool="none_ask", hours=2))
        question = await asked(house)
        assert (question.expires_at - question.created_at).total_seconds() == 7200


@virtual
async def test_what_waits_for_hours_is_said_once_more_and_only_once():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        assert await house.engine.approvals.remind() == 0
        house.move(hours=4, seconds=1)
        live = house.live.told
        before = len(live)
        assert await house.engine.approvals.remind() == 1
        assert [what for what, _ in live[before:]] == ["look", "approval"]
        assert live[-1][1] == {"id": question.id, "state": "pending", "version": question.version}
        assert await house.engine.approvals.remind() == 0


@virtual
async def test_a_question_back_goes_to_the_agent_and_the_approval_stays_open():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        same = await house.decide(question, "ask", note="Why today?")
        assert same.state.value == "pending"
        await asyncio.sleep(10)
        texts = [row[0] for row in house.disk.all("select text from message order by n")]
        assert any("Why today?" in text and question.code in text for text in texts)
        await house.decide(question, "approve")
        await house.settled(question)
        assert len(house.vendor.book) == 1


@virtual
async def test_calls_after_one_that_asks_join_its_question_and_reads_run():
    names = ("keyed_auto", "note_read", "none_ask", "note_read", "readback_auto", "pay")
    async with Switchboard(asking(*names)) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        assert house.states() == [
            ("keyed_auto", "sent"),
            ("none_ask", "awaiting_approval"),
            ("readback_auto", "awaiting_approval"),
            ("pay", "awaiting_approval"),
        ]
        assert question.card.title == "3 actions"
        assert [f.value for f in question.card.fields] == [
            "text: words 2", "text: words 4", "text: words 5",
        ]  # fmt: skip


@virtual
async def test_a_question_outlives_a_restart():
    disk, vendor = Disk(image()), Vendor()
    first = Switchboard(asking("none_ask"), disk=disk, vendor=vendor)
    await first.engine.start()
    question = await asked(first)
    await first.engine.stop(seconds=0)
    async with Switchboard(asking(), disk=disk, vendor=vendor) as house:
        (same,) = await house.pending()
        assert same == question
        await house.decide(same, "approve")
        await house.settled(same)
        assert len(vendor.book) == 1


@virtual
@pytest.mark.parametrize("choice", ["there", "again", "leave"])
async def test_an_answer_to_another_kind_of_question_is_refused(choice: str):
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        with pytest.raises(Conflict, match="no answer to this question"):
            await house.decide(question, choice)


@virtual
async def test_nobody_decides_what_is_not_there_or_elsewhere():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        with pytest.raises(NotFound):
            await house.decide(question, "approve", EVE, tenant=AWAY)
        with pytest.raises(Forbidden, match="ask one of: Ana, Olga, Otto"):
            await house.decide(question, "approve", BEN)


@virtual
async def test_every_step_of_a_decision_is_in_the_audit():
    async with Switchboard(asking("none_ask")) as house:
        question = await two_needed(house)
        await house.decide(question, "approve", OLGA)
        await house.decide(question, "approve", OTTO)
        await house.settled(question)
        actions = house.disk.all(
            "select actor, action from audit where target = ? order by seq", question.id
        )
        assert actions == [
            ("agent:bri", "approval.asked"),
            (f"person:{OLGA}", "approval.voted"),
            (f"person:{OTTO}", "approval.approved"),
        ]
        assert audited(house, "approval.approved")[0]["hash"] == question.hash
