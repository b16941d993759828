"""Who may have roles changed: an owner of the workspace, or whom Discord itself lets manage roles.

A slash command is refused by the channel; words to an agent are not, and whoever asks may approve
what they asked for. So the one who asked and the one who said yes are looked up when the role is to
change: one of them has to be an owner, or to be known here by an account that may.

In-house: this is about people of the house; the server is asked through the channel.
"""

from bot.core.errors import Forbidden
from bot.core.ids import PersonId
from bot.core.people import Role
from bot.core.tool import ToolContext
from bot.store import approvals, effects, people
from bot.store.script import Database
from tools.community._settings import Guild

PLATFORM = "discord"
REFUSED = (
    "Roles change only for somebody who may manage roles on the server, or for an owner of the "
    "workspace: one of them has to ask for it, or to approve it."
)


async def check(ctx: ToolContext, guild: Guild, db: Database) -> None:
    """Raises Forbidden; VendorError where the server does not say."""
    known = await db.read(people.identities(ctx.tenant))
    for id_ in await _responsible(ctx, db):
        person = await db.read(people.get(ctx.tenant, id_))
        if person is None:
            continue
        if person.role is Role.OWNER:
            return
        for owner, who in known:
            if owner == id_ and who.channel == PLATFORM and await guild.manages(who.ext_id):
                return
    raise Forbidden(REFUSED)


async def _responsible(ctx: ToolContext, db: Database) -> set[PersonId]:
    """Who asked, and who said yes."""
    found = {ctx.person} if ctx.person else set[PersonId]()
    deed = await db.read(effects.get(ctx.tenant, ctx.effect)) if ctx.effect else None
    if deed and deed.approval:
        asked = await db.read(approvals.get(ctx.tenant, deed.approval))
        found |= {asked.decided_by} if asked and asked.decided_by else set()
    return found
