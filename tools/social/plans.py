"""Posts that were approved for a later time: which ones wait, and taking one back.

In-house: they are rows of the ledger, whatever their network. Until its time nothing has left the
house, so taking one back undoes nothing outside and needs no yes; but it undoes a yes, so only who
asked for the post, or who may decide about it, takes it back, and where words from outside may
steer the agent it asks, as what carries words out does.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import SettingsError
from bot.core.tool import Risk, Tool, ToolContext
from bot.plans import Plans

MAX_SHOWN = 120


class Which(BaseModel):
    """Of this conversation, or of all."""

    model_config = ConfigDict(extra="forbid")

    everywhere: bool = False


class OnePost(BaseModel):
    """Which one."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    what: SkipJsonSchema[Annotated[str, StringConstraints(max_length=1000)]] = ""
    """Filled in by the house: the post as the list shows it."""


async def planned_list(ctx: ToolContext, args: Which) -> Outcome:
    """List what was approved in this conversation and waits for its time.

    Use it when the person asks what is planned, or before planned_cancel. Do not use it for
    reminders and repeated tasks: those are schedule_list.
    - everywhere: true for all that the person may take back, whichever conversation it is from;
      only when they ask for that.
    Example: {}
    """
    found = await _plans(ctx).waiting(ctx, everywhere=args.everywhere)
    lines = [f"{item.id}: {_line(at, item)}" for at, item in found]
    return Outcome(state=EffectState.SENT, data="\n".join(lines) or "Nothing waits for its time.")


async def planned_cancel(ctx: ToolContext, args: OnePost) -> Outcome:
    """Take back one post that was approved for later and has not gone out.

    Use it when the person no longer wants it, or wants it otherwise: take it back, then ask for the
    new one. Do not use it for a post that is out: that is the network's delete tool.
    - id: from planned_list, such as "eff_01J8Z6Y3T5Q4W2E1R0T9Y8U7I60100".
    Example: {"id": "eff_01J8Z6Y3T5Q4W2E1R0T9Y8U7I60100"}
    """
    item = await _plans(ctx).take_back(ctx, args.id)
    return Outcome(state=EffectState.SENT, data=f"Taken back: {item.tool}. It will not go out.")


async def complete(ctx: ToolContext, args: OnePost) -> OnePost:
    """Say which post it is. Raises NotFound for what does not wait here."""
    at, item = await _plans(ctx).one(ctx, args.id)
    return args.model_copy(update={"what": _line(at, item)})


def preview(args: OnePost) -> Card:
    """Show the post that would not go out."""
    return Card(title="Take back a planned post", body=args.what)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether it was taken back."""
    is_done = await _plans(ctx).is_taken_back(ctx, OnePost.model_validate(effect.arguments).id)
    return Outcome(state=EffectState.SENT, data="Taken back.") if is_done else None


def _line(at: datetime, item: Effect) -> str:
    text = str(item.arguments.get("text", ""))[:MAX_SHOWN]
    return f"{item.tool} at {at:%A %Y-%m-%d %H:%M} UTC: {text}"


def _plans(ctx: ToolContext) -> Plans:
    if not isinstance(ctx.settings, Plans):
        raise SettingsError("This house keeps no plans.")
    return ctx.settings


TOOLS = (
    Tool(
        name="planned_list",
        arguments=Which,
        perform=planned_list,
        risk=Risk.READ,
        saying="looking at what is planned",
    ),
    Tool(
        name="planned_cancel",
        arguments=OnePost,
        perform=planned_cancel,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.READ,
        policy=Policy.READBACK,
        egress=True,
        saying="taking a planned post back",
    ),
)
