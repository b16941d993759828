"""What may have changed between a yes and its deed: the policy, and who is here.

A deed that was begun before is brought to its end as it was; only one that has not left is stopped.
"""

from datetime import datetime

from agents.runtime.gate import amount_of, forbids
from bot.core.effect import Effect
from bot.core.errors import Forbidden
from bot.core.tool import Tool
from bot.store import people, policies
from bot.store.script import Database


async def still_allowed(db: Database, tool: Tool, effect: Effect, due: datetime | None) -> None:
    """Raises Forbidden for an approved deed that may not be done any more.

    `due`: the time that it waited for, if any.
    """
    if not effect.approval or effect.attempt > 1 or effect.doubt:
        return
    rules = await db.read(policies.rules(effect.tenant))
    if forbids(effect.agent, tool, rules, amount_of(tool, effect.arguments)):
        raise Forbidden(f"The policy of this workspace does not allow {tool.name} any more.")
    if due and effect.person and not await db.read(people.get(effect.tenant, effect.person)):
        raise Forbidden("The person in whose name it was to be done is not here any more.")
