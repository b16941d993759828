"""What may have changed between a yes and its deed: the policy, who is here, what is connected.

A deed that was begun before is brought to its end as it was; only one that has not left is stopped.
"""

from datetime import datetime

from agents.runtime.gate import amount_of, forbids
from bot.core.effect import Effect
from bot.core.errors import Conflict, Forbidden
from bot.core.tool import Tool
from bot.store import people, policies
from bot.store.script import Database


def same_account(tool: Tool, effect: Effect, now: str) -> None:
    """Raises Conflict where a platform was connected anew: the yes was for another account.

    `now`: what the tool acts by. One with a provider looks itself, at the very key that it uses.
    """
    if effect.connection not in ("", now) and not tool.provider:
        raise Conflict(
            "What this goes by was connected anew since it was asked for. Ask for it again."
        )


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
