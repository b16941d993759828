"""Whether what an owner pasted works: its platform is asked before anything is sealed.

A channel that can be asked has `try_out() -> Checked`, which listens to nothing and changes nothing
at the platform. It raises ConnectionBroken, or VendorRefused without a time to come again, for what
an owner must mend; any other VendorError where nobody could be asked.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from bot.core.canonical import Json
from bot.core.channel import Channel
from bot.core.errors import Conflict, Invalid, LimitReached, NotFound, OperatorError, VendorError
from bot.core.ids import EffectId, TenantId
from bot.core.people import Person
from bot.core.ports import Clock, new_id
from bot.frozen import frozen
from bot.limits import Buckets, Rate
from bot.platforms.lent import Spot
from bot.platforms.outgoing import Outgoing
from bot.store import saved_chats
from bot.store.script import Database

CHECK_S: Final = 12.0
"""How long a platform may take to answer, in all: a page waits 20 seconds."""
OFTEN: Final = Rate(count=10, seconds=60.0)
"""How often a tenant's owners may have platforms asked, and test messages sent."""
TEST: Final = (
    "This is a test message: your assistants can write here. An owner sent it from the page of "
    "platforms or with `bot connect`."
)


@frozen
class Checked:
    """What a platform said of what was pasted."""

    team: str = ""
    """The workspace, server or account, as people call it."""
    bot: str = ""
    """As whom the house speaks there: a name, an address or numbers."""
    missing: tuple[str, ...] = ()
    """Permissions that are lacking, as the platform calls them; it works without."""
    notes: tuple[str, ...] = ()
    """What an owner should know besides, in sentences."""
    asked: bool = True
    """Whether the platform was asked at all."""

    def to_json(self) -> Mapping[str, Json]:
        """`{team, bot, missing, notes, checked}`."""
        return {
            "team": self.team,
            "bot": self.bot,
            "missing": list(self.missing),
            "notes": list(self.notes),
            "checked": self.asked,
        }


UNASKED: Final = Checked(asked=False)


class NotChecked(Conflict):
    """The platform could not be asked, so nothing was changed."""


class Checks:
    """Asks platforms, at most so often."""

    def __init__(self, clock: Clock) -> None:
        self._often = Buckets(clock)

    def take(self, tenant: TenantId) -> None:
        """Take room for one check or test. Raises LimitReached."""
        if wait := self._often.take((tenant,), OFTEN):
            raise LimitReached(f"Platforms were asked often just now. Try again in {wait:.0f} s.")

    async def check(self, tenant: TenantId, channel: Channel) -> Checked:
        """Ask. Raises Invalid with the mend; NotChecked where nobody answered; LimitReached."""
        ask = getattr(channel, "try_out", None)
        if ask is None:
            return UNASKED
        self.take(tenant)
        try:
            async with asyncio.timeout(CHECK_S):
                found: Checked = await ask()
        except OperatorError as error:
            raise Invalid(f"Nothing was changed. {error.message}") from error
        except VendorError as error:
            if error.may_retry or error.retry_after_s is not None:
                raise _not_checked(error.message) from error
            raise Invalid(f"Nothing was changed. {error.message}") from error
        except TimeoutError as error:
            raise _not_checked(f"No answer came within {CHECK_S:.0f} seconds.") from error
        return found


def _not_checked(why: str) -> NotChecked:
    return NotChecked(
        f"Nothing was changed, for it could not be checked. {why} Try again, or keep it unchecked."
    )


async def greet(
    db: Database, clock: Clock, outgoing: Outgoing, actor: Person, where: tuple[str, str]
) -> Spot:
    """Send the test message to a place of a platform (`where`); an empty place is the chat that the
    owner saved there for themselves. Where it stands now.

    Raises NotFound, Conflict, ConnectionBroken, VendorError.
    """
    platform, place = where
    if not place:
        saved = await db.read(saved_chats.get(actor.tenant, actor.id, platform))
        if saved is None:
            await outgoing.places(actor.tenant, platform)  # says so where nothing is connected
            raise NotFound("Say where the test message goes, such as #general or a chat's number.")
        place = saved.place
    effect = EffectId(new_id(clock, "eff"))
    return await outgoing.say(actor.tenant, platform, place, TEST, effect)
