"""Where messages can be sent to: the places on each platform that the bot itself is in.

Names of channels are other people's words, so the result counts as such.
In-house: `bot/platforms/outgoing.py`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.core.effect import EffectState, Outcome
from bot.core.tool import Risk, Tool, ToolContext
from tools.messages._message import outgoing

MOST = 100


class Where(BaseModel):
    """On which platform."""

    model_config = ConfigDict(extra="forbid")

    platform: Literal["slack", "discord", "telegram", "teams"]


async def message_places(ctx: ToolContext, args: Where) -> Outcome:
    """List the places on a platform that the bot can send messages to, and which kinds go where.

    Use it before sending a message when its kind or the name of the place is not certain. Do not
    use it to read what is said there.
    - platform: slack, discord, telegram or teams.
    Example: {"platform": "slack"}
    """
    out = outgoing(ctx)
    there = sorted(await out.places(ctx.tenant, args.platform), key=lambda s: s.name)
    kinds = await out.kinds(ctx.tenant, args.platform)
    lines = [f"Messages of the kind {each.kind} go to {each.name}." for each in kinds]
    lines += [f"{spot.name} ({spot.id}): {spot.about}" for spot in there[:MOST]]
    if len(there) > MOST:
        lines.append(f"[{len(there)} in all]")
    text = "\n".join(lines) or "The bot is nowhere there yet. Somebody can invite it."
    return Outcome(state=EffectState.SENT, data=text)


TOOLS = (
    Tool(
        name="message_places",
        arguments=Where,
        perform=message_places,
        risk=Risk.READ,
        outside=True,
        saying="looking where to write",
    ),
)
