"""People known by an address: one member, and never more than they are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.people import Person, Role
from bot.store.people import Identity
from tests.fakes.people_house import PeopleHouse

WHO = Identity(channel="slack", account="T1", ext_id="U1", name="Ben")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[PeopleHouse]:
    async with PeopleHouse(tmp_path) as made:
        yield made


async def added(house: PeopleHouse, name: str, email: str, role: Role = Role.MEMBER) -> Person:
    return await house.people.add(house.tenant, name, role, email, "person:test")


async def found(house: PeopleHouse, who: Identity = WHO) -> Person | None:
    return await house.people.find(house.tenant, who)


async def match(house: PeopleHouse, who: Identity = WHO, email: str = "ben@example.com") -> bool:
    return await house.people.match(house.tenant, who, email)


async def test_a_member_is_known_by_their_address_and_the_second_time_nothing_happens(
    house: PeopleHouse,
) -> None:
    ben = await added(house, "Ben", " Ben@Example.com")
    assert await match(house)
    assert await found(house) == ben
    assert not await match(house)
    assert (await house.book()).count(("channel:slack", "person.matched")) == 1
    assert house.changes == 1


async def test_an_owner_is_never_known_by_an_address(house: PeopleHouse) -> None:
    await added(house, "Olga", "ben@example.com", Role.OWNER)
    assert not await match(house) and await found(house) is None


async def test_an_address_of_two_is_nobody_s(house: PeopleHouse) -> None:
    await added(house, "Ben", "ben@example.com")
    await added(house, "Other Ben", "BEN@example.com")
    assert not await match(house) and await found(house) is None


@pytest.mark.parametrize("email", ["", " ", "ben@example.co", "xben@example.com"])
async def test_only_exactly_that_address_fits(house: PeopleHouse, email: str) -> None:
    await added(house, "Ben", "ben@example.com")
    await added(house, "Nobody", "")
    assert not await match(house, email=email) and await found(house) is None


async def test_whoever_is_known_stays_who_they_are(house: PeopleHouse) -> None:
    ben, eve = await added(house, "Ben", "ben@example.com"), await added(house, "Eve", "e@x.org")
    assert await match(house, email="e@x.org")
    assert not await match(house)
    assert await found(house) == eve
    other = Identity(channel="slack", account="T1", ext_id="U2", name="Ben")
    assert await match(house, other)
    third = Identity(channel="slack", account="T1", ext_id="U3", name="Ben")
    assert not await match(house, third), "one account of a workspace is enough for one person"
    assert await found(house, other) == ben and await found(house, third) is None


async def test_a_person_of_another_tenant_is_not_found(house: PeopleHouse) -> None:
    await added(house, "Ben", "ben@example.com")
    other, _ = await house.people.add_tenant("Other", "Otto", "person:test")
    assert not await house.people.match(other.id, WHO, "ben@example.com")
    assert await found(house) is None


async def test_a_removed_person_is_nobody(house: PeopleHouse) -> None:
    ben = await added(house, "Ben", "ben@example.com")
    await house.people.remove(house.tenant, ben.id, "person:test")
    assert not await match(house)
