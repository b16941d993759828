"""The one door: what is accepted is safe, once, in order."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.errors import LimitReached
from bot.core.event import Kind
from bot.inbox import arrive
from bot.limits import Rate
from bot.store import inbox, turns
from bot.wiring.engine import Limits
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import AWAY, EVE, UNLIMITED, Switchboard
from tests.sim.loop import virtual


@virtual
async def test_when_accept_returns_the_event_is_on_the_disk():
    async with Switchboard() as house:
        got = await house.accept("hello")
        rows = house.disk.all("select id, seq from inbox")
        assert rows == [(got.event, 1)]
        assert house.disk.all("select text from message where role = 'user'") == [("hello",)]


@virtual
async def test_a_repeated_event_is_told_apart_and_answered_once():
    async with Switchboard(ScriptedModel([say("Hello."), say("Again?")])) as house:
        event = house.event("hello")
        first = await house.engine.inbox.accept(event)
        again = await house.engine.inbox.accept(replace(event, id="evt_another"))
        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.event == first.event
        assert again.conv == first.conv
        await house.live.line_of(first.event)
        await asyncio.sleep(10)
        assert len(house.model.asked) == 1
        assert house.disk.all("select count(*) from inbox") == [(1,)]


@virtual
async def test_many_copies_at_once_are_one_event():
    async with Switchboard() as house:
        event = house.event("hello")
        answers = await asyncio.gather(*(house.engine.inbox.accept(event) for _ in range(50)))
        assert sum(not answer.duplicate for answer in answers) == 1
        assert len({answer.event for answer in answers}) == 1
        await house.live.line_of(event.id)
        assert len(house.model.asked) == 1


@virtual
async def test_the_same_name_with_other_words_is_a_duplicate_that_differs():
    async with Switchboard() as house:
        event = house.event("hello")
        await house.engine.inbox.accept(event, "hash of hello")
        same = await house.engine.inbox.accept(event, "hash of hello")
        other = await house.engine.inbox.accept(replace(event, text="bye"), "hash of bye")
        assert (same.same, other.same) == (True, False)


@virtual
async def test_equal_names_in_two_tenants_are_two_events():
    async with Switchboard() as house:
        mine = house.event("hello", ext_id="m1")
        theirs = house.event("hello", ext_id="m1", tenant=AWAY, person=EVE)
        first = await house.engine.inbox.accept(mine)
        second = await house.engine.inbox.accept(theirs)
        assert not second.duplicate
        assert first.conv != second.conv


@virtual
async def test_events_of_one_conversation_are_numbered_in_the_order_of_their_commits():
    async with Switchboard() as house:
        got = await asyncio.gather(*(house.accept(f"m{n}") for n in range(40)))
        rows = house.disk.all("select seq, id from inbox order by seq")
        assert [seq for seq, _ in rows] == list(range(1, 41))
        assert {event for _, event in rows} == {each.event for each in got}


@virtual
async def test_a_sender_who_floods_is_stopped_before_the_disk_and_told_how_long_to_wait():
    limits = Limits(sender=Rate(count=3, seconds=60), tenant=UNLIMITED)
    async with Switchboard(limits=limits) as house:
        for n in range(3):
            await house.accept(f"m{n}")
        with pytest.raises(LimitReached, match="Wait 20 seconds"):
            await house.accept("one more")
        assert house.disk.all("select count(*) from inbox") == [(3,)]
        await house.accept("somebody else", person="per_ben")
        await asyncio.sleep(21)
        await house.accept("later")


@virtual
async def test_a_repeat_is_known_for_as_long_as_its_row_is_kept_and_only_then_forgotten():
    async with Switchboard() as house:
        event = house.event("hello")
        await house.engine.inbox.accept(event)
        await house.live.line_of(event.id)
        await house.db.write(inbox.sweep(house.now_us + 1, 0))
        assert house.disk.all("select body from inbox") == [("{}",)]
        assert (await house.engine.inbox.accept(event)).duplicate
        await house.db.write(inbox.sweep(house.now_us + 1, house.now_us + 1))
        assert not (await house.engine.inbox.accept(event)).duplicate


@virtual
async def test_a_claim_made_on_arrival_is_the_one_that_would_be_read_back():
    async with Switchboard() as house:
        first = house.event("hello")
        await house.engine.inbox.accept(first)
        await house.live.line_of(first.id)
        event = replace(house.event("again"), reply_to="msg_1", payload={"a": 1})
        ids = ("cnv_unused", "msg_x")
        got, made = house.disk.now(arrive(event, ids, house.now_us, "", "me"))
        assert got.claimed
        house.disk.now(turns.put_back(made, house.now_us))
        read = house.disk.now(turns.take("me", event.tenant, got.conv.id, house.now_us))
        assert len(made.history) == 2
        assert read == replace(made, attempt=1, conv=replace(made.conv, epoch=made.conv.epoch + 1))


@virtual
async def test_an_edited_message_replaces_the_one_that_still_waits_and_no_other():
    async with Switchboard() as house:
        event = house.event("hello")
        house.disk.now(inbox.ingest(event, ("cnv_x", "msg_x"), 1))
        edited = replace(event, text="good morning")
        assert await house.db.write(inbox.reword(edited, event.id))
        house.engine.turns.wake()
        await house.live.line_of(event.id)
        assert "good morning" in house.model.asked[0].messages[-1].content
        assert not await house.db.write(inbox.reword(event, event.id))


@virtual
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"kind": Kind.DELETED}, "deleted"),
        ({"addressed": False}, "not addressed"),
        ({"person": "per_gone"}, "the person was removed"),
        ({"person": None, "channel": "chat", "ext": "U-nobody"}, "stranger"),
    ],
    ids=["deleted", "not addressed", "removed", "a stranger"],
)
async def test_what_is_not_answered_ends_ignored_for_a_named_reason(changes, detail):
    async with Switchboard() as house:
        got = await house.accept("hello", **changes)
        await house.live.line_of(got.event)
        rows = house.disk.all("select state, ending, detail from inbox")
        assert rows == [("done", "ignored", detail)]
        assert house.model.asked == []


@virtual
async def test_a_cancelled_sender_leaves_nothing_adrift():
    async with Switchboard() as house:
        event = house.event("hello")
        task = asyncio.ensure_future(house.engine.inbox.accept(event))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(60)
        rows = house.disk.all("select state from inbox union all select state from conv")
        assert rows in ([], [("done",), ("idle",)])
