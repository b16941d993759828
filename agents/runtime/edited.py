"""Who decides about deeds that a person changed on their card, by the policy of what they are now.

An edit never lowers how many must say yes. Where a rule names who decides about what would be done
now, and it is another rule than before, those decide; about several deeds at once, who decides
about each of them.
"""

from collections.abc import Callable, Sequence

from agents.runtime.gate import Action, amount_of, rule_for
from bot.core.approval import Approval
from bot.core.effect import Effect
from bot.core.errors import Invalid
from bot.core.ids import PersonId, TenantId
from bot.core.tool import Tool
from bot.questions import Deciders
from bot.store import people, policies
from bot.store.policies import Rule
from bot.store.script import Database

APART = (
    "Who decides about one of these is not who decides about the others. Strike it out, and ask "
    "the agent for it apart."
)
MEND = "Edit it to less, or make somebody else an owner first."


async def deciders(
    db: Database,
    tool_of: Callable[[str, TenantId], Tool | None],
    item: Approval,
    changes: Sequence[tuple[Effect, Effect]],
) -> Deciders:
    """Who decides now; `changes` holds each deed that is left, as it was and as it would be.

    Raises Invalid for what the policy refuses, and where nobody decides about all of it.
    """
    rules = await db.read(policies.rules(item.tenant))
    needs, named = item.needs, list[Sequence[PersonId]]()
    for old, new in changes:
        rule, before = _rule(new, tool_of, rules), _rule(old, tool_of, rules)
        named.append(())
        if rule is None or rule.decision == Action.AUTO:
            continue
        if rule.decision == Action.DENY:
            raise Invalid(f"The policy of this workspace does not allow this: {rule.describe()}.")
        needs = max(needs, rule.needs)
        if rule != before:
            named[-1] = rule.approvers
    approvers = await _shared(db, item, named) if any(named) else item.approvers
    if approvers and len(approvers) < needs:
        raise Invalid(APART)
    if needs > item.needs and not approvers and len(there := await _usual(db, item)) < needs:
        raise Invalid(f"{needs} must say yes to that, and only {len(there)} can. {MEND}")
    return Deciders(needs=needs, approvers=approvers, names=await _names(db, item, approvers))


def _rule(
    effect: Effect, tool_of: Callable[[str, TenantId], Tool | None], rules: Sequence[Rule]
) -> Rule | None:
    tool = tool_of(effect.tool, effect.tenant)
    if tool is None:
        return None
    return rule_for(effect.agent, tool, rules, amount_of(tool, effect.arguments))


async def _shared(
    db: Database, item: Approval, named: Sequence[Sequence[PersonId]]
) -> tuple[PersonId, ...]:
    """Who decides about each deed: whom a rule names for it now, else who did before."""
    usual = await _usual(db, item)
    first, *others = [each or item.approvers or usual for each in named]
    shared = tuple(p for p in first if all(p in each for each in others))
    if not shared:
        raise Invalid(APART)
    return tuple(PersonId(p) for p in dict.fromkeys(shared))


async def _usual(db: Database, item: Approval) -> tuple[PersonId, ...]:
    """Who decides where no rule names anybody: the requester and the owners."""
    asked = await db.read(people.get(item.tenant, item.requested_by or PersonId("")))
    owners = map(PersonId, await db.read(people.owners(item.tenant)))
    return tuple(dict.fromkeys([*([asked.id] if asked else []), *owners]))


async def _names(db: Database, item: Approval, approvers: Sequence[PersonId]) -> tuple[str, ...]:
    if approvers == item.approvers:
        return item.card.approvers
    found = [await db.read(people.get(item.tenant, id_)) for id_ in approvers]
    return tuple(person.name if person else "somebody who left" for person in found)
