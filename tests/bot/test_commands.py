"""`/memory`, `/forget`, `/approvals`: what is for whoever asks, only where they alone read it."""

import asyncio
from dataclasses import replace

import pytest

from bot import commands
from bot.commands import SEEN_ALONE
from bot.core.event import Event, Place, Sender
from bot.core.ids import AgentName, PersonId, conv_key
from bot.core.people import Person
from bot.core.ports import Memo
from bot.store import memory
from tests.bot.test_approvals import asked, asking
from tests.fakes.switchboard import ANA, BEN, HOME, OLGA, Switchboard
from tests.sim.loop import virtual


async def keep(house: Switchboard, id_: str, person: PersonId, trusted: bool = True) -> None:
    item = Memo(
        id=id_,
        text=f"Words of {id_}",
        source="a conversation",
        trusted=trusted,
        person=person,
        agent=AgentName("bri"),
        at=house.clock.now(),
    )
    await house.db.write(memory.keep(HOME, item, 10))


@virtual
async def test_a_person_lists_and_forgets_what_is_kept_about_them():
    async with Switchboard() as house:
        await keep(house, "mem_1", ANA)
        await keep(house, "mem_2", BEN)
        shown = await house.ask("/memory")
        assert "`mem_1`" in shown
        assert "Words of mem_1" in shown
        assert "mem_2" not in shown
        assert "no such note" in await house.ask("/forget mem_2")
        assert await house.ask("/forget mem_1") == "It is forgotten."
        assert "no such note" in await house.ask("/forget mem_1")
        assert await house.ask("/memory") == "No agent keeps anything about you."


@virtual
async def test_words_from_outside_do_not_come_into_the_conversation_by_the_list():
    async with Switchboard() as house:
        await keep(house, "mem_1", ANA, trusted=False)
        shown = await house.ask("/memory")
        assert "`mem_1`" in shown
        assert "Words of" not in shown


@virtual
async def test_it_is_not_told_where_others_read_along():
    async with Switchboard() as house:
        await keep(house, "mem_1", ANA)
        event = house.event("/memory")
        open_place = replace(event, place=Place(id="general", direct=False))
        got = await house.engine.inbox.accept(open_place)
        said = str((await house.live.line_of(got.event)).get("text", ""))
        assert "mem_1" not in said
        assert "where only the two of us" in said
        event = replace(house.event("/memory"), place=open_place.place)
        got = await house.engine.inbox.accept(replace(event, payload={SEEN_ALONE: True}))
        shown = str((await house.live.line_of(got.event)).get("text", ""))
        assert "mem_1" in shown, "a platform shows it to whoever asked alone"


@virtual
async def test_a_person_says_themselves_who_they_are_on_another_platform():
    async with Switchboard() as house:
        code = await house.engine.directory.pairing_code(HOME, "slack", "T1", "U9", "Ana S.")
        there = {"channel": "slack", "account": "T1", "person": None}
        event = house.event("hello", **there, sender=Sender(ext_id="U9"))
        assert await known(house, event) is None
        assert "where only the two of us" in await said(
            house, replace(house.event(f"/link {code}"), place=Place(id="general", direct=False))
        )
        assert await known(house, event) is None
        assert "I know you there as well" in await house.ask(f"/link {code[:4]}-{code[4:]}")
        person = await known(house, event)
        assert person is not None and person.id == ANA
        assert "not right" in await house.ask(f"/link {code}"), "a code is good once"
        for _ in range(5):
            await house.ask("/link AAAA2222")
        assert "Too many wrong codes" in await house.ask("/link AAAA2222")


@virtual
async def test_what_waits_is_listed_to_who_may_decide_it_and_only_where_nobody_reads_along():
    async with Switchboard(asking("none_ask")) as house:
        question = await asked(house)
        line = f"- **{question.code}** {question.card.title} (bri)"
        assert await house.ask("/approvals") == line
        hall = {"place": Place(id="general", direct=False), "conv": conv_key("web", "", "general")}
        shown = await said(house, house.event("/approvals", **hall))
        assert shown.startswith("1 question waits for a yes.") and "the two of us" in shown
        assert question.code not in shown and question.card.title not in shown
        # Where the platform shows the answer to whoever asked alone, nobody reads along.
        alone = house.event("/approvals", **hall, payload={SEEN_ALONE: True})
        assert await said(house, alone) == line
        # Others hear of none of it, be it in the hall or alone.
        for where in ({}, hall):
            bens = house.event("/approvals", person=BEN, **where)
            assert await said(house, bens) == "Nothing waits for your yes."
        assert question.code in await said(house, house.event("/approvals", person=OLGA))


@virtual
async def test_what_others_decide_hides_no_question_that_waits_for_longer(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(commands, "MOST_LISTED", 1)
    async with Switchboard(asking("none_ask")) as house:
        first = await asked(house)
        await asyncio.sleep(1)
        await house.ask("and another", person=BEN)
        assert len(await house.pending()) == 2
        assert first.code in await house.ask("/approvals")


@virtual
async def test_slack_is_told_that_its_own_command_comes_first():
    async with Switchboard() as house:
        assert "/switchboard agents" not in await house.ask("/help")
        assert "/switchboard agents" in await said(
            house, replace(house.event("/help"), channel="slack")
        )


async def known(house: Switchboard, event: Event) -> Person | None:
    return await house.engine.directory.identify(HOME, "slack", "T1", event.sender.ext_id)


async def said(house: Switchboard, event: Event) -> str:
    got = await house.engine.inbox.accept(event)
    return str((await house.live.line_of(got.event)).get("text", ""))
