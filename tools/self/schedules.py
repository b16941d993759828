"""Schedules: an agent promises to come back to something, in words that people use about time.

These tools do not ask (`Risk.READ`): what they change is the house's own book, it can be seen and
undone at any time, and nothing leaves. What a schedule does when it fires goes through the gate
like any message. One made while outside words were in the conversation is born tainted: its text
counts as outside words when it fires, so whatever it leads to asks. A person changes only what is
theirs or lives in the same conversation. Rules of words and missed runs: `scheduler/`.
"""

import hashlib
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.errors import Forbidden, NotFound
from bot.core.ids import ScheduleId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.tool import Risk, Tool, ToolContext

MAX_TASK = 4000


class NewSchedule(BaseModel):
    """When, and what."""

    model_config = ConfigDict(extra="forbid")

    when: Annotated[str, Field(min_length=1, max_length=200)]
    task: Annotated[str, Field(max_length=MAX_TASK), AfterValidator(str.strip), Field(min_length=1)]


class OneSchedule(BaseModel):
    """The id of a schedule."""

    model_config = ConfigDict(extra="forbid")

    schedule: Annotated[str, Field(min_length=1, max_length=60)]


class Pause(OneSchedule):
    """Whether it is to rest."""

    paused: bool = True


class NoArguments(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid")


async def schedule_create(ctx: ToolContext, args: NewSchedule) -> Outcome:
    """Plan something for later or for again and again; you will be woken and told the task then.

    Use it for reminders and for work at set times. Do not use it for what can be done now.
    - when: plain English words, in the person's own time, such as "every weekday at 9",
      "every Monday at 14:30", "every 2 hours", "tomorrow at 8", "in 20 minutes", "on 3 March at
      noon", "every month on the 1st". A cron line of five fields works too.
    - task: what to do then, complete, as you would tell it to somebody who has read nothing else.
    Tell the person the first time from the result.
    Example: {"when": "every weekday at 9", "task": "Remind Ana to check the orders."}
    """
    if ctx.tainted and ctx.person is None:
        raise Forbidden("Words from outside cannot plan anything when no person asks for it.")
    now = ctx.clock.now()
    trigger, first = ctx.house.schedules.plan(args.when, ctx.zone, now)
    made = Schedule(
        id=_id(ctx),
        tenant=ctx.tenant,
        words=args.when,
        trigger=trigger,
        zone=ctx.zone,
        prompt=args.task,
        agent=ctx.agent,
        person=ctx.person,
        conv=ctx.conv,
        state=ScheduleState.ACTIVE,
        next_at=first,
        tainted=ctx.tainted,
        created_at=now,
    )
    await ctx.house.schedules.add(made)
    kept = next((s for s in await ctx.house.schedules.list(ctx.tenant) if s.id == made.id), made)
    return _said(f"Planned. {_line(kept, ctx)}")


async def schedule_list(ctx: ToolContext, args: NoArguments) -> Outcome:
    """List the person's schedules and those of this conversation: id, when, next time, task.

    Use it before you pause or cancel one, or when the person asks what is planned. Do not use it
    for posts that wait for their time: that is planned_list.
    Example: {}
    """
    mine = [s for s in await ctx.house.schedules.list(ctx.tenant) if _is_mine(ctx, s)]
    return _said("\n".join(_line(s, ctx) for s in mine) or "Nothing is planned.")


async def schedule_pause(ctx: ToolContext, args: Pause) -> Outcome:
    """Stop a schedule for now, or let a paused one go on.

    Use it when the person wants a break from one, or the break to end. Do not use it to end one for
    good: that is schedule_cancel.
    - schedule: its id, from schedule_list.
    - paused: true to stop it; false to let it go on from now, without what it missed.
    Example: {"schedule": "sch_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6", "paused": true}
    """
    state = ScheduleState.PAUSED if args.paused else ScheduleState.ACTIVE
    return await _change(ctx, args.schedule, state)


async def schedule_cancel(ctx: ToolContext, args: OneSchedule) -> Outcome:
    """End a schedule for good.

    Use it when the person wants it gone. Do not use it to stop one for a while: that is
    schedule_pause.
    - schedule: its id, from schedule_list.
    Example: {"schedule": "sch_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6"}
    """
    return await _change(ctx, args.schedule, ScheduleState.CANCELLED)


async def _change(ctx: ToolContext, id_: str, state: ScheduleState) -> Outcome:
    listed = await ctx.house.schedules.list(ctx.tenant)
    known = next((s for s in listed if s.id == id_ and _is_mine(ctx, s)), None)
    changed = await ctx.house.schedules.change(ctx.tenant, known.id, state) if known else None
    if changed is None:
        raise NotFound("There is no such schedule. schedule_list tells what there is.")
    return _said(_line(changed, ctx))


def _is_mine(ctx: ToolContext, item: Schedule) -> bool:
    return item.conv == ctx.conv or (ctx.person is not None and item.person == ctx.person)


def _id(ctx: ToolContext) -> ScheduleId:
    """The same call has the same id, so that a repeated step makes nothing twice."""
    digest = hashlib.sha256(f"{ctx.tenant} {ctx.key}".encode()).hexdigest()
    return ScheduleId(f"sch_{digest[:26].upper()}")


def _line(item: Schedule, ctx: ToolContext) -> str:
    """One schedule in words; what outside words put into it is shown only where such words are."""
    zone = ZoneInfo(item.zone)
    if item.state is ScheduleState.ACTIVE and item.next_at:
        stand = f"next {item.next_at.astimezone(zone):%A %Y-%m-%d %H:%M} {item.zone}"
    else:
        stand = item.state.value
    is_shown = ctx.tainted or not item.tainted
    task = item.prompt[:200] if is_shown else "(made with words from outside; not shown here)"
    return f"{item.id}: {item.words}; {stand}; {task}"


def _said(text: str) -> Outcome:
    return Outcome(state=EffectState.SENT, data=text)


TOOLS = (
    Tool(
        name="schedule_create",
        arguments=NewSchedule,
        perform=schedule_create,
        risk=Risk.READ,
        saying="planning it",
    ),
    Tool(
        name="schedule_list",
        arguments=NoArguments,
        perform=schedule_list,
        risk=Risk.READ,
        saying="looking at what is planned",
    ),
    Tool(name="schedule_pause", arguments=Pause, perform=schedule_pause, risk=Risk.READ),
    Tool(name="schedule_cancel", arguments=OneSchedule, perform=schedule_cancel, risk=Risk.READ),
)
