"""Answers on their way: shown once where that can be, never out of order, never without a trace."""

import asyncio
from dataclasses import replace
from itertools import chain, repeat

import pytest

from bot.core.effect import Policy
from bot.core.errors import ConnectionBroken, VendorRefused
from bot.core.event import Kind, Sender
from bot.platforms.texting import OptedOut
from bot.store import inbox
from bot.turns import UNCARRIED
from bot.wiring.connecting import LOOK_S
from tests.fakes.channel import FakeChannel, Shown
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, HOME, Switchboard, image
from tests.fakes.vendor import Fate
from tests.sim.loop import virtual


def channel(
    policy: Policy, *fates: Fate, buttons: bool = False, max_chars: int = 4_000
) -> FakeChannel:
    """A platform that meets these messages so, and every later one kindly."""
    coming = chain(fates, repeat(Fate.DONE))
    return FakeChannel(
        name="chat",
        policy=policy,
        fate=lambda name: next(coming),
        buttons=buttons,
        max_chars=max_chars,
    )


def on(outside: FakeChannel, model: ScriptedModel | None = None, disk: Disk | None = None):
    """A switchboard with that platform."""
    echo = ScriptedModel(lambda request: say(last_words(request).rpartition("] ")[2]))
    return Switchboard(model or echo, channels={"chat": outside}, disk=disk)


ON_CHAT = {"channel": "chat", "ext": "U-Ana", "person": None}


@virtual
@pytest.mark.parametrize("policy", list(Policy))
async def test_an_answer_is_shown_once_and_kept_as_a_line_and_an_effect(policy: Policy):
    outside = channel(policy)
    async with on(outside) as house:
        assert await house.ask("hello", **ON_CHAT) == "hello"
        assert [shown.text for shown in outside.book] == ["hello"]
        rows = house.disk.all("select kind, tool, state, vendor_ref from effect")
        assert rows == [("reply", "chat", "sent", "msg0")]


@virtual
async def test_answers_of_one_conversation_are_shown_in_order():
    outside = channel(Policy.NONE)

    async def far(_):
        await asyncio.sleep(3)
        return 0.0

    outside.delay = far
    async with on(outside) as house:
        got = [await house.accept(f"m{n}", **ON_CHAT) for n in range(5)]
        await house.live.line_of(got[-1].event, 200)
        assert [shown.text for shown in outside.book] == [f"m{n}" for n in range(5)]


@virtual
async def test_where_replies_are_rows_nothing_is_sent():
    outside = channel(Policy.NONE)
    async with on(outside) as house:
        await house.ask("hello")
        assert outside.book == []
        assert house.disk.all("select 1 from effect") == []


@virtual
async def test_what_waits_for_a_yes_is_shown_with_its_code_where_there_are_no_buttons():
    def think(request):
        return call(("none_ask", {"text": "We are open on Sunday"}))

    for buttons in (False, True):
        outside = channel(Policy.NONE, buttons=buttons)
        async with on(outside, ScriptedModel(think)) as house:
            await house.ask("do it", **ON_CHAT)
            (question,) = await house.pending()
            text = outside.book[0].text
            assert (f"Reply OK {question.code}" in text) is not buttons
            assert ("text: We are open on Sunday" in text) is not buttons, "nobody says yes unseen"


@virtual
async def test_what_waits_is_cut_to_what_the_platform_takes_and_says_so():
    def think(request):
        return call(("none_ask", {"text": "word " * 90}))

    outside = channel(Policy.NONE, max_chars=500)
    async with on(outside, ScriptedModel(think)) as house:
        await house.ask("do it", **ON_CHAT)
        (question,) = await house.pending()
        text = outside.book[0].text
        assert len(text) <= 500
        assert f"Reply OK {question.code}" in text and f"SHOW {question.code}" in text


@virtual
@pytest.mark.parametrize(
    ("policy", "fate", "shown"),
    [
        (Policy.KEYED, Fate.SILENT, 1),
        (Policy.KEYED, Fate.LOST, 1),
        (Policy.READBACK, Fate.SILENT, 1),
        (Policy.READBACK, Fate.LOST, 1),
        (Policy.NONE, Fate.SILENT, 1),
        (Policy.NONE, Fate.LOST, 0),
    ],
    ids=str,
)
async def test_when_the_platform_is_silent_the_answer_is_never_shown_twice(policy, fate, shown):
    outside = channel(policy, fate)
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        await house.live.line_of(got.event, 60)
        assert len(outside.book) == shown
        (state,) = house.disk.all("select state from effect")
        assert state[0] == ("in_doubt" if policy is Policy.NONE else "sent")


@virtual
@pytest.mark.parametrize(
    ("fates", "shown", "state"),
    [
        ((Fate.LOST,), 1, "sent"),
        ((Fate.SILENT,), 2, "sent"),
        ((Fate.LOST, Fate.LOST), 0, "in_doubt"),
        ((Fate.SILENT, Fate.SILENT), 2, "in_doubt"),
    ],
    ids=str,
)
async def test_where_a_second_copy_does_no_harm_an_answer_without_a_word_is_sent_once_more(
    fates: tuple[Fate, ...], shown: int, state: str
):
    outside = channel(Policy.NONE, *fates)
    outside.again_s = 2.0
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        await house.live.line_of(got.event, 60)
        assert len(outside.book) == shown
        assert house.disk.all("select state, attempt from effect") == [(state, 2)]


@virtual
async def test_an_answer_that_was_sent_once_more_is_not_again_after_a_restart():
    disk, outside = Disk(image()), channel(Policy.NONE, Fate.SILENT)
    outside.again_s = 2.0

    async def never_again(way: str) -> float:
        if way == "back" and len(outside.book) == 2:
            await asyncio.sleep(10_000)
        return 0.0

    outside.delay = never_again
    house = on(outside, disk=disk)
    await house.engine.start()
    got = await house.accept("hello", **ON_CHAT)
    await asyncio.sleep(10)
    assert len(outside.book) == 2
    await house.engine.stop(seconds=0)
    outside.delay = FakeChannel().delay
    async with on(outside, disk=disk) as house:
        await house.live.line_of(got.event, 60)
        assert len(outside.book) == 2
        assert house.disk.all("select state, attempt from effect") == [("in_doubt", 2)]


@virtual
async def test_an_answer_that_the_platform_refuses_is_a_dead_letter_that_can_be_replayed():
    outside = channel(Policy.NONE, Fate.REFUSED)
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        await house.live.line_of(got.event)
        assert house.ending(got.event) == ("dead", "failed")
        (detail,) = house.disk.all("select detail from inbox")
        assert "not delivered" in detail[0]
        house.live.ended.clear()
        await house.db.write(inbox.replay(HOME, got.event, house.now_us))
        house.engine.turns.wake()
        await house.live.line_of(got.event)
        assert [shown.text for shown in outside.book] == ["hello"]
        assert house.ending(got.event) == ("done", "answered")


@virtual
async def test_an_answer_to_whoever_opted_out_is_not_sent_and_is_no_failure():
    outside, tries = channel(Policy.READBACK), []

    async def refuse(message):
        tries.append(message)
        raise OptedOut

    outside.send = refuse
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        await house.live.line_of(got.event)
        assert house.ending(got.event) == ("done", "ignored")
        found = house.disk.all("select detail, effect.state from inbox, effect")
        assert found == [("opted out", "abandoned")]
    async with on(outside, disk=house.disk):
        await asyncio.sleep(60)
        assert len(tries) == 1


MEND = "The token is not taken any more. Set a new one."


def cut(outside: FakeChannel, times: float) -> None:
    """The platform takes no token, so many times; then all is as before."""
    send, left = outside.send, times

    async def refuse(message):
        nonlocal left
        left -= 1
        if left >= 0:
            raise ConnectionBroken(MEND)
        return await send(message)

    outside.send = refuse


def warned(caplog) -> list[str]:
    """The levels of what was logged of the mend; nothing at all may have a traceback."""
    assert not any(record.exc_info for record in caplog.records)
    return [record.levelname for record in caplog.records if MEND in record.getMessage()]


async def until_dead(house: Switchboard, event: str) -> str:
    """Wait for a dead letter; gives why it is one."""
    async with asyncio.timeout(3600):
        while house.ending(event) != ("dead", "failed"):
            await asyncio.sleep(1)
    ((detail,),) = house.disk.all("select detail from inbox")
    return str(detail)


@virtual
async def test_an_answer_to_a_platform_that_is_cut_off_is_a_dead_letter_with_the_mend(caplog):
    outside = channel(Policy.NONE)
    cut(outside, 1)
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        assert MEND in await until_dead(house, got.event), "an owner reads what to do"
        assert outside.book == [], "it is not sent again without being asked for"
    assert warned(caplog) == ["WARNING"]


@virtual
@pytest.mark.parametrize("policy", [Policy.KEYED, Policy.READBACK])
async def test_an_answer_that_is_known_by_itself_waits_for_the_mend_and_is_sent_once(
    policy, caplog
):
    outside = channel(policy)
    cut(outside, 2)
    async with on(outside) as house:
        assert await house.ask("hello", **ON_CHAT) == "hello"
        assert house.ending(house.disk.all("select id from inbox")[0][0]) == ("done", "answered")
        await asyncio.sleep(600)
        assert [shown.text for shown in outside.book] == ["hello"]
        assert house.disk.all("select state from effect") == [("sent",)]
    assert warned(caplog) == ["WARNING", "WARNING"]


@virtual
@pytest.mark.parametrize("policy", [Policy.KEYED, Policy.READBACK])
async def test_an_answer_waits_for_the_mend_across_a_restart_and_is_sent_once(policy, caplog):
    disk, outside = Disk(image()), channel(policy)
    send = outside.send
    cut(outside, 1)
    house = on(outside, disk=disk)
    await house.engine.start()
    got = await house.accept("hello", **ON_CHAT)
    async with asyncio.timeout(60):
        while not warned(caplog):
            await asyncio.sleep(0.01)
    await house.engine.stop(seconds=0)
    assert outside.book == []
    outside.send = send
    async with on(outside, disk=disk) as house:
        await house.live.line_of(got.event, 60)
        await asyncio.sleep(600)
        assert [shown.text for shown in outside.book] == ["hello"]


@virtual
@pytest.mark.parametrize("policy", [Policy.KEYED, Policy.READBACK])
async def test_an_answer_that_nobody_mends_the_platform_for_is_a_dead_letter_with_the_mend(
    policy, caplog
):
    outside = channel(policy)
    cut(outside, float("inf"))
    async with on(outside) as house:
        got = await house.accept("hello", **ON_CHAT)
        assert MEND in await until_dead(house, got.event)
        assert outside.book == []
    assert warned(caplog) == ["WARNING"] * UNCARRIED


@virtual
async def test_an_answer_whose_platform_was_let_go_of_waits_until_it_is_connected_again():
    outside = channel(Policy.NONE)
    async with on(outside) as house:
        carriers = house.engine.replies._carriers
        carriers.drop(HOME, "chat")
        got = await house.accept("hello", **ON_CHAT)
        await asyncio.sleep(LOOK_S + 1)
        assert house.disk.all("select ending from inbox") == [("",)] and outside.book == []
        carriers.put(HOME, outside)
        await house.live.line_of(got.event, 60)
        assert [shown.text for shown in outside.book] == ["hello"]
        assert house.ending(got.event) == ("done", "answered")


@virtual
async def test_an_answer_whose_platform_stays_away_is_a_dead_letter_that_owners_are_told_of():
    outside = channel(Policy.NONE)
    async with on(outside) as house:
        house.engine.replies._carriers.drop(HOME, "chat")
        got = await house.accept("hello", **ON_CHAT)
        assert "chat is not connected here. Connect it" in await until_dead(house, got.event)
        await house.engine.troubles.look()
        (trouble,) = await house.engine.troubles.shown(HOME)
        assert "could not be answered" in str(trouble["title"])


@virtual
async def test_what_was_said_before_the_platform_was_let_go_of_is_not_said_to_have_failed():
    disk, outside = Disk(image()), channel(Policy.NONE)
    event = await cut_off(outside, disk)
    disk.all("update effect set state = 'sent'")
    async with Switchboard(ScriptedModel([say("hello")]), disk=disk) as house:
        await house.live.line_of(event, 60)
        assert house.ending(event) == ("done", "answered")


def tick(house: Switchboard, name: str):
    """The clock speaks in Ana's conversation on the platform."""
    return replace(
        house.event("good morning", **ON_CHAT),
        channel="clock",
        ext_id=f"sched:{name}",
        kind=Kind.TICK,
        sender=Sender(ext_id="clock", name="clock", person=ANA),
        payload={"schedule": name},
    )


@virtual
async def test_what_a_schedule_of_a_platform_says_is_said_there_as_an_answer_to_what_was_heard():
    outside, heard = channel(Policy.KEYED), []
    send = outside.send

    async def listening(message):
        heard.append((message.text, message.extra["event"]))
        return await send(message)

    outside.send = listening
    async with on(outside) as house:
        await house.ask(
            "every day at 9 say good morning", **ON_CHAT, payload={"subject": "Mornings"}
        )
        for name in ("first", "second"):
            got = await house.engine.inbox.accept(tick(house, name))
            await house.live.line_of(got.event, 60)
        assert [text for text, _ in heard[1:]] == ["good morning"] * 2
        assert [event for _, event in heard] == [{"subject": "Mornings"}] * 3


async def cut_off(outside: FakeChannel, disk: Disk) -> str:
    """A turn that dies while its answer is on its way; returns its event."""

    async def never(_):
        await asyncio.sleep(10_000)
        return 0.0

    house = on(outside, disk=disk)
    await house.engine.start()
    outside.delay = never
    got = await house.accept("hello", **ON_CHAT)
    await asyncio.sleep(1)
    await house.engine.stop(seconds=0)
    outside.delay = FakeChannel().delay
    return got.event


@virtual
@pytest.mark.parametrize(
    ("policy", "shown"), [(Policy.KEYED, 1), (Policy.READBACK, 1), (Policy.NONE, 1)]
)
async def test_after_a_restart_an_answer_that_was_not_shown_is_shown(policy: Policy, shown: int):
    disk, outside = Disk(image()), channel(policy)
    event = await cut_off(outside, disk)
    assert outside.book == []
    async with on(outside, disk=disk) as house:
        await house.live.line_of(event, 60)
        assert len(outside.book) == shown


@virtual
@pytest.mark.parametrize(
    ("policy", "shown"), [(Policy.KEYED, 1), (Policy.READBACK, 1), (Policy.NONE, 2)]
)
async def test_after_a_restart_only_a_platform_with_neither_key_nor_look_up_shows_it_again(
    policy: Policy, shown: int
):
    disk, outside = Disk(image()), channel(policy)
    event = await cut_off(outside, disk)
    (effect,) = disk.all("select id, conv from effect")
    outside.book.append(_shown(effect))
    async with on(outside, disk=disk) as house:
        await house.live.line_of(event, 60)
        assert len(outside.book) == shown


@virtual
async def test_an_answer_is_repeated_once_and_then_let_be():
    disk, outside = Disk(image()), channel(Policy.NONE)
    event = await cut_off(outside, disk)

    async def never(_):
        await asyncio.sleep(10_000)
        return 0.0

    outside.delay = never
    house = on(outside, disk=disk)
    await house.engine.start()
    await asyncio.sleep(5)
    await house.engine.stop(seconds=0)
    outside.delay = FakeChannel().delay
    async with on(outside, disk=disk) as house:
        await house.live.line_of(event, 60)
        assert outside.book == []
        assert house.ending(event) == ("done", "answered")
        assert house.disk.all("select state, attempt from effect") == [("in_doubt", 2)]


@virtual
async def test_what_was_said_before_a_crash_stands_even_when_the_turn_would_now_say_something_else():
    disk, outside = Disk(image()), channel(Policy.READBACK)
    event = await cut_off(outside, disk)
    (effect,) = disk.all("select id, conv from effect")
    outside.book.append(_shown(effect))
    disk.all("delete from journal")
    other = ScriptedModel([say("Something else.")])
    async with on(outside, other, disk) as house:
        line = await house.live.line_of(event, 60)
        assert line["text"] == "hello"
        assert [shown.text for shown in outside.book] == ["hello"]


def _shown(effect):
    return Shown(effect=effect[0], conv=effect[1], text="hello", attempt=1)


@virtual
async def test_the_person_behind_a_platform_s_id_is_found():
    async with on(channel(Policy.NONE)) as house:
        got = await house.accept("/whoami", **ON_CHAT)
        assert got.reply.startswith("You are **Ana**")


@virtual
@pytest.mark.parametrize("policy", list(Policy))
async def test_a_model_that_fails_is_told_on_a_platform_at_once(policy: Policy):
    outside = channel(policy)

    def think(request):
        raise VendorRefused("The model has no more quota.")

    async with on(outside, ScriptedModel(think)) as house:
        got = await house.accept("hello", **ON_CHAT)
        await house.live.line_of(got.event, 30)
        (shown,) = outside.book
        assert "no more quota" in shown.text
        assert house.ending(got.event) == ("dead", "failed")
        assert house.disk.all("select attempts from inbox where id = ?", got.event) == [(1,)]
