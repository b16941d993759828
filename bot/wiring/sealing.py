"""Keys and the audit's seals, as owners see and change them."""

from collections.abc import Mapping
from pathlib import Path

from agents.runtime.models import ModelDoor
from bot.audit import Sealer
from bot.core.canonical import Json
from bot.core.errors import OperatorError
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.frozen import frozen
from bot.strongroom import Strongroom


@frozen
class Sealing:
    """The parts of it."""

    strongroom: Strongroom
    sealer: Sealer
    models: ModelDoor
    folder: Path
    has_given_key: bool
    """Whether the master key comes from the settings, where nobody changes it from here."""

    async def keys(self) -> Mapping[str, Json]:
        """`{models: [{provider, last4, source}], master: [{id, wraps}]}`."""
        counts = await self.strongroom.vault.kek_counts()
        return {
            "models": list(await self.models.keys()),
            "master": [{"id": id_, "wraps": wraps} for id_, wraps in sorted(counts.items())],
        }

    async def rotate(self, actor: Person) -> Mapping[str, Json]:
        """Make a new master key: `{id, rewrapped}`. Raises OperatorError."""
        if self.has_given_key:
            raise OperatorError(
                "The master key comes from BOT_MASTER_KEY. Put a new one before it, with a comma "
                "between them, and start again."
            )
        return await self.strongroom.rotate(self.folder, actor)

    async def verify(self, tenant: TenantId) -> Mapping[str, Json]:
        """`{ok, rows, problems}` of a tenant's book."""
        await self.sealer.seal()
        return (await self.sealer.verify(tenant)).to_json()
