"""Deeds: done once, found out after a silence, asked about when nobody knows."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, repeat

import pytest

import bot.effects
from bot.core.effect import EffectState, Outcome
from bot.core.errors import OperatorError, VendorUnknown
from bot.core.tool import ToolContext
from bot.effects import ATTEMPTS
from tests.fakes.database import Calm, Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import Switchboard, Team, agent, image
from tests.fakes.vendor import Fate, Vendor, Words, tools_of
from tests.sim.loop import virtual


def doing(*names: str) -> ScriptedModel:
    """A model that uses these tools in one message and then says what it was told."""

    def think(request):
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say(told)
        return call(*((name, {"text": f"words {n}"}) for n, name in enumerate(names)))

    return ScriptedModel(think)


def fated(*fates: Fate) -> Vendor:
    """A vendor that meets these calls so, and every later one kindly."""
    coming = chain(fates, repeat(Fate.DONE))
    return Vendor(fate=lambda tool: next(coming))


def audited(house: Switchboard) -> list[str]:
    """What the audit says of tool effects, in order."""
    rows = house.disk.all(
        "select action from audit where target like 'eff_%' and action like 'effect.%' order by seq"
    )
    return [row[0] for row in rows]


@virtual
async def test_sending_is_on_the_disk_before_the_vendor_is_called():
    vendor = Vendor()
    seen: list[object] = []
    house = Switchboard(doing("none_auto"), vendor=vendor)
    really = vendor.post

    async def post(policy, tool, ctx, args):
        seen.extend(house.disk.all("select state from effect"))
        return await really(policy, tool, ctx, args)

    vendor.post = post
    async with house:
        await house.ask("do it")
    assert seen == [("sending",)]
    assert audited(house) == ["effect.sending", "effect.sent"]


@virtual
@pytest.mark.parametrize("name", ["keyed_auto", "readback_auto", "none_auto"])
async def test_a_deed_that_needs_no_yes_is_done_once_and_told(name: str):
    async with Switchboard(doing(name)) as house:
        assert (await house.ask("do it")).startswith("Done. https://vendor.example/ref0")
        assert len(house.vendor.book) == 1
        assert house.vendor.book[0].key == house.vendor.book[0].effect


@virtual
async def test_a_definite_refusal_is_told_and_nothing_was_done():
    async with Switchboard(doing("none_auto"), vendor=fated(Fate.REFUSED)) as house:
        assert await house.ask("do it") == "Not done: The service refused this."
        assert house.states() == [("none_auto", "failed")]
        assert await house.pending() == []


@virtual
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.SILENT, Fate.LATE])
async def test_a_keyed_vendor_that_is_silent_is_called_again_with_the_same_key(fate: Fate):
    async with Switchboard(doing("keyed_auto"), vendor=fated(fate)) as house:
        got = await house.accept("do it")
        await house.live.line_of(got.event, 300)
        assert len(house.vendor.book) == 1
        assert house.states() == [("keyed_auto", "sent")]
        assert house.vendor.calls == 2


@virtual
async def test_a_key_that_is_refused_after_a_silence_proves_nothing():
    fates = (Fate.SILENT, Fate.REFUSED, Fate.REFUSED, Fate.REFUSED)
    async with Switchboard(doing("keyed_auto"), vendor=fated(*fates)) as house:
        await house.live.line_of((await house.accept("do it")).event, 300)
        assert len(house.vendor.book) == 1
        assert house.states() == [("keyed_auto", "in_doubt")]


@virtual
async def test_a_key_is_not_used_again_after_the_vendor_may_have_forgotten_it():
    vendor = fated(Fate.SILENT)
    house = Switchboard(doing("keyed_auto"), vendor=vendor)

    async def days_pass(_):
        house.move(days=2)
        return 0.0

    vendor.delay = days_pass
    async with house:
        await house.live.line_of((await house.accept("do it")).event, 300)
        assert vendor.calls == 1
        assert house.states() == [("keyed_auto", "in_doubt")]


@virtual
@pytest.mark.parametrize(
    ("fate", "calls"), [(Fate.SILENT, 1), (Fate.LATE, 1), (Fate.LOST, 2)], ids=str
)
async def test_what_can_be_looked_up_is_looked_up_and_only_done_again_when_it_is_not_there(
    fate: Fate, calls: int
):
    async with Switchboard(doing("readback_auto"), vendor=fated(fate)) as house:
        await house.live.line_of((await house.accept("do it")).event, 300)
        assert len(house.vendor.book) == 1
        assert house.states() == [("readback_auto", "sent")]
        assert house.vendor.calls == calls


@virtual
async def test_a_look_up_waits_until_what_is_on_its_way_must_have_arrived():
    vendor = fated(Fate.LOST)
    looked: list[float] = []
    loop = asyncio.get_running_loop()
    really = vendor.find

    async def find(effect):
        looked.append(loop.time())
        return await really(effect)

    vendor.find = find
    async with Switchboard(doing("readback_auto"), vendor=vendor) as house:
        began = loop.time()
        await house.live.line_of((await house.accept("do it")).event, 300)
    assert looked[0] - began >= bot.effects.LOOK_AFTER_S


@virtual
async def test_when_the_look_up_fails_as_well_a_person_is_asked():
    async with Switchboard(doing("readback_auto"), vendor=fated(Fate.BLIND)) as house:
        await house.live.line_of((await house.accept("do it")).event, 300)
        assert house.states() == [("readback_auto", "in_doubt")]
        (question,) = await house.pending()
        assert question.kind == "doubt"


@virtual
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.SILENT])
async def test_where_there_is_neither_key_nor_look_up_a_person_is_asked_in_the_same_place(
    fate: Fate,
):
    async with Switchboard(doing("none_auto"), vendor=fated(fate)) as house:
        got = await house.accept("do it")
        line = await house.live.line_of(got.event)
        assert "I will not do it twice" in str(line["text"])
        assert house.vendor.calls == 1
        (question,) = await house.pending()
        assert question.conv == got.conv
        assert [choice.id for choice in question.card.choices] == ["there", "leave", "again"]
        assert question.card.title.startswith("I may have done this")
        shown = house.disk.all("select text from message where approval = ?", question.id)
        assert shown == [(question.card.title,)]


@virtual
@pytest.mark.parametrize(
    ("choice", "state", "records", "told"),
    [
        ("there", "sent", 1, "sent"),
        ("again", "sent", 2, "sent"),
        ("leave", "abandoned", 1, "in doubt, and left so"),
    ],
)
async def test_a_doubt_is_settled_by_a_word_and_the_agent_learns_of_it_once(
    choice: str, state: str, records: int, told: str
):
    async with Switchboard(doing("none_auto"), vendor=fated(Fate.SILENT)) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, choice)
        said = await house.settled(question)
        assert f'"state":"{told}"' in said
        assert house.states() == [("none_auto", state)]
        assert len(house.vendor.book) == records
        events = house.disk.all("select count(*) from inbox where kind = 'settled'")
        assert events == [(1,)]


@virtual
async def test_even_on_a_wrong_word_what_can_be_looked_up_is_not_done_twice():
    async with Switchboard(doing("readback_auto"), vendor=fated(Fate.BLIND)) as house:
        await house.live.line_of((await house.accept("do it")).event, 300)
        (question,) = await house.pending()
        await house.decide(question, "again")
        await house.settled(question)
        assert len(house.vendor.book) == 1
        assert house.states() == [("readback_auto", "sent")]


@virtual
async def test_a_doubt_of_an_approved_deed_holds_back_the_outcome_until_it_is_settled():
    async with Switchboard(doing("none_ask", "keyed_ask"), vendor=fated(Fate.SILENT)) as house:
        await house.ask("do both")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await asyncio.sleep(60)
        (doubt,) = await house.pending()
        assert house.states() == [("none_ask", "in_doubt"), ("keyed_ask", "sent")]
        assert house.disk.all("select 1 from inbox where kind = 'settled'") == []
        await house.decide(doubt, "there")
        said = await house.settled(question)
        assert said.count('"state":"sent"') == 2


@virtual
async def test_a_second_doubt_about_the_same_deed_is_asked_anew():
    vendor = fated(Fate.SILENT, Fate.SILENT)
    async with Switchboard(doing("none_auto"), vendor=vendor) as house:
        await house.ask("do it")
        (first,) = await house.pending()
        await house.decide(first, "again")
        await asyncio.sleep(60)
        (second,) = await house.pending()
        assert second.id != first.id
        await house.decide(second, "leave")
        assert house.states() == [("none_auto", "abandoned")]


@virtual
async def test_a_refusal_that_passes_is_tried_again_later_and_only_so_often():
    busy = (Fate.BUSY,) * (ATTEMPTS - 1)
    async with Switchboard(doing("none_ask"), vendor=fated(*busy)) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert house.states() == [("none_ask", "sent")]
        assert audited(house).count("effect.retry") == ATTEMPTS - 1
    async with Switchboard(doing("none_ask"), vendor=fated(*busy, *busy)) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        assert '"state":"failed"' in await house.settled(question)


@virtual
async def test_deeds_of_one_approval_are_done_in_the_order_shown_and_independently():
    vendor = fated(Fate.DONE, Fate.REFUSED, Fate.DONE)
    async with Switchboard(doing("none_ask", "keyed_ask", "pay"), vendor=vendor) as house:
        await house.ask("do all")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert [record.arguments["text"] for record in vendor.book] == ["words 0", "words 2"]
        assert [state for _, state in house.states()] == ["sent", "failed", "sent"]


@virtual
async def test_what_is_tried_again_later_holds_back_what_comes_after_it():
    vendor = fated(Fate.BUSY, Fate.DONE, Fate.DONE)
    async with Switchboard(doing("none_ask", "keyed_ask"), vendor=vendor) as house:
        await house.ask("do both")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert [record.tool for record in vendor.book] == ["none_ask", "keyed_ask"]


@virtual
async def test_questions_are_worked_through_side_by_side():
    vendor = Vendor()

    async def far(_):
        await asyncio.sleep(10)
        return 0.0

    vendor.delay = far
    async with Switchboard(doing("none_ask"), vendor=vendor) as house:
        for n in range(8):
            await house.ask("do it", thread=f"t{n}")
        questions = await house.pending()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for question in questions:
            await house.decide(question, "approve")
        for question in questions:
            async with asyncio.timeout(60):
                while not house.disk.all(
                    "select 1 from inbox where ext_id = ?", f"settled:{question.id}"
                ):
                    await asyncio.sleep(0.5)
        assert loop.time() - began < 40


class Breaking:
    """Performers that end in ways which no tool should."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def __call__(self, ctx: ToolContext, args: Words) -> Outcome:
        """Break. Example: {"text": "x"}"""
        raise self.error


@virtual
@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RuntimeError("a bug"), EffectState.IN_DOUBT),
        (VendorUnknown(), EffectState.IN_DOUBT),
        (TimeoutError(), EffectState.IN_DOUBT),
        (OperatorError("Not connected."), EffectState.FAILED),
    ],
    ids=["a bug", "no answer", "too late", "not set up"],
)
async def test_however_a_tool_breaks_the_ledger_says_what_is_known(
    error: BaseException, state: EffectState
):
    tools = tools_of(Vendor())
    tools["none_auto"] = replace(tools["none_auto"], perform=Breaking(error))
    async with Switchboard(doing("none_auto"), tools=tools) as house:
        await house.ask("do it")
        assert house.states() == [("none_auto", state.value)]


class Full(Calm):
    """A disk that is full while it says so."""

    says = "ok"

    def commit(self) -> str:
        return self.says


@virtual
@pytest.mark.parametrize("policy", ["keyed", "readback", "none"])
async def test_what_was_done_is_written_down_when_the_disk_has_room_again(policy: str):
    weather, vendor = Full(), Vendor()

    async def far(_):
        await asyncio.sleep(3)
        return 0.0

    vendor.delay = far
    async with Switchboard(doing(f"{policy}_ask"), vendor=vendor, weather=weather) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await asyncio.sleep(2)
        weather.says = "refused"
        await asyncio.sleep(60)
        assert house.states() == [(f"{policy}_ask", "sending")]
        weather.says = "ok"
        await house.settled(question)
        assert house.states() == [(f"{policy}_ask", "sent")]
        assert len(vendor.book) == 1


@virtual
async def test_a_full_disk_does_not_make_the_ledger_spin():
    weather = Full()
    async with Switchboard(doing("none_ask"), weather=weather) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        await house.decide(question, "approve")
        weather.says = "refused"
        before = weather.__dict__.setdefault("tries", 0)
        really = weather.commit

        def counted() -> str:
            weather.__dict__["tries"] += 1
            return really()

        weather.commit = counted
        await asyncio.sleep(60)
        assert weather.__dict__["tries"] - before < 200


async def left_sending(disk: Disk, vendor: Vendor, names: Sequence[str]) -> Switchboard:
    """A house that was cut off while the vendor had not answered yet."""
    house = Switchboard(doing(*names), vendor=vendor, disk=disk)
    await house.engine.start()
    await house.ask("do it")
    (question,) = await house.pending()

    async def never(_):
        await asyncio.sleep(10_000)
        return 0.0

    vendor.delay = never
    await house.decide(question, "approve")
    await asyncio.sleep(1)
    await house.engine.stop(seconds=0)
    vendor.delay = Vendor().delay
    return house


@virtual
async def test_after_a_restart_the_order_shown_is_kept():
    disk = Disk(image())
    vendor = Vendor()
    await left_sending(disk, vendor, ("keyed_ask", "none_ask"))
    async with Switchboard(doing(), vendor=vendor, disk=disk) as house:
        (row,) = disk.all("select id from approval")
        async with asyncio.timeout(60):
            while not disk.all("select 1 from inbox where ext_id = ?", f"settled:{row[0]}"):
                await asyncio.sleep(0.5)
        assert [record.tool for record in vendor.book] == ["keyed_ask", "none_ask"]
        assert house.states() == [("keyed_ask", "sent"), ("none_ask", "sent")]


@virtual
async def test_after_a_restart_what_cannot_be_known_is_asked_and_not_repeated():
    disk = Disk(image())
    vendor = Vendor()
    await left_sending(disk, vendor, ("none_ask",))
    async with Switchboard(doing(), vendor=vendor, disk=disk) as house:
        await asyncio.sleep(60)
        (doubt,) = await house.pending()
        assert doubt.kind == "doubt"
        assert vendor.calls == 1


@virtual
async def test_a_doubt_finds_a_free_code_when_its_first_one_is_taken():
    async with Switchboard(doing("none_auto"), vendor=fated(*(Fate.SILENT,) * 3)) as house:
        codes = iter([b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\2"])
        really = house.clock.chance
        house.clock.chance = lambda size: next(codes) if size == 4 else really(size)
        await house.ask("one", thread="a")
        await house.ask("two", thread="b")
        assert {item.code for item in await house.pending()} == {"1001", "1002"}


@virtual
async def test_a_deed_asked_with_an_older_meaning_of_the_tool_is_not_done():
    vendor = Vendor()
    tools = tools_of(vendor)
    async with Switchboard(doing("none_ask"), tools=tools, vendor=vendor) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        tools["none_ask"] = replace(tools["none_ask"], version=2)
        await house.decide(question, "approve")
        assert '"state":"failed"' in await house.settled(question)
        assert vendor.book == []


@virtual
async def test_a_deed_whose_tool_is_gone_fails_and_is_told():
    vendor = Vendor()
    tools = tools_of(vendor)
    async with Switchboard(doing("none_ask"), tools=tools, vendor=vendor) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        del tools["none_ask"]
        await house.decide(question, "approve")
        assert '"state":"failed"' in await house.settled(question)


@virtual
async def test_a_tool_keeps_what_its_repeatable_steps_left():
    vendor = fated(Fate.LOST)
    tools = tools_of(vendor)
    plain = tools["keyed_auto"]
    seen: list[object] = []

    async def in_two_steps(ctx: ToolContext, args: Words) -> Outcome:
        """Upload, then post. Example: {"text": "x"}"""
        seen.append(dict(ctx.progress))
        if not ctx.progress:
            assert ctx.save
            await ctx.save({"upload": "up_1"})
        return await plain.perform(ctx, args)

    tools["keyed_auto"] = replace(plain, perform=in_two_steps)
    async with Switchboard(doing("keyed_auto"), vendor=vendor, tools=tools) as house:
        await house.live.line_of((await house.accept("do it")).event, 300)
    assert seen == [{}, {"upload": "up_1"}]


@virtual
async def test_the_agent_s_policy_decides_what_runs_unasked():
    team = Team({"bri": agent("bri", policy={})})
    async with Switchboard(doing("none_auto"), team=team) as house:
        await house.ask("do it")
        assert house.states() == [("none_auto", "awaiting_approval")]
