"""Handing a conversation to a colleague. This only checks that it may be; the loop does the rest.

The team chart is followed: up to one's lead, down to those one leads, across to those who have the
same lead. Without a chart everyone stands side by side. What the conversation has touched goes
with it, so a hand-off washes no taint off.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.agent import Agent
from bot.core.effect import EffectState, Outcome
from bot.core.errors import Forbidden, NotFound
from bot.core.tool import Risk, Tool, ToolContext


class HandOff(BaseModel):
    """Who, and what they should know."""

    model_config = ConfigDict(extra="forbid")

    agent: Annotated[str, Field(min_length=1, max_length=64)]
    note: Annotated[str, Field(max_length=2000)] = ""


async def hand_off(ctx: ToolContext, args: HandOff) -> Outcome:
    """Hand the conversation to a colleague who can do what you cannot.

    Use it when what is asked is a colleague's work and not yours. Do not use it to ask a colleague
    something and come back: they go on with the person.
    - agent: the colleague's name, such as "kelly".
    - note: what they should know, in a sentence or two.
    Example: {"agent": "kelly", "note": "Ana wants the opening hours posted on X."}
    """
    wanted = args.agent.strip().lstrip("@").lower()
    me = ctx.house.agents.get(ctx.tenant, ctx.agent)
    other = ctx.house.agents.get(ctx.tenant, wanted)
    team = ctx.house.agents.all(ctx.tenant)
    if other is None:
        raise NotFound(f"There is no colleague called {wanted!r}.{_hint(wanted, team)}")
    if other.name == ctx.agent:
        raise Forbidden("That is you. Do it yourself, or say that you cannot.")
    if me is not None and not follows_chart(me, other):
        reach = ", ".join(a.name for a in team if a.name != me.name and follows_chart(me, a))
        raise Forbidden(f"You cannot hand over to {other.name}; only to: {reach or 'nobody'}.")
    return Outcome(state=EffectState.SENT, data={"hand_off": other.name, "note": args.note})


def follows_chart(giver: Agent, taker: Agent) -> bool:
    """Whether one may hand over to the other: lead, report, or the same lead."""
    return giver.lead == taker.name or taker.lead == giver.name or giver.lead == taker.lead


def _hint(wanted: str, team: Sequence[Agent]) -> str:
    names: list[str] = [agent.name for agent in team]
    near = get_close_matches(wanted, names, n=1)
    return f" Did you mean {near[0]}?" if near else f" There are: {', '.join(names)}."


TOOLS = (
    Tool(
        name="hand_off",
        arguments=HandOff,
        perform=hand_off,
        risk=Risk.READ,
        saying="handing over to a colleague",
    ),
)
