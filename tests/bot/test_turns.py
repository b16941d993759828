"""Claiming, running, retrying, stopping and ending turns."""

import asyncio

import pytest

from bot.core.errors import OperatorError, StoreError
from bot.rush import RUSH, RUSH_S
from bot.store import inbox
from bot.store.turns import boot, claim
from bot.turns import ATTEMPTS, SWEEP_S
from bot.wiring.engine import Limits
from tests.fakes.database import Calm, Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import AWAY, EVE, HOME, UNLIMITED, Switchboard, Team, agent, image
from tests.fakes.vendor import Fate, Vendor
from tests.sim.loop import virtual


def slow(seconds: float) -> ScriptedModel:
    """A model that takes its time and repeats what it was told."""

    async def think(request):
        await asyncio.sleep(seconds)
        return say(last_words(request).rpartition("] ")[2])

    return ScriptedModel(think)


@virtual
async def test_a_message_is_answered():
    async with Switchboard(ScriptedModel([say("Hello Ana.")])) as house:
        got = await house.accept("hello")
        assert (await house.live.line_of(got.event))["text"] == "Hello Ana."
        assert house.ending(got.event) == ("done", "answered")


@virtual
async def test_a_busy_conversation_is_answered_in_order():
    async with Switchboard(slow(1.0)) as house:
        got = [await house.accept(f"message {n}") for n in range(6)]
        lines = [(await house.live.line_of(each.event))["text"] for each in got]
        assert lines == [f"message {n}" for n in range(6)]
        order = [turn for turn, _ in house.live.begun]
        assert order == [each.event for each in got]


@virtual
async def test_conversations_are_answered_side_by_side():
    async with Switchboard(slow(10.0)) as house:
        loop = asyncio.get_running_loop()
        began = loop.time()
        got = [await house.accept("hi", thread=f"t{n}") for n in range(50)]
        await asyncio.gather(*(house.live.line_of(each.event, 60) for each in got))
        assert loop.time() - began < 20


@virtual
async def test_beyond_the_seats_an_event_waits_on_the_disk_and_is_marked_queued():
    limits = Limits(open_turns=2, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(5.0), limits=limits) as house:
        got = [await house.accept("hi", thread=f"t{n}") for n in range(5)]
        assert [each.queued for each in got] == [False, False, True, True, True]
        assert house.engine.turns.open == 2
        for each in got:
            await house.live.line_of(each.event, 60)


@virtual
async def test_a_status_counts_what_is_the_askers_own():
    limits = Limits(open_turns=3, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(5.0), limits=limits) as house:
        mine = await house.accept("one", thread="x", tenant=AWAY, person=EVE)
        got = [await house.accept("hi", thread=f"t{n}") for n in range(5)]
        said = await house.engine.status_text(AWAY)
        assert said == "1 running, 0 waiting, 0 approvals pending."
        said = await house.engine.status_text(HOME)
        assert said == "2 running, 3 waiting, 0 approvals pending."
        for each in (mine, *got):
            await house.live.line_of(each.event, 60)
        await house.engine.turns.idle()
        said = await house.engine.status_text(HOME)
        assert said == "0 running, 0 waiting, 0 approvals pending."


@virtual
async def test_a_status_counts_what_other_processes_work_on_as_well():
    limits = Limits(open_turns=1, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(5.0), limits=limits) as house:
        got = [await house.accept("hi", thread=f"t{n}") for n in range(3)]
        house.disk.now(claim("own_other", house.now_us, 1))
        house.engine.peers.many = 2  # type: ignore[misc]
        said = await house.engine.status_text(HOME)
        assert said == "2 running, 1 waiting, 0 approvals pending."
        house.disk.now(boot(house.now_us))  # the other one died
        for each in got:
            await house.live.line_of(each.event, 60)


@virtual
async def test_who_arrives_is_acknowledged_before_turns_open():
    async with Switchboard() as house:
        turns = house.engine.turns
        rush = [asyncio.ensure_future(turns.enter(HOME)) for _ in range(RUSH + 1)]
        await asyncio.sleep(0)
        got = await house.accept("hi")
        await asyncio.sleep(RUSH_S / 2)
        assert not house.live.begun
        turns.entered(HOME, await rush[0])
        turns.entered(HOME, await rush[1])
        await asyncio.sleep(0.1)
        assert [turn for turn, _ in house.live.begun] == [got.event]


@virtual
async def test_a_rush_without_end_holds_turns_up_for_a_moment_only():
    async with Switchboard() as house:
        for _ in range(RUSH + 1):
            asyncio.ensure_future(house.engine.turns.enter(HOME))
        got = await house.accept("hi")
        assert await house.live.line_of(got.event, RUSH_S + 1)


@virtual
async def test_a_seat_that_was_kept_for_an_event_without_a_turn_is_given_on_at_once():
    limits = Limits(open_turns=1, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(limits=limits) as house:
        turns = house.engine.turns
        owner = await turns.enter(HOME)
        other = await house.accept("hi", tenant=AWAY, person=EVE)
        await asyncio.sleep(0.01)
        assert not house.live.begun
        began = asyncio.get_running_loop().time()
        turns.entered(HOME, owner)  # it had come before
        await house.live.line_of(other.event, 60)
        assert asyncio.get_running_loop().time() - began < SWEEP_S / 2


@virtual
async def test_seats_are_given_round_by_tenant():
    limits = Limits(open_turns=1, sender=UNLIMITED, tenant=UNLIMITED)
    async with Switchboard(slow(1.0), limits=limits) as house:
        first = await house.accept("first", thread="first")
        crowd = [await house.accept("many", thread=f"t{n}") for n in range(20)]
        other = await house.accept("one", thread="x", tenant=AWAY, person=EVE)
        await house.live.line_of(other.event, 60)
        done = set(house.live.ended)
        assert first.event in done
        assert sum(each.event in done for each in crowd) <= 2


@virtual
async def test_a_turn_that_breaks_is_tried_again_with_growing_pauses_and_then_told_as_failed():
    loop = asyncio.get_running_loop()
    at = []

    def think(request):
        at.append(loop.time())
        raise RuntimeError("broken inside")

    async with Switchboard(ScriptedModel(think)) as house:
        got = await house.accept("hello")
        line = await house.live.line_of(got.event, 120)
        assert house.ending(got.event) == ("dead", "failed")
    assert len(at) == ATTEMPTS
    pauses = [after - before for before, after in zip(at, at[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 0.5
    assert line["role"] == "system"
    assert got.event in str(line["text"])
    assert "broken inside" not in str(line["text"])


@virtual
async def test_a_turn_that_breaks_once_is_answered_all_the_same():
    model = ScriptedModel([RuntimeError("once"), say("Here I am.")])
    async with Switchboard(model) as house:
        assert await house.ask("hello") == "Here I am."


@virtual
async def test_a_model_that_cannot_be_used_ends_the_turn_failed_and_told_at_once():
    model = ScriptedModel([OperatorError("OPENAI_API_KEY is refused. Set another one.")])
    async with Switchboard(model) as house:
        got = await house.accept("hello")
        line = await house.live.line_of(got.event)
        assert "OPENAI_API_KEY is refused" in str(line["text"])
        assert house.ending(got.event) == ("dead", "failed")
        assert len(model.asked) == 1


@virtual
async def test_a_dead_letter_is_listed_and_replayed():
    model = ScriptedModel([OperatorError("No key."), say("Now it works.")])
    async with Switchboard(model) as house:
        got = await house.accept("hello")
        await house.live.line_of(got.event)
        dead = await house.db.read(inbox.recent("ten_home", 1 << 62, "dead", 10))
        assert [(item.event.id, item.detail) for item in dead] == [(got.event, "No key.")]
        house.live.ended.clear()
        assert await house.db.write(inbox.replay("ten_home", got.event, house.now_us))
        house.engine.turns.wake()
        assert (await house.live.line_of(got.event))["text"] == "Now it works."
        assert house.ending(got.event) == ("done", "answered")
        texts = house.disk.all("select text from message where role != 'user' order by n")
        assert texts == [("No key.",), ("Now it works.",)]


@virtual
async def test_only_a_dead_letter_of_this_tenant_is_replayed():
    async with Switchboard(ScriptedModel([OperatorError("No key.")])) as house:
        got = await house.accept("hello")
        await house.live.line_of(got.event)
        assert not await house.db.write(inbox.replay("ten_away", got.event, house.now_us))
        fine = await house.accept("/help")
        await house.live.line_of(fine.event)
        assert not await house.db.write(inbox.replay("ten_home", fine.event, house.now_us))


@virtual
async def test_a_replayed_turn_does_nothing_again_that_its_first_life_did():
    model = ScriptedModel([call(("none_auto", {"text": "a"})), OperatorError("No key."), say("ok")])
    async with Switchboard(model) as house:
        got = await house.accept("do it")
        await house.live.line_of(got.event)
        house.live.ended.clear()
        await house.db.write(inbox.replay("ten_home", got.event, house.now_us))
        house.engine.turns.wake()
        assert (await house.live.line_of(got.event))["text"] == "ok"
        assert len(house.vendor.book) == 1


@virtual
async def test_stop_ends_the_running_turn_and_the_next_message_is_answered():
    async with Switchboard(slow(100.0)) as house:
        got = await house.accept("think long")
        await asyncio.sleep(1)
        stopped = await house.accept("/stop")
        assert stopped.reply == "Stopping."
        assert (await house.live.line_of(got.event))["text"] == "Stopped."
        assert house.ending(got.event) == ("done", "answered")
        await asyncio.sleep(1)
        assert house.engine.turns.open == 0
        again = await house.accept("and now")
        assert (await house.live.line_of(again.event, 200))["text"] == "and now"


@virtual
async def test_stop_with_nothing_running_says_so():
    async with Switchboard() as house:
        await house.ask("hello")
        assert (await house.accept("/stop")).reply == "Nothing is running here."


@virtual
async def test_stop_lets_a_deed_that_has_begun_come_to_its_end():
    vendor = Vendor(fate=lambda tool: Fate.DONE)

    async def far(_):
        await asyncio.sleep(5)
        return 0.0

    vendor.delay = far
    async with Switchboard(ScriptedModel([call(("none_auto", {"text": "a"}))]), vendor=vendor) as h:
        got = await h.accept("do it")
        await asyncio.sleep(2)
        await h.accept("/stop")
        await h.live.line_of(got.event)
        await asyncio.sleep(30)
        assert h.states() == [("none_auto", "sent")]
        assert len(vendor.book) == 1


@virtual
async def test_stop_leaves_what_waits_for_a_yes():
    async with Switchboard(ScriptedModel([call(("none_ask", {"text": "a"})), say("Noted.")])) as h:
        await h.ask("ask me")
        await h.accept("/stop")
        assert len(await h.pending()) == 1


@virtual
async def test_a_new_session_forgets_what_was_said_and_starts_in_the_commit_of_its_answer():
    model = ScriptedModel(lambda request: say(f"{len(request.messages)} messages"))
    async with Switchboard(model) as house:
        await house.ask("one")
        assert await house.ask("two") == "4 messages"
        await house.ask("/new")
        assert await house.ask("three") == "2 messages"
        assert house.disk.all("select session from conv order by session") == [(1,), (2,)]


@virtual
async def test_a_late_outcome_comes_to_the_session_that_is_open_now():
    model = ScriptedModel([call(("none_ask", {"text": "a"})), say("It was done.")])
    async with Switchboard(model) as house:
        await house.ask("ask me")
        await house.ask("/new")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        rows = house.disk.all(
            "select conv.session from message join conv on conv.id = message.conv "
            "where message.text = 'It was done.'"
        )
        assert rows == [(2,)]


@virtual
async def test_at_a_drain_running_turns_get_a_moment_and_the_rest_goes_on_at_the_next_start():
    disk = Disk(image())
    house = Switchboard(slow(3.0), disk=disk)
    await house.engine.start()
    short = await house.accept("short", thread="a")
    assert await house.engine.stop(seconds=5) == 0
    assert house.ending(short.event) == ("done", "answered")

    house = Switchboard(slow(60.0), disk=disk)
    await house.engine.start()
    long = await house.accept("long", thread="b")
    assert await house.engine.stop(seconds=5) == 1
    assert house.ending(long.event)[0] == "new"

    async with Switchboard(slow(1.0), disk=disk) as again:
        assert (await again.live.line_of(long.event, 30))["text"] == "long"


class Full(Calm):
    """A disk that is full for a while, and may write without saying so."""

    def __init__(self) -> None:
        self.says = "ok"

    def commit(self) -> str:
        return self.says


@virtual
async def test_a_full_disk_is_waited_out_and_the_answer_is_not_lost():
    weather = Full()
    async with Switchboard(slow(2.0), weather=weather) as house:
        got = await house.accept("hello")
        weather.says = "refused"
        await asyncio.sleep(30)
        assert house.ending(got.event)[0] == "new"
        weather.says = "ok"
        assert (await house.live.line_of(got.event, 60))["text"] == "hello"


@virtual
async def test_while_the_disk_is_full_nothing_is_accepted():
    weather = Full()
    async with Switchboard(weather=weather) as house:
        weather.says = "refused"
        with pytest.raises(StoreError):
            await house.accept("hello")
        weather.says = "ok"
        assert await house.ask("hello") == "Hello."


@virtual
async def test_a_claim_whose_commit_did_not_answer_is_found_again():
    weather = Full()
    async with Switchboard(slow(0.1), weather=weather) as house:
        event = house.event("hello")
        weather.says = "silent"
        with pytest.raises(StoreError):
            await house.engine.inbox.accept(event)
        weather.says = "ok"
        again = await house.engine.inbox.accept(event)
        assert again.duplicate
        assert (await house.live.line_of(event.id, 30))["text"] == "hello"


@virtual
async def test_an_end_whose_commit_did_not_answer_is_written_once():
    weather = Full()
    async with Switchboard(slow(2.0), weather=weather) as house:
        got = await house.accept("hello")
        await asyncio.sleep(1.9)
        weather.says = "silent"
        await asyncio.sleep(1)
        weather.says = "ok"
        await house.live.line_of(got.event, 30)
        assert house.disk.all("select count(*) from message where role != 'user'") == [(1,)]
        ends = house.disk.all("select count(*) from audit where action = 'event.answered'")
        assert ends == [(1,)]


@virtual
async def test_an_agent_changed_while_its_turn_was_cut_off_starts_the_turn_over():
    disk, team = Disk(image()), Team()
    first = Switchboard(slow(50.0), disk=disk, team=team)
    await first.engine.start()
    got = await first.accept("hello")
    await asyncio.sleep(1)
    await first.engine.stop(seconds=0)
    team.members["bri"] = agent("bri", version="2", prompt="You are new.")
    async with Switchboard(slow(0.1), disk=disk, team=team) as house:
        assert (await house.live.line_of(got.event, 30))["text"] == "hello"


@virtual
async def test_a_turn_that_has_done_something_and_cannot_go_on_as_before_fails_and_says_so():
    disk, team = Disk(image()), Team()

    async def then_hang(request):
        if request.messages[-1].role == "tool":
            await asyncio.sleep(500)
        return call(("none_auto", {"text": "a"}))

    first = Switchboard(ScriptedModel(then_hang), disk=disk, team=team)
    await first.engine.start()
    got = await first.accept("do it")
    await asyncio.sleep(5)
    assert first.states() == [("none_auto", "sent")]
    await first.engine.stop(seconds=0)
    team.members["bri"] = agent("bri", version="2")
    async with Switchboard(ScriptedModel([say("again")]), disk=disk, team=team) as house:
        line = await house.live.line_of(got.event, 30)
        assert "cut off" in str(line["text"])
        assert house.ending(got.event) == ("dead", "failed")
        assert house.vendor.book == []


@virtual
async def test_words_said_to_the_house_in_between_do_not_turn_a_replay_aside():
    disk = Disk(image())

    async def then_hang(request):
        if request.messages[-1].role == "tool":
            await asyncio.sleep(500)
        return call(("none_auto", {"text": "a"}))

    first = Switchboard(ScriptedModel(then_hang), disk=disk)
    await first.engine.start()
    await first.ask("/help")
    got = await first.accept("do it")
    await asyncio.sleep(5)
    await first.accept("/status")
    await first.engine.stop(seconds=0)
    async with Switchboard(ScriptedModel([say("It is done.")]), disk=disk) as house:
        assert (await house.live.line_of(got.event, 30))["text"] == "It is done."
