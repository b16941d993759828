"""An agent's schedules."""

from dataclasses import replace

import pytest

from bot.core.errors import Forbidden, NotFound
from bot.core.ids import ConvId, PersonId, TenantId
from bot.core.ports import House
from bot.core.schedule import ScheduleState
from bot.core.tool import Risk, ToolContext
from tests.tools.kit import ANA, FakeSchedules, context, house, refusal
from tools.self.schedules import (
    TOOLS,
    NewSchedule,
    NoArguments,
    OneSchedule,
    Pause,
    schedule_cancel,
    schedule_create,
    schedule_list,
    schedule_pause,
)

DAILY = NewSchedule(when="every day at 9", task="Look at the orders.")


def book(ctx: ToolContext) -> FakeSchedules:
    """The fake book behind a context."""
    assert isinstance(ctx.house.schedules, FakeSchedules)
    return ctx.house.schedules


async def made(lent: House, **changes: object) -> OneSchedule:
    """A schedule, made; returns its id as an argument."""
    ctx = context(lent, **changes)
    await schedule_create(ctx, DAILY)
    return OneSchedule(schedule=book(ctx).book[-1].id)


async def test_what_is_planned_is_kept_with_whom_it_is_for() -> None:
    ctx = context()
    outcome = await schedule_create(ctx, DAILY)
    (kept,) = book(ctx).book
    assert (kept.tenant, kept.person, kept.conv, kept.agent) == ("ten_1", ANA, "cnv_1", "bri")
    assert (kept.words, kept.prompt, kept.zone) == (DAILY.when, DAILY.task, "Europe/Berlin")
    assert not kept.tainted
    assert "Thursday 2027-03-04 00:17 Europe/Berlin" in str(outcome.data), (
        "in the person's own time"
    )


async def test_the_same_call_twice_plans_once() -> None:
    ctx = context()
    await schedule_create(ctx, DAILY)
    await schedule_create(ctx, DAILY)
    assert len(book(ctx).book) == 1
    await schedule_create(replace(ctx, key="evt_1:7"), DAILY)
    await schedule_create(replace(ctx, tenant=TenantId("ten_2")), DAILY)
    assert len({item.id for item in book(ctx).book}) == 3


async def test_planning_does_not_ask_but_taint_travels_along() -> None:
    assert all(tool.risk is Risk.READ and not tool.egress for tool in TOOLS)
    ctx = context(tainted=True)
    await schedule_create(ctx, DAILY)
    assert book(ctx).book[0].tainted


async def test_what_outside_words_planned_is_told_elsewhere_without_their_words() -> None:
    """A list brings no order of a page into a conversation that has read none."""
    lent = house()
    one = await made(lent, tainted=True)
    for outcome in (
        await schedule_list(context(lent), NoArguments()),
        await schedule_pause(context(lent), Pause(schedule=one.schedule)),
    ):
        assert one.schedule in str(outcome.data)
        assert DAILY.task not in str(outcome.data)
    there = await schedule_list(context(lent, tainted=True), NoArguments())
    assert DAILY.task in str(there.data)


async def test_outside_words_alone_plan_nothing() -> None:
    ctx = context(tainted=True, person=None)
    with pytest.raises(Forbidden):
        await schedule_create(ctx, DAILY)
    assert not book(ctx).book


async def test_one_is_paused_resumed_and_cancelled() -> None:
    lent = house()
    one = await made(lent)
    ctx = context(lent)
    await schedule_pause(ctx, Pause(schedule=one.schedule))
    assert book(ctx).book[0].state is ScheduleState.PAUSED
    await schedule_pause(ctx, Pause(schedule=one.schedule, paused=False))
    assert book(ctx).book[0].state is ScheduleState.ACTIVE
    outcome = await schedule_cancel(ctx, one)
    assert book(ctx).book[0].state is ScheduleState.CANCELLED
    assert one.schedule in str(outcome.data)


@pytest.mark.parametrize(
    "whose",
    [{"tenant": TenantId("ten_2")}, {"person": PersonId("per_bob"), "conv": ConvId("cnv_2")}],
    ids=["another tenant's", "another person's elsewhere"],
)
async def test_another_ones_is_neither_seen_nor_changed(whose: dict[str, object]) -> None:
    lent = house()
    one = await made(lent, **whose)
    with pytest.raises(NotFound):
        await schedule_cancel(context(lent), one)
    assert (await schedule_list(context(lent), NoArguments())).data == "Nothing is planned."
    assert book(context(lent)).book[0].state is ScheduleState.ACTIVE


async def test_mine_elsewhere_and_others_here_are_listed() -> None:
    lent = house()
    await made(lent, conv=ConvId("cnv_2"), key="a")
    await made(lent, person=PersonId("per_bob"), key="b")
    listed = str((await schedule_list(context(lent), NoArguments())).data)
    assert len(listed.splitlines()) == 2


def test_arguments_have_limits() -> None:
    assert "at most 200" in refusal(NewSchedule, when="a" * 10**6, task="b")
    assert "at most 4000" in refusal(NewSchedule, when="at 9", task="b" * 10**6)
    assert "at least 1" in refusal(NewSchedule, when="at 9", task="  \r\n ")
    assert "Extra" in refusal(NoArguments, all=True)
