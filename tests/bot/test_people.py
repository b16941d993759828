"""Tenants, people, pairing: who is let in, by what, and how often."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, LimitReached, NotFound
from bot.core.people import Role
from bot.core.secret import Secret
from bot.people import PAIRING_LASTS, Change
from bot.store import people as rows
from bot.store.people import Identity
from tests.fakes.people_house import PeopleHouse

SLACK = Identity(channel="slack", account="T1", ext_id="U1", name="Uma")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[PeopleHouse]:
    """A house with people and doors."""
    async with PeopleHouse(tmp_path) as house:
        yield house


async def test_the_first_tenant_and_owner_are_made_once(house: PeopleHouse) -> None:
    tenant, owner = await house.people.ensure_first()
    assert (tenant.id, owner.id) == (house.tenant, house.owner.id)
    assert len(await house.people.tenants()) == 1
    assert owner.role is Role.OWNER
    assert await house.book() == [("house", "tenant.added"), ("house", "person.added")]


async def test_a_stranger_is_admitted_by_the_code_that_they_were_told(house: PeopleHouse) -> None:
    assert await house.people.find(house.tenant, SLACK) is None
    code = await house.people.pairing_code(house.tenant, SLACK)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{8}", code)
    person = await house.people.pair(house.tenant, code, house.owner.id)
    assert (person.name, person.role) == ("Uma", Role.MEMBER)
    assert await house.people.find(house.tenant, SLACK) == person
    assert (f"person:{house.owner.id}", "person.paired") in await house.book()


async def test_whom_one_app_of_a_workspace_knows_the_others_know(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    person = await house.people.pair(house.tenant, code, house.owner.id)
    for account in ("app:A1/T1", "app:A2/T1"):
        there = replace(SLACK, account=account)
        assert await house.people.find(house.tenant, there) == person
    for who in (
        replace(SLACK, account="app:A1/T2"),
        replace(SLACK, account="app:T1/T2"),
        replace(SLACK, account="x/T1"),
        replace(SLACK, account="app:A1/T1", ext_id="U2"),
        replace(SLACK, account="app:A1/T1", channel="discord"),
    ):
        assert await house.people.find(house.tenant, who) is None
    other, _ = await house.people.add_tenant("Away", "Olga", "house")
    assert await house.people.find(other.id, replace(SLACK, account="app:A1/T1")) is None


async def test_an_id_that_two_apps_know_as_two_people_is_nobody_s_for_a_third(
    house: PeopleHouse,
) -> None:
    for account, name in (("app:A1/T1", "Uma"), ("app:A2/T1", "Una")):
        who = replace(SLACK, account=account, name=name)
        person = await house.people.add(house.tenant, name, Role.MEMBER, "", "house")
        await house.db.write(rows.know(house.tenant, who, person.id, 1))
    assert await house.people.find(house.tenant, SLACK) is None
    first = await house.people.find(house.tenant, replace(SLACK, account="app:A1/T1"))
    assert first and first.name == "Uma"


async def test_a_code_is_read_as_people_write_it(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    sloppy = f" {code[:4].lower()}-{code[4:]} ".replace("0", "O").replace("1", "l")
    person = await house.people.pair(house.tenant, sloppy, house.owner.id)
    assert person.name == "Uma"


async def test_a_code_may_tie_a_channel_to_somebody_known(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    person = await house.people.pair(house.tenant, code, house.owner.id, person=house.owner.id)
    assert person.id == house.owner.id
    assert await house.people.identities(house.tenant) == {house.owner.id: (SLACK,)}


async def test_a_code_is_good_once(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    await house.people.pair(house.tenant, code, house.owner.id)
    with pytest.raises(NotFound):
        await house.people.pair(house.tenant, code, house.owner.id)


async def test_a_code_is_good_for_an_hour(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    house.clock.at += PAIRING_LASTS
    with pytest.raises(NotFound):
        await house.people.pair(house.tenant, code, house.owner.id)


async def test_a_code_of_another_tenant_opens_nothing(house: PeopleHouse) -> None:
    other, olga = await house.people.add_tenant("Other", "Olga", "house")
    code = await house.people.pairing_code(house.tenant, SLACK)
    with pytest.raises(NotFound):
        await house.people.pair(other.id, code, olga.id)
    assert await house.people.find(other.id, SLACK) is None


async def test_after_five_wrong_codes_even_the_right_one_waits(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    for number in range(5):
        with pytest.raises(NotFound):
            await house.people.pair(house.tenant, f"0000000{number}", house.owner.id)
    with pytest.raises(LimitReached):
        await house.people.pair(house.tenant, code, house.owner.id)
    house.clock.advance(minutes=13)
    assert (await house.people.pair(house.tenant, code, house.owner.id)).name == "Uma"


async def test_right_codes_do_not_use_up_the_tries(house: PeopleHouse) -> None:
    for number in range(8):
        who = Identity(channel="slack", account="T1", ext_id=f"U{number}", name=f"Uma {number}")
        code = await house.people.pairing_code(house.tenant, who)
        person = await house.people.pair(house.tenant, code, house.owner.id)
        assert person.name == who.name


async def test_a_stranger_has_one_code_at_a_time(house: PeopleHouse) -> None:
    assert await house.people.pairing_code(house.tenant, SLACK)
    assert await house.people.pairing_code(house.tenant, SLACK) == ""
    house.clock.at += PAIRING_LASTS
    assert await house.people.pairing_code(house.tenant, SLACK)


async def test_a_person_is_known_by_the_stable_id_alone(house: PeopleHouse) -> None:
    await house.people.pair(
        house.tenant, await house.people.pairing_code(house.tenant, SLACK), house.owner.id
    )
    for who in (
        Identity(channel="slack", account="T1", ext_id="U2", name="Uma"),
        Identity(channel="slack", account="T2", ext_id="U1", name="Uma"),
        Identity(channel="teams", account="T1", ext_id="U1", name="Uma"),
        Identity(channel="slack", account="T1", ext_id="", name="Uma"),
    ):
        assert await house.people.find(house.tenant, who) is None


async def test_no_code_is_kept_readable(house: PeopleHouse) -> None:
    code = await house.people.pairing_code(house.tenant, SLACK)
    link = await house.credentials.link(house.owner, "house")
    _, token = await house.credentials.add_token(house.owner, "t", "house")
    cookie = (await house.credentials.sign_in(link)).cookie
    kept = house.db.path.read_bytes() + Path(f"{house.db.path}-wal").read_bytes()
    for secret in (code, link, token.reveal(), cookie.reveal()):
        assert secret.encode() not in kept


async def test_the_last_owner_stays_one(house: PeopleHouse) -> None:
    with pytest.raises(Conflict):
        await house.people.remove(house.tenant, house.owner.id, "house")
    with pytest.raises(Conflict):
        await house.people.change(house.tenant, house.owner.id, Change(role=Role.MEMBER), "house")
    await house.people.add(house.tenant, "Second", Role.OWNER, "", "house")
    await house.people.remove(house.tenant, house.owner.id, "house")


async def test_a_changed_person_is_changed_for_everyone_at_once(house: PeopleHouse) -> None:
    person = await house.people.add(house.tenant, "Max", Role.MEMBER, "", "house")
    _, token = await house.credentials.add_token(person, "t", "house")
    visit = await house.credentials.by_token(token.reveal())
    assert visit
    assert visit.person.role is Role.MEMBER
    await house.people.change(house.tenant, person.id, Change(role=Role.OWNER), "house")
    again = await house.credentials.by_token(token.reveal())
    assert again
    assert again.person.role is Role.OWNER
    assert house.changes


async def test_what_changes_nothing_is_not_in_the_book(house: PeopleHouse) -> None:
    person = await house.people.add(house.tenant, "Max", Role.MEMBER, "", "house")
    for name in ("Moritz", "Moritz"):
        await house.people.change(house.tenant, person.id, Change(name=name), "house")
    actions = [action for _, action in await house.book()]
    assert actions.count("person.changed") == 1


async def test_a_time_zone_has_to_exist(house: PeopleHouse) -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "", "/etc/localtime"):
        with pytest.raises(Invalid):
            await house.people.change(house.tenant, house.owner.id, Change(zone=zone), "house")
    person = await house.people.change(
        house.tenant, house.owner.id, Change(zone="Europe/Madrid"), "house"
    )
    assert person.zone == "Europe/Madrid"


async def test_nothing_opens_for_a_removed_person(house: PeopleHouse) -> None:
    person = await house.people.add(house.tenant, "Max", Role.MEMBER, "", "house")
    code = await house.people.pairing_code(house.tenant, SLACK)
    await house.people.pair(house.tenant, code, house.owner.id, person=person.id)
    _, token = await house.credentials.add_token(person, "t", "house")
    signed = await house.credentials.sign_in(await house.credentials.link(person, "house"))
    unused = await house.credentials.link(person, "house")
    lent = Secret("lent")
    house.credentials.lend(person, lent)
    assert await house.credentials.by_token(token.reveal())
    assert await house.credentials.by_token(lent.reveal())
    assert await house.credentials.by_cookie(signed.cookie.reveal())

    await house.people.remove(house.tenant, person.id, f"person:{house.owner.id}")

    assert await house.credentials.by_token(token.reveal()) is None
    assert await house.credentials.by_token(lent.reveal()) is None
    assert await house.credentials.by_cookie(signed.cookie.reveal()) is None
    assert not await house.credentials.is_open(signed.visit)
    assert await house.people.find(house.tenant, SLACK) is None
    with pytest.raises(Exception, match="used before"):
        await house.credentials.sign_in(unused)
    with pytest.raises(NotFound):
        await house.people.get(house.tenant, person.id)


async def test_what_is_asked_of_another_tenant_is_not_there(house: PeopleHouse) -> None:
    other, olga = await house.people.add_tenant("Other", "Olga", "house")
    with pytest.raises(NotFound):
        await house.people.get(house.tenant, olga.id)
    with pytest.raises(NotFound):
        await house.people.remove(house.tenant, olga.id, "house")
    with pytest.raises(NotFound):
        await house.people.change(house.tenant, olga.id, Change(name="Mine"), "house")
    assert (await house.people.get(other.id, olga.id)).name == "Olga"
