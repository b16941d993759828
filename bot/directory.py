"""People as the router asks for them: often, and seldom changed, so kept at hand.

Forgotten whole whenever anybody is added, changed, paired or removed.
"""

from collections.abc import Sequence

from bot.core.errors import NotFound
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.people import People
from bot.store.people import Identity

MAX_KEPT = 10_000


class Directory:
    """Looks people up."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._kept: dict[tuple[str, str], Person] = {}
        self._owners: dict[str, tuple[Person, ...]] = {}

    def forget(self) -> None:
        """Somebody changed."""
        self._kept.clear()
        self._owners.clear()

    async def get(self, tenant: TenantId, person: str) -> Person | None:
        """A person by id; None when there is none (any more)."""
        found = self._kept.get((tenant, person))
        if found is None:
            try:
                found = await self._people.get(tenant, person)
            except NotFound:
                return None
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[tenant, person] = found
        return found

    async def identify(
        self, tenant: TenantId, channel: str, account: str, ext_id: str
    ) -> Person | None:
        """The person whom a channel knows by this id; None for a stranger."""
        who = Identity(channel=channel, account=account, ext_id=ext_id)
        return await self._people.find(tenant, who)

    async def channels_of(self, tenant: TenantId, person: str) -> Sequence[str]:
        """Where a person is known."""
        found = (await self._people.identities(tenant)).get(person, ())
        return sorted({each.channel for each in found})

    async def match(self, tenant: TenantId, who: Identity, email: str) -> bool:
        """Know a stranger by an address that their channel vouches for."""
        return await self._people.match(tenant, who, email)

    async def pairing_code(
        self, tenant: TenantId, channel: str, account: str, ext_id: str, name: str
    ) -> str:
        """A code for a stranger to show to an owner."""
        who = Identity(channel=channel, account=account, ext_id=ext_id, name=name)
        return await self._people.pairing_code(tenant, who)

    async def link(self, tenant: TenantId, code: str, person: PersonId) -> None:
        """Know the stranger who was told this code as this person, who says so themselves.

        Raises NotFound when the code is unknown, late or used, LimitReached after five of those.
        """
        await self._people.pair(tenant, code, person, person=person)

    async def owners(self, tenant: TenantId) -> tuple[Person, ...]:
        """The owners of a tenant."""
        found = self._owners.get(tenant)
        if found is None:
            everyone = await self._people.list(tenant)
            found = tuple(person for person in everyone if person.role is Role.OWNER)
            self._owners[tenant] = found
        return found
