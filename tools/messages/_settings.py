"""What the tools of this group are lent: the ways to Teams, the chats that were saved on Telegram.

Apart from the tools, so that a start need not load what checks and shows their arguments.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from bot.core.channel import Receipt
from bot.core.ids import TenantId
from bot.core.ports import Fetcher
from bot.core.secret import Secret
from bot.frozen import frozen
from bot.platforms.outgoing import Outgoing
from bot.reach import Reach
from bot.store.script import Database


@runtime_checkable
class Poster(Protocol):
    """The bot in Teams, as the channel gives it."""

    async def post(self, team: str, channel: str, text: str) -> Receipt: ...

    def called(self, team: str, channel: str) -> tuple[str, str]: ...


@frozen
class TeamsSettings:
    """The ways to Teams."""

    bot: Callable[[TenantId], Poster | None]
    """A tenant's bot; None where there is none."""
    flow: Callable[[TenantId], Secret | None]
    """The address of a tenant's flow; None where there is none."""
    reach: Reach | None = None
    """The accounts that people connected."""
    fetcher: Fetcher | None = None
    """What asks the flow, which may lie where the operator set it; None: what asks all else."""


@frozen
class TelegramSettings:
    """Where the saved chats are, and who sends."""

    db: Database
    outgoing: Outgoing
