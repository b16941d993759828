"""Links, sessions, tokens: spent once, kept as hashes, ended at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bot.core.errors import Forbidden, NotFound
from bot.core.people import Role
from bot.core.secret import Secret
from bot.credentials import LINK_LASTS, SESSION_LASTS, Credentials
from bot.store.script import Script
from tests.fakes.people_house import KEY, PeopleHouse

T = TypeVar("T")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[PeopleHouse]:
    """A house with people and doors."""
    async with PeopleHouse(tmp_path) as house:
        yield house


async def test_a_link_signs_in_once(house: PeopleHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    signed = await house.credentials.sign_in(code)
    assert signed.visit.person == house.owner
    with pytest.raises(Forbidden):
        await house.credentials.sign_in(code)


async def test_of_many_at_once_one_spends_the_link(house: PeopleHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    tries = [house.credentials.sign_in(code) for _ in range(20)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in found) == 1


async def test_a_link_is_good_for_ten_minutes(house: PeopleHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    house.clock.at += LINK_LASTS
    with pytest.raises(Forbidden):
        await house.credentials.sign_in(code)


@pytest.mark.parametrize("code", ["", "A" * 32, "' or 1=1 --", "\x00", "A" * 5000])
async def test_a_guessed_link_opens_nothing(house: PeopleHouse, code: str) -> None:
    await house.credentials.link(house.owner, "house")
    with pytest.raises(Forbidden):
        await house.credentials.sign_in(code)


async def test_each_sign_in_has_a_session_of_its_own(house: PeopleHouse) -> None:
    first = await house.credentials.sign_in(await house.credentials.link(house.owner, "house"))
    second = await house.credentials.sign_in(await house.credentials.link(house.owner, "house"))
    assert first.cookie != second.cookie
    assert first.visit.csrf != second.visit.csrf
    await house.credentials.sign_out(first.cookie.reveal())
    assert await house.credentials.by_cookie(first.cookie.reveal()) is None
    assert await house.credentials.by_cookie(second.cookie.reveal())


async def test_a_session_ends_after_a_month(house: PeopleHouse) -> None:
    signed = await house.credentials.sign_in(await house.credentials.link(house.owner, "house"))
    house.clock.at += SESSION_LASTS
    assert await house.credentials.by_cookie(signed.cookie.reveal()) is None


async def test_a_session_is_no_token_and_a_token_no_session(house: PeopleHouse) -> None:
    signed = await house.credentials.sign_in(await house.credentials.link(house.owner, "house"))
    _, token = await house.credentials.add_token(house.owner, "t", "house")
    assert await house.credentials.by_token(signed.cookie.reveal()) is None
    assert await house.credentials.by_cookie(token.reveal()) is None


async def test_a_token_is_shown_once_and_known_by_its_end(house: PeopleHouse) -> None:
    token, secret = await house.credentials.add_token(house.owner, "laptop", "house")
    assert secret.reveal().startswith("sbt_")
    assert len(secret.reveal()) == 47
    assert token.last4 == secret.reveal()[-4:]
    assert await house.credentials.tokens(house.tenant, "*") == [token]
    visit = await house.credentials.by_token(secret.reveal())
    assert visit
    assert not visit.is_browser


async def test_a_revoked_token_opens_nothing_more(house: PeopleHouse) -> None:
    token, secret = await house.credentials.add_token(house.owner, "t", "house")
    assert await house.credentials.by_token(secret.reveal())
    await house.credentials.revoke(house.tenant, token.id, "*", "house")
    assert await house.credentials.by_token(secret.reveal()) is None
    with pytest.raises(NotFound):
        await house.credentials.revoke(house.tenant, token.id, "*", "house")


async def test_nobody_revokes_what_is_not_theirs(house: PeopleHouse) -> None:
    token, secret = await house.credentials.add_token(house.owner, "t", "house")
    member = await house.people.add(house.tenant, "Max", Role.MEMBER, "", "house")
    other, _ = await house.people.add_tenant("Other", "Olga", "house")
    with pytest.raises(NotFound):
        await house.credentials.revoke(house.tenant, token.id, member.id, "max")
    with pytest.raises(NotFound):
        await house.credentials.revoke(other.id, token.id, "*", "olga")
    assert await house.credentials.by_token(secret.reveal())


async def test_another_process_sees_a_revoked_token_seconds_later(house: PeopleHouse) -> None:
    token, secret = await house.credentials.add_token(house.owner, "t", "house")
    elsewhere = Credentials(house.db, house.clock, KEY)
    assert await elsewhere.by_token(secret.reveal())
    await house.credentials.revoke(house.tenant, token.id, "*", "house")
    house.clock.at += timedelta(seconds=6)
    assert await elsewhere.by_token(secret.reveal()) is None


async def test_the_token_of_the_settings_opens_for_the_first_owner(house: PeopleHouse) -> None:
    await house.credentials.keep_env_token(house.owner, Secret("from-the-settings"))
    visit = await house.credentials.by_token("from-the-settings")
    assert visit
    assert visit.person == house.owner


async def test_a_changed_token_of_the_settings_ends_the_earlier_one(house: PeopleHouse) -> None:
    await house.credentials.keep_env_token(house.owner, Secret("first"))
    await house.credentials.keep_env_token(house.owner, Secret("second"))
    assert await house.credentials.by_token("first") is None
    assert await house.credentials.by_token("second")
    await house.credentials.keep_env_token(house.owner, Secret(""))
    assert await house.credentials.by_token("second") is None
    assert await house.credentials.by_token("") is None
    await house.credentials.keep_env_token(house.owner, Secret("first"))
    assert await house.credentials.by_token("first")


async def test_starting_again_with_the_same_token_changes_nothing(house: PeopleHouse) -> None:
    await house.credentials.keep_env_token(house.owner, Secret("same"))
    before = await house.book()
    await house.credentials.keep_env_token(house.owner, Secret("same"))
    assert await house.book() == before


async def test_what_opens_and_closes_doors_is_in_the_book(house: PeopleHouse) -> None:
    signed = await house.credentials.sign_in(await house.credentials.link(house.owner, "house"))
    await house.credentials.sign_out(signed.cookie.reveal())
    token, _ = await house.credentials.add_token(house.owner, "t", "house")
    await house.credentials.revoke(house.tenant, token.id, "*", "house")
    actions = [action for _, action in await house.book()][2:]
    assert actions == ["login.link", "login.in", "login.out", "token.added", "token.revoked"]


async def test_a_crowd_with_one_token_asks_the_database_once(
    house: PeopleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = await house.credentials.add_token(house.owner, "bench", "house")
    reads = 0
    really = house.db.read

    async def counted(script: Script[T]) -> T:
        nonlocal reads
        reads += 1
        return await really(script)

    monkeypatch.setattr(house.db, "read", counted)
    found = await asyncio.gather(*(house.credentials.by_token(secret.reveal()) for _ in range(50)))
    assert {visit.person.id for visit in found if visit} == {house.owner.id}
    assert reads == 1


async def test_one_who_hangs_up_leaves_the_others_their_answer(house: PeopleHouse) -> None:
    _, secret = await house.credentials.add_token(house.owner, "bench", "house")
    first = asyncio.create_task(house.credentials.by_token(secret.reveal()))
    second = asyncio.create_task(house.credentials.by_token(secret.reveal()))
    await asyncio.sleep(0)
    first.cancel()
    assert await second


async def test_a_look_up_that_began_before_a_change_is_not_shared_after_it(
    house: PeopleHouse,
) -> None:
    token, secret = await house.credentials.add_token(house.owner, "bench", "house")
    early = asyncio.create_task(house.credentials.by_token(secret.reveal()))
    await house.credentials.revoke(house.tenant, token.id, house.owner.id, "house")
    assert await house.credentials.by_token(secret.reveal()) is None
    await early
