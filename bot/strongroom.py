"""The vault's rows in the database, and secrets by what they are for.

The vault seals and opens and touches no database; the store keeps rows and cannot read them. Here
the two meet. A secret is named by tenant, provider, owner (empty: the tenant's own) and field.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.core.canonical import Json
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.core.times import from_us, to_us
from bot.keyring import add_primary
from bot.store import audit, people
from bot.store import keys as rows
from bot.store.keys import KeyRow, ValueRow
from bot.store.script import Database
from bot.vault import Dek, SecretUnreadable, Slot, Vault


class StoredKeys:
    """The port `Keys` of the vault."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, tenant: TenantId) -> Dek | None:
        """The active key."""
        return _dek(await self._db.read(rows.active(tenant)))

    async def by_id(self, tenant: TenantId, id: str) -> Dek | None:
        """Any of a tenant's."""
        return _dek(await self._db.read(rows.by_id(tenant, id)))

    async def put(self, dek: Dek, was: Dek | None) -> bool:
        """Replace or insert, if nothing has changed."""
        return await self._db.write(rows.put(_row(dek), _row(was) if was else None))

    async def list(self, after: str, limit: int) -> "Sequence[Dek]":
        """Everybody's."""
        found = await self._db.read(rows.listed(after, limit))
        return [dek for row in found if (dek := _dek(row))]

    async def delete(self, tenant: TenantId) -> None:
        """Remove a tenant's."""
        await self._db.write(rows.delete_all(tenant))


class StoredValues:
    """The port `Values` of the vault."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def batch(
        self, tenant: TenantId, after: Slot | None, limit: int
    ) -> Sequence[tuple[Slot, str]]:
        """A tenant's values behind a slot."""
        behind = (after.provider, after.owner, after.field) if after else ("", "", "")
        found = await self._db.read(rows.batch(tenant, behind, limit))
        return [(_slot(tenant, row), row.value) for row in found]

    async def swap(self, slot: Slot, was: str, new: Slot, sealed: str) -> bool:
        """Write the new text over the old, if that is still there."""
        row = ValueRow(
            provider=new.provider,
            owner=new.owner,
            field=new.field,
            version=new.row_version,
            value=sealed,
        )
        return await self._db.write(rows.swap(slot.tenant, row, slot.row_version, was))


class Strongroom:
    """Keeps secrets."""

    def __init__(
        self, db: Database, clock: Clock, vault: Vault, mask: Callable[[Secret], None]
    ) -> None:
        """`mask` is told every secret that passes, so that no log shows it."""
        self._mask = mask
        self._db = db
        self._clock = clock
        self.vault = vault

    def hide(self, *secrets: Secret) -> None:
        """Keep secrets that were taken out of a longer one from the logs as well."""
        for secret in filter(None, secrets):
            self._mask(secret)

    async def put(
        self, tenant: TenantId, provider: str, field: str, secret: Secret, owner: str = ""
    ) -> None:
        """Keep a secret, over the one before."""
        row = await self.sealed(tenant, provider, field, secret, owner)
        await self._db.write(rows.write(tenant, row, to_us(self._clock.now())))

    async def sealed(
        self, tenant: TenantId, provider: str, field: str, secret: Secret, owner: str = ""
    ) -> ValueRow:
        """The row of a secret, for a transaction that writes more than that."""
        self._mask(secret)
        old = await self._db.read(rows.value(tenant, provider, owner, field))
        version = old[0] + 1 if old else 1
        slot = _place(tenant, provider, owner, field, version)
        return ValueRow(
            provider=provider,
            owner=owner,
            field=field,
            version=version,
            value=await self.vault.seal(slot, secret),
        )

    async def get(
        self, tenant: TenantId, provider: str, field: str, owner: str = ""
    ) -> Secret | None:
        """A kept secret; None when there is none. Raises SecretUnreadable."""
        found = await self._db.read(rows.value(tenant, provider, owner, field))
        if found is None:
            return None
        secret = await self.vault.open(_place(tenant, provider, owner, field, found[0]), found[1])
        self._mask(secret)
        return secret

    async def rotate(self, folder: Path, actor: Person) -> Mapping[str, Json]:
        """Make a new master key beside the old ones and wrap everything by it: {id, rewrapped}.

        Whoever had the old one had the data keys as well: secrets are sealed by new ones.
        """
        ring = add_primary(folder, self._clock)
        done = await self.vault.adopt(ring)
        told = {"rewrapped": done, "resealed": await self.reseal(anew=True)}
        await self._db.write(
            audit.note(
                actor.tenant,
                to_us(self._clock.now()),
                f"person:{actor.id}",
                "keys.rotated",
                ring.primary.id,
                told,
            )
        )
        return {"id": ring.primary.id, "rewrapped": done}

    async def reseal(self, *, anew: bool = False) -> int:
        """Seal by its tenant's newest data key what an older one seals; how many secrets that were.

        `anew`: give each tenant that has secrets a new one before. May stop anywhere and run again.
        """
        values, done = StoredValues(self._db), 0
        for tenant in await self._db.read(people.tenants()):
            if await values.batch(tenant.id, None, 1):
                if anew:
                    await self.vault.rotate(tenant.id)
                done += (await self.vault.reseal(tenant.id, values)).done
        return done

    async def readable(
        self, tenant: TenantId, field: str
    ) -> tuple[dict[str, Secret], dict[str, SecretUnreadable]]:
        """Provider → secret, for one field; and provider → why it cannot be opened."""
        opened: dict[str, Secret] = {}
        lost: dict[str, SecretUnreadable] = {}
        for row in await self._db.read(rows.of_field(tenant, field)):
            try:
                secret = await self.vault.open(_slot(tenant, row), row.value)
            except SecretUnreadable as error:
                lost[row.provider] = error
            else:
                self._mask(secret)
                opened[row.provider] = secret
        return opened, lost


def _place(tenant: TenantId, provider: str, owner: str, field: str, version: int) -> Slot:
    return Slot(
        tenant=tenant,
        provider=provider,
        owner=owner,
        field=field,
        row_id=f"{provider}/{owner}/{field}",
        row_version=version,
    )


def _slot(tenant: TenantId, row: ValueRow) -> Slot:
    return _place(tenant, row.provider, row.owner, row.field, row.version)


def _dek(row: KeyRow | None) -> Dek | None:
    if row is None:
        return None
    return Dek(
        id=row.id,
        tenant=TenantId(row.tenant),
        kek=row.kek,
        wrapped=row.wrapped,
        uses=row.uses,
        active=bool(row.active),
        created_at=from_us(row.created_at),
    )


def _row(dek: Dek) -> KeyRow:
    return KeyRow(
        id=dek.id,
        tenant=dek.tenant,
        kek=dek.kek,
        wrapped=dek.wrapped,
        uses=dek.uses,
        active=int(dek.active),
        created_at=to_us(dek.created_at),
    )
