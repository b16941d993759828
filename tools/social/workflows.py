"""What a named publish workflow is made of, for the agent that runs it.

In-house: the list is `_workflows.py`. It is read and changes nothing; the post itself is the
network's own tool with its card.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.core.effect import EffectState, Outcome
from bot.core.errors import NotFound
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._workflows import BY_ID, WORKFLOWS, steps_of


class Which(BaseModel):
    """A workflow's id, or nothing for the list."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=20)] = ""


async def workflow_steps(ctx: ToolContext, args: Which) -> Outcome:
    """Say what a publish workflow such as WF-042 consists of, step by step.

    Use it when the person names a workflow ("run WF-042: we open on Sunday"), and follow the steps.
    Do not use it for a post that is asked for in plain words: call the network's tool.
    - id: such as "WF-042"; leave it out for the list.
    Example: {"id": "WF-042"}
    """
    if not args.id:
        lines = [f"{each.id}: {each.title} ({each.agent})" for each in WORKFLOWS]
        return Outcome(state=EffectState.SENT, data="\n".join(lines))
    workflow = BY_ID.get(args.id)
    if workflow is None:
        raise NotFound(f"There is no workflow {args.id}. There are: {', '.join(BY_ID)}.")
    me = ctx.house.agents.get(ctx.tenant, ctx.agent)
    own = frozenset(me.tools if me else ())
    told = steps_of(workflow, own)
    if workflow.tool not in own and "social.*" not in own:
        told += f"\nYou have no {workflow.tool}: hand over to {workflow.agent}."
    return Outcome(state=EffectState.SENT, data=told)


TOOLS = (
    Tool(
        name="workflow_steps",
        arguments=Which,
        perform=workflow_steps,
        risk=Risk.READ,
        saying="looking up the workflow",
    ),
)
