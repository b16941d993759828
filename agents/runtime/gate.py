"""The gate: may this call run now, must a person be asked, or is it refused?

A thin wrapper around the tool set. Defaults: reading runs, writing asks, money asks. A tenant's
policy may say otherwise, of money only by the tool's name; an agent's file may only be stricter
than that, or pick `auto` for what its tenant has not ruled on. In a tainted conversation whatever
writes, pays or carries words out asks, whatever the policy says.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from bot.core.agent import Agent
from bot.core.canonical import Json
from bot.core.ids import AgentName, PersonId
from bot.core.tool import Risk, Tool
from bot.frozen import frozen
from bot.store.policies import Rule


class Action(StrEnum):
    """What the gate says."""

    AUTO = "auto"
    ASK = "ask"
    DENY = "deny"


_STRICTNESS = {Action.AUTO: 0, Action.ASK: 1, Action.DENY: 2}


@frozen
class Verdict:
    """What the gate says, and why."""

    action: Action
    why: str = ""
    approvers: tuple[PersonId, ...] = ()
    """Who alone may decide; empty: the requester and the owners."""
    needs: int = 1
    expires: timedelta = timedelta(days=7)


def judge(
    agent: Agent, tool: Tool, rules: Sequence[Rule], *, tainted: bool, amount_minor: int = 0
) -> Verdict:
    """Decide about one call."""
    verdict = _by_policy(agent, tool, rules, amount_minor)
    if verdict.action is not Action.AUTO or not tainted:
        return verdict
    if tool.risk is not Risk.READ or tool.egress:
        why = "This conversation holds text from outside, which may try to steer the agent."
        return replace(verdict, action=Action.ASK, why=why)
    return verdict


def within(whole: Verdict, part: Verdict) -> Verdict:
    """What the gate says of one deed of several: no less strict than of the call for all of them.

    Where each names who decides, and they name nobody in common, the deed is refused.
    """
    action = max(whole.action, part.action, key=_STRICTNESS.__getitem__)
    shared = tuple(p for p in part.approvers if p in whole.approvers)
    if whole.approvers and part.approvers and not shared:
        why = "Those who decide about the whole do not decide about this."
        return replace(part, action=Action.DENY, why=why)
    return Verdict(
        action=action,
        why=part.why or whole.why,
        approvers=shared or part.approvers or whole.approvers,
        needs=max(whole.needs, part.needs),
        expires=min(whole.expires, part.expires),
    )


def forbids(agent: AgentName, tool: Tool, rules: Sequence[Rule], amount_minor: int) -> bool:
    """Whether a tenant's rules refuse such a deed, whoever says yes."""
    rule = rule_for(agent, tool, rules, amount_minor)
    return rule is not None and Action(rule.decision) is Action.DENY


def amount_of(tool: Tool, arguments: Mapping[str, Json]) -> int:
    """What a call would move, in minor units; what cannot be read counts as without limit."""
    amount = arguments.get("amount_minor")
    if isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0:
        return amount
    return sys.maxsize if tool.risk is Risk.MONEY or amount is not None else 0


def _by_policy(agent: Agent, tool: Tool, rules: Sequence[Rule], amount_minor: int) -> Verdict:
    rule = rule_for(agent.name, tool, rules, amount_minor)
    stated = agent.policy.get(tool.name)
    if rule is None:
        action = Action(stated) if stated else _default(tool)
        if tool.risk is Risk.MONEY and action is Action.AUTO:
            action = Action.ASK  # only a tenant's own rule lets money move unasked
        return Verdict(action=action, why=_why(tool, action))
    action = Action(rule.decision)
    if tool.risk is Risk.MONEY and action is Action.AUTO and not rule.tool:
        action = Action.ASK  # what is said of all tools is not said of money
    if stated and _STRICTNESS[Action(stated)] > _STRICTNESS[action]:
        action = Action(stated)
    return Verdict(
        action=action,
        why=_why(tool, action),
        approvers=rule.approvers,
        needs=rule.needs,
        expires=timedelta(hours=rule.hours) if rule.hours else timedelta(days=7),
    )


def rule_for(agent: AgentName, tool: Tool, rules: Sequence[Rule], amount_minor: int) -> Rule | None:
    """A tenant's most specific rule for such a deed; None where none fits."""
    fitting = [
        rule
        for rule in rules
        if rule.agent in ("", agent)
        and rule.tool in ("", tool.name)
        and rule.above_minor <= amount_minor
    ]
    if not fitting:
        return None
    return max(fitting, key=lambda r: (bool(r.tool), bool(r.agent), r.above_minor))


def _default(tool: Tool) -> Action:
    return Action.AUTO if tool.risk is Risk.READ else Action.ASK


def _why(tool: Tool, action: Action) -> str:
    if action is Action.DENY:
        return f"The policy of this workspace does not allow {tool.name}."
    if tool.risk is Risk.MONEY:
        return "Money moves only with a person's yes."
    return "What leaves in your name waits for a yes."
