"""The VIS score: one number of the workspace, kept by the house with its history.

In-house: no vendor stands behind it; it is a row of the house's own database, written once for each
effect, so asking again after a crash changes nothing twice.
"""

from datetime import UTC
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import OperatorError
from bot.core.times import from_us, to_us
from bot.core.tool import Risk, Tool, ToolContext
from bot.store import scores
from bot.store.script import Database
from tools._arguments import unfit
from tools.community._settings import ScoreSettings

MOST = 1_000_000_000
SHOWN = 5
KEPT_S = 365 * 86_400
"""A change is known by its effect as long as its row is there: for good."""


class NoArguments(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid")


class Change(BaseModel):
    """What the score becomes: a value, or a step from what it is."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[int, Field(ge=-MOST, le=MOST)] | None = None
    step: Annotated[int, Field(ge=-MOST, le=MOST)] | None = None
    reason: Annotated[
        str,
        Field(min_length=1, max_length=400),
        AfterValidator(lambda text: " ".join(text.split())),
    ]

    @model_validator(mode="after")
    def one(self) -> Self:
        """Refuse both, and neither."""
        if (self.value is None) == (self.step is None):
            raise unfit("give either value or step, not both")
        return self


def preview(args: Change) -> Card:
    """What changes, and why."""
    to = f"{args.value}" if args.value is not None else f"{args.step:+d} from what it is then"
    return Card(
        title="Update the VIS score",
        fields=(
            Line(name="VIS score", value=to),
            Line(name="Reason", value=args.reason, editable="reason"),
        ),
        audience="this workspace",
    )


async def score_show(ctx: ToolContext, args: NoArguments) -> Outcome:
    """Show the workspace's VIS score and how it became what it is.

    Use it when the person asks for the VIS score or its history. Do not use it to change the score:
    that is score_update.
    Example: {}
    """
    db = _db(ctx)
    value = await db.read(scores.now(ctx.tenant))
    if value is None:
        return Outcome(state=EffectState.SENT, data="Nobody has set the VIS score yet.")
    zone = ZoneInfo(ctx.zone) if ctx.zone else UTC
    lines = [
        f"{from_us(past.at).astimezone(zone):%Y-%m-%d %H:%M}: {past.value} ({past.reason})"
        for past in await db.read(scores.history(ctx.tenant, SHOWN))
    ]
    return Outcome(
        state=EffectState.SENT, data="\n".join([f"The VIS score is {value}.", "", *lines])
    )


async def score_update(ctx: ToolContext, args: Change) -> Outcome:
    """Update the workspace's VIS score.

    Use it when the person says what the VIS score is now, or by how much it changes. Do not use it
    to show it: that is score_show.
    - value: the new score, such as 87; or
    - step: what is added to it, such as -3.
    - reason: why, in one sentence.
    Example: {"value": 87, "reason": "counted at the June meeting"}
    """
    asked = scores.Change(
        tenant=ctx.tenant,
        id=ctx.key,
        number=args.value if args.value is not None else args.step or 0,
        is_added=args.value is None,
        reason=args.reason,
        person=ctx.person or "",
        agent=ctx.agent,
        at=to_us(ctx.clock.now()),
    )
    value = await _db(ctx).write(scores.change(asked))
    return Outcome(
        state=EffectState.SENT, vendor_ref=ctx.key, data=f"The VIS score is {value} now."
    )


def _db(ctx: ToolContext) -> Database:
    """Where the score is. Raises OperatorError where the house lends none."""
    if not isinstance(ctx.settings, ScoreSettings):
        raise OperatorError("The VIS score has no place to be kept here.")
    return ctx.settings.db


TOOLS = (
    Tool(
        name="score_show",
        arguments=NoArguments,
        perform=score_show,
        risk=Risk.READ,
        saying="looking at the score",
    ),
    Tool(
        name="score_update",
        arguments=Change,
        perform=score_update,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=KEPT_S,
        saying="updating the score",
    ),
)
