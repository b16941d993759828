"""Who may have a role changed: an owner of the workspace, or whom Discord itself lets change it.

A slash command is refused by the channel; words to an agent are not, and whoever asks may approve
what they asked for. So the one who asked and the one who said yes are looked at when the role is to
change: one of them has to be an owner, or to be known here by an account that may.

In-house: this is about people of the house; the server is asked through the channel.
"""

from collections.abc import Sequence

from bot.core.errors import Forbidden
from bot.responsible import Responsible
from tools.community._settings import Guild

PLATFORM = "discord"
REFUSED = (
    "A role changes only for somebody who may manage roles on the server and has a higher one, or "
    "for an owner of the workspace: one of them has to ask for it, or to approve it."
)


async def check(people: Sequence[Responsible], guild: Guild, role: str) -> None:
    """Raises Forbidden; VendorError where the server does not say. `role`: the id of the one."""
    if any(person.is_owner for person in people):
        return
    for person in people:
        for platform, user in person.accounts:
            if platform == PLATFORM and await guild.manages(user, role):
                return
    raise Forbidden(REFUSED)
