"""Who answers for a deed: whoever asked for it, and whoever said yes.

For tools that ask a platform what these people may do there; a tool itself reads nothing of the
house's people.
"""

from collections.abc import Sequence

from bot.core.ids import PersonId
from bot.core.people import Role
from bot.core.tool import ToolContext
from bot.frozen import frozen
from bot.store import approvals, effects, people
from bot.store.script import Database


@frozen
class Responsible:
    """One person, as far as a tool needs to know."""

    is_owner: bool
    accounts: Sequence[tuple[str, str]]
    """A platform, and the person's id there."""


async def responsible(db: Database, ctx: ToolContext) -> Sequence[Responsible]:
    """The people of a call, of its tenant alone; those who were removed are left out."""
    ids = {ctx.person} if ctx.person else set[PersonId]()
    deed = await db.read(effects.get(ctx.tenant, ctx.effect)) if ctx.effect else None
    if deed and deed.approval:
        asked = await db.read(approvals.get(ctx.tenant, deed.approval))
        ids |= {asked.decided_by} if asked and asked.decided_by else set()
    known = await db.read(people.identities(ctx.tenant))
    found = []
    for id_ in sorted(ids):
        if person := await db.read(people.get(ctx.tenant, id_)):
            accounts = [(who.channel, who.ext_id) for owner, who in known if owner == id_]
            found.append(Responsible(is_owner=person.role is Role.OWNER, accounts=accounts))
    return found
