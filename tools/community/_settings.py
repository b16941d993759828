"""What the tools of this group are lent: the team's server on Discord, and where the score is kept.

Apart from the tools, so that a start need not load what checks and shows their arguments.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from bot.core.channel import Receipt
from bot.core.ids import EffectId, TenantId
from bot.core.tool import ToolContext
from bot.frozen import frozen
from bot.responsible import Responsible
from bot.store.script import Database

Pair = tuple[str, str]
"""An id of the server, and the name that people read."""


@runtime_checkable
class Guild(Protocol):
    """The server, as the channel gives it."""

    tenant: TenantId

    async def find(self, kind: str, name: str) -> Sequence[Pair]: ...

    async def manages(self, user: str, role: str) -> bool: ...

    async def recognise(
        self, channel: Pair, member: Pair, text: str, effect: EffectId
    ) -> Receipt: ...

    async def set_role(self, member: Pair, role: Pair, reason: str, *, has: bool) -> None: ...


@frozen
class GuildSettings:
    """Where the server is found."""

    guild: Callable[[TenantId], Guild | None]
    """A tenant's server; None where there is none."""
    responsible: Callable[[ToolContext], Awaitable[Sequence[Responsible]]]
    """Who asked for a deed, and who said yes."""


@frozen
class ScoreSettings:
    """Where the score is kept."""

    db: Database
