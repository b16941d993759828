"""Secrets in their rows: sealed anew when keys change, of every tenant, and readable throughout."""

from pathlib import Path

import pytest

from bot.core.ids import TenantId
from bot.core.people import Person, Role
from bot.core.secret import Secret
from bot.keyring import ring_in
from bot.store import keys
from bot.strongroom import StoredKeys, Strongroom
from bot.vault import MAX_AGE, Vault
from tests.fakes.clock import StillClock
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.switchboard import AWAY, HOME, OLGA, image

KEPT = {(HOME, "slack"): "one", (HOME, "stripe"): "two", (AWAY, "slack"): "three"}


class House:
    """Its secrets, on one disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = StillClock()
        self.db = InlineDatabase(Disk(image()))

    async def room(self) -> Strongroom:
        """A process that is begun on it."""
        ring = ring_in(self.folder, self.clock, make=True)
        vault = Vault(ring, StoredKeys(self.db), self.clock)
        await vault.start()
        return Strongroom(self.db, self.clock, vault, lambda secret: None)

    async def sealed_by(self, tenant: TenantId) -> set[str]:
        """The data keys that a tenant's secrets need."""
        found = await self.db.read(keys.batch(tenant, ("", "", ""), 100))
        return {row.value.split(".")[1] for row in found}

    async def opened(self) -> dict[tuple[TenantId, str], str]:
        """What a fresh process reads."""
        room = await self.room()
        told = {at: await room.get(at[0], at[1], "token") for at in KEPT}
        return {at: secret.reveal() for at, secret in told.items() if secret}


@pytest.fixture
async def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    room = await made.room()
    for (tenant, provider), text in KEPT.items():
        await room.put(tenant, provider, "token", Secret(text))
    return made


async def test_a_new_master_key_comes_with_new_data_keys_for_all_that_is_kept(house: House) -> None:
    before = {tenant: await house.sealed_by(tenant) for tenant in (HOME, AWAY)}
    room = await house.room()
    looked_up = room.vault.lookup("house", "people")
    at = house.clock.at
    owner = Person(id=OLGA, tenant=HOME, name="Olga", role=Role.OWNER, created_at=at)
    await room.rotate(house.folder, owner)
    for tenant in (HOME, AWAY):
        now = await house.sealed_by(tenant)
        assert len(now) == 1 and not now & before[tenant]
    assert await house.opened() == KEPT
    # What the house looks tokens and people up by stays as it is for ever.
    assert (await house.room()).vault.lookup("house", "people") == looked_up
    assert await room.reseal() == 0


async def test_what_a_worn_key_seals_is_sealed_anew(house: House) -> None:
    before = await house.sealed_by(HOME)
    assert await (await house.room()).reseal() == 0
    house.clock.at += MAX_AGE
    assert await (await house.room()).reseal() == len(KEPT)
    assert not await house.sealed_by(HOME) & before
    assert await house.opened() == KEPT


async def test_a_tenant_without_secrets_is_given_no_key(tmp_path: Path) -> None:
    house = House(tmp_path)
    room = await house.room()
    had = await room.vault.kek_counts()
    assert await room.reseal(anew=True) == 0
    assert await room.vault.kek_counts() == had
