"""What decides something at once: presses, codes and the commands that work during a turn."""

import asyncio
from dataclasses import replace

import pytest

from bot.approvals import REMEMBERED
from bot.controls import MAX_WRONG
from bot.core.errors import Conflict, Forbidden, Invalid, NotFound
from bot.core.event import Kind
from bot.core.ids import EventId
from bot.store.policies import Rule
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import AWAY, BEN, EVE, OLGA, Switchboard
from tests.sim.loop import virtual


def asking(*names: str) -> ScriptedModel:
    """A model that asks for these tools when it hears `do it`."""

    def think(request):
        told = last_words(request)
        if not told.endswith("do it"):
            return say(f"I heard: {told}")
        return call(*((name, {"text": f"words {n}"}) for n, name in enumerate(names)))

    return ScriptedModel(think)


async def code_of(house: Switchboard) -> str:
    """The code of the one question that waits."""
    await house.ask("do it")
    (question,) = await house.pending()
    return question.code


@virtual
@pytest.mark.parametrize(
    "words", ["OK {}", "ok {}", " Ok  {} ", "OK {} fine with me", "/approve {}"]
)
async def test_a_yes_by_code(words: str):
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        got = await house.accept(words.format(code))
        assert got.reply.startswith("Approved by Ana")
        await asyncio.sleep(5)
        assert house.states() == [("none_ask", "sent")]
        assert house.disk.all("select ending, seq from inbox where id = ?", got.event) == [
            ("decided", 0)
        ]


@virtual
@pytest.mark.parametrize("words", ["NO {}", "no {} not today", "/reject {}"])
async def test_a_no_by_code(words: str):
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        assert (await house.accept(words.format(code))).reply.startswith("Rejected by Ana")
        await asyncio.sleep(5)
        assert house.states() == [("none_ask", "abandoned")]


@virtual
async def test_new_words_by_code():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        got = await house.accept(f"EDIT {code} We are open on Monday.\nCome in.")
        assert got.reply.startswith("Edited and approved by Ana")
        await asyncio.sleep(5)
        (record,) = house.vendor.book
        assert record.arguments == {"text": "We are open on Monday.\nCome in."}


@virtual
async def test_new_words_that_do_not_fit_are_refused_with_the_reason_and_decide_nothing():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        got = await house.accept(f"EDIT {code} {'x' * 3000}")
        assert "do not fit" in got.reply
        assert len(await house.pending()) == 1


@virtual
async def test_several_deeds_are_edited_on_the_page():
    async with Switchboard(asking("none_ask", "keyed_ask")) as house:
        code = await code_of(house)
        assert "page" in (await house.accept(f"EDIT {code} other words")).reply
        assert len(await house.pending()) == 1


@virtual
@pytest.mark.parametrize(
    "words", ["OK then", "No 12 of them", "NO 9999", "ok 4821 apples", "Nothing"]
)
async def test_words_that_only_look_like_a_code_go_to_the_agent(words: str):
    async with Switchboard(asking()) as house:
        assert words in await house.ask(words)


@virtual
async def test_a_command_with_a_code_that_nothing_waits_under_says_so():
    async with Switchboard(asking()) as house:
        assert "Nothing waits under the code 9999" in (await house.accept("/approve 9999")).reply


@virtual
async def test_a_code_in_the_hands_of_somebody_else_decides_nothing():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        await house.ask(f"OK {code}", person=BEN)
        await house.ask(f"OK {code}", person=EVE, tenant=AWAY)
        stranger = await house.accept(f"OK {code}", person=None, channel="chat", ext="U-nobody")
        await house.live.line_of(stranger.event)
        assert len(await house.pending()) == 1


@virtual
@pytest.mark.parametrize(
    "words", ["OK {}", "NO {}.", "EDIT {} Monday", "ASK {} why?", "/reject {}", "/approve {} now"]
)
async def test_a_second_code_is_told_what_was_decided(words: str):
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        await house.accept(f"OK {code}")
        await asyncio.sleep(5)
        for _ in range(MAX_WRONG):  # nor is it a wrong code
            assert (await house.accept(words.format(code))).reply.startswith("Approved by Ana")
        assert len(house.vendor.book) == 1
        assert (await house.accept(f"OK {await code_of(house)}")).reply.startswith(
            "Approved by Ana"
        )


@virtual
async def test_what_was_decided_is_told_to_nobody_else_and_not_for_ever():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        await house.accept(f"OK {code}")
        assert f"OK {code}" in await house.ask(f"OK {code}", person=BEN)
        assert "Nothing waits" in (await house.accept(f"/reject {code}", person=BEN)).reply
        assert f"No {code} of them" in await house.ask(f"No {code} of them")
        await asyncio.sleep(REMEMBERED.total_seconds() + 1)
        assert f"OK {code}" in await house.ask(f"OK {code}")


@virtual
async def test_whoami_says_who_and_in_which_role():
    async with Switchboard() as house:
        assert (await house.accept("/whoami")).reply == "You are **Ana** (member) here."
        assert (
            await house.accept("/whoami", person=OLGA)
        ).reply == "You are **Olga** (owner) here."


@virtual
async def test_status_is_answered_while_a_turn_runs():
    async def think(request):
        await asyncio.sleep(100)
        return say("at last")

    async with Switchboard(ScriptedModel(think)) as house:
        await house.accept("think")
        await asyncio.sleep(1)
        got = await house.accept("/status")
        assert got.reply == "1 running, 0 waiting, 0 approvals pending."
        lines = house.disk.all("select role, text from message where seq = 0 order by n")
        assert lines == [("user", "/status"), ("system", got.reply)]


@virtual
async def test_the_same_press_twice_is_one_decision_and_the_same_answer():
    async with Switchboard(asking("none_ask")) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        payload = {"approval": question.id, "choice": "approve", "version": 1}
        event = house.event("", kind=Kind.PRESSED, payload=payload)
        first = await house.engine.inbox.accept(event)
        again = await house.engine.inbox.accept(replace(event, id=EventId("evt_repeat")))
        assert first.reply.startswith("Approved by Ana")
        assert again.duplicate
        assert again.event == first.event
        rows = house.disk.all(
            "select action from audit where action like 'approval.%' order by seq"
        )
        assert rows == [("approval.asked",), ("approval.approved",)]


@virtual
@pytest.mark.parametrize(
    ("choice", "reply"),
    [
        ("approve", "Noted; another yes is needed."),
        ("ask", "The agent was asked; it answers in the conversation."),
    ],
)
async def test_a_press_that_decides_nothing_yet_says_what_came_of_it(choice: str, reply: str):
    async with Switchboard(asking("none_ask")) as house:
        await house.put_rule(Rule(id="r", tool="none_ask", needs=2))
        await house.ask("do it")
        (question,) = await house.pending()
        payload = {"approval": question.id, "choice": choice, "version": 1, "note": "Why?"}
        got = await house.engine.inbox.accept(house.event("", kind=Kind.PRESSED, payload=payload))
        assert got.reply == reply


@virtual
async def test_the_same_code_twice_gets_the_same_answer():
    async with Switchboard(asking("none_ask")) as house:
        code = await code_of(house)
        event = house.event(f"OK {code}")
        first = await house.engine.inbox.accept(event)
        again = await house.engine.inbox.accept(replace(event, id=EventId("evt_repeat")))
        assert again.duplicate
        assert first.event == again.event
        assert len(house.disk.all("select 1 from inbox where ending = 'decided'")) == 1


@virtual
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"choice": "dance"}, Invalid),
        ({"choice": None}, Invalid),
        ({"approval": "apr_none"}, NotFound),
        ({"version": 0}, Conflict),
    ],
    ids=["an unknown choice", "no choice", "no such question", "an old card"],
)
async def test_a_press_that_means_nothing_is_refused_and_not_stored(changes, error):
    async with Switchboard(asking("none_ask")) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        payload = {"approval": question.id, "choice": "approve", "version": 1, **changes}
        with pytest.raises(error):
            await house.accept("", kind=Kind.PRESSED, payload=payload)
        assert house.disk.all("select 1 from inbox where kind = 'pressed'") == []
        assert len(await house.pending()) == 1


@virtual
async def test_a_press_by_somebody_who_may_not_is_refused():
    async with Switchboard(asking("none_ask")) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        payload = {"approval": question.id, "choice": "approve", "version": 1}
        for who in ({"person": BEN}, {"person": "per_gone"}, {"person": None, "ext": "U-nobody"}):
            with pytest.raises(Forbidden):
                await house.accept("", kind=Kind.PRESSED, payload=payload, **who)


@virtual
async def test_a_form_brings_an_edit():
    async with Switchboard(asking("none_ask")) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        (effect,) = house.disk.all("select id from effect")
        payload = {
            "approval": question.id,
            "choice": "edit",
            "version": 1,
            "arguments": {effect[0]: {"text": "from the form"}},
        }
        await house.accept("", kind=Kind.FORM, payload=payload)
        await asyncio.sleep(5)
        assert house.vendor.book[0].arguments == {"text": "from the form"}


@virtual
async def test_a_stranger_s_command_meets_the_door_like_any_word():
    async with Switchboard() as house:
        got = await house.accept("/status", person=None, channel="chat", ext="U-nobody")
        line = await house.live.line_of(got.event)
        assert "Give this code" in str(line["text"])
