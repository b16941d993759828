"""Tokens that end: renewed once, stored first, waited for, or honestly broken."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.connections import Connections
from bot.core.errors import BotError, VendorError
from bot.oauth.provider import load
from bot.oauth.renewal import Reconnect, Renewal
from bot.oauth.wire import Busy
from bot.store import connections as rows
from bot.store.connections import Connection
from tests.fakes.oauth_house import PUBLIC, OAuthHouse
from tests.fakes.oauth_rules import played
from tests.fakes.oauth_server import OAuthServer

RENEWED = [name for name in played() if load(name).is_renewed and name != "stripe"]
ROTATING = [name for name in RENEWED if load(name).rotates and not load(name).longer]
STEADY = [name for name in RENEWED if name not in ROTATING]
renewed = pytest.mark.parametrize("vendor", RENEWED, indirect=True)


async def old(house: OAuthHouse, **more: Any) -> Connection:
    """A connection whose token is about to end, and is old enough to be renewed."""
    item = await house.connect(**more)
    assert item.expires_at
    house.clock.at = item.expires_at - timedelta(minutes=1)
    house.server.calls.clear()
    return item


async def fresh(house: OAuthHouse, item: Connection) -> str:
    return (await house.connections.renewal.fresh(item.tenant, item.id))[1].reveal()


@renewed
async def test_a_token_that_lives_is_used_as_it_is(house: OAuthHouse) -> None:
    item = await house.connect()
    calls = house.token_calls
    first = await fresh(house, item)
    assert await fresh(house, item) == first and house.token_calls == calls


@renewed
async def test_twenty_tasks_make_one_call(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.slow_s = 0.05
    found = await asyncio.gather(*(fresh(house, item) for _ in range(20)))
    assert house.token_calls == 1 and len(set(found)) == 1
    assert found[0] in house.server.access
    now = await house.now(item)
    assert now.expires_at and now.expires_at > house.clock.at and now.renewing_at is None


@renewed
async def test_two_processes_make_one_call(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.slow_s = 0.05
    leases: dict[str, str] = {}
    both = [Renewal(house.made(Leased(name, leases))) for name in ("one", "two")]
    found = await asyncio.gather(
        *(one.fresh(item.tenant, item.id) for one in both for _ in range(5))
    )
    assert house.token_calls == 1
    assert len({token.reveal() for _, token in found}) == 1
    assert leases == {}, "nobody keeps the lease"


class Leased:
    """One of two processes."""

    def __init__(self, id_: str, leases: dict[str, str]) -> None:
        self.id, self._leases, self.holding = id_, leases, True

    def holds(self) -> bool:
        return self.holding

    async def living(self) -> frozenset[str]:
        return frozenset({"one", "two"})

    async def take(self, name: str) -> bool:
        return self._leases.setdefault(name, self.id) == self.id

    async def drop(self, name: str) -> None:
        self._leases.pop(name, None)

    def say(self, kind: str, *what: Any) -> bool:
        return False


@pytest.mark.parametrize("vendor", ["x"], indirect=True)
async def test_a_process_that_lost_touch_asks_for_no_token(house: OAuthHouse) -> None:
    item = await old(house)
    peers = Leased("one", {})
    peers.holding = False
    house.clock.advance(hours=1)
    with pytest.raises(Busy, match="lost touch"):
        await Renewal(house.made(peers)).fresh(item.tenant, item.id)
    assert house.token_calls == 0


@renewed
async def test_what_the_vendor_gave_is_stored_before_it_is_used(house: OAuthHouse) -> None:
    item = await old(house)
    token = await fresh(house, item)
    tokens = await house.around.open(item)
    assert tokens.access.reveal() == token
    if load(item.provider).rotates and house.server.rule.rotates and house.server.rule.refresh:
        assert house.server.refreshes[tokens.refresh.reveal()].alive
    house.clock.at = (await house.now(item)).expires_at or house.clock.at
    if not load(item.provider).longer:
        assert await fresh(house, item) != token, "the new refresh token works as well"


@renewed
async def test_a_no_of_the_vendor_is_the_end_and_told_once(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.declined = "invalid_grant"
    for _ in range(3):
        with pytest.raises(Reconnect) as error:
            await fresh(house, item)
        assert "/admin/connections" in error.value.link and "canary" not in str(error.value)
    assert house.token_calls == 1, "it is not asked again"
    assert (await house.now(item)).status == "broken"
    await house.connections.renewal.tend()
    assert house.told == [(item.tenant, item.provider, "broken")]


@pytest.mark.parametrize("vendor", ROTATING, indirect=True)
async def test_a_lost_answer_where_tokens_rotate_is_the_end_and_no_loop(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.drop_answer = True
    for _ in range(3):
        with pytest.raises(Reconnect, match="lost"):
            await fresh(house, item)
    assert house.token_calls == 1
    assert house.told == [(item.tenant, item.provider, "broken")]


@pytest.mark.parametrize("vendor", STEADY, indirect=True)
async def test_a_lost_answer_where_nothing_was_spent_is_asked_again_later(
    house: OAuthHouse,
) -> None:
    item = await old(house)
    house.clock.at = item.expires_at or house.clock.at
    house.server.faults.drop_answer = True
    with pytest.raises(VendorError):
        await fresh(house, item)
    with pytest.raises(Busy):
        await fresh(house, item)
    assert house.token_calls == 1, "not before a while"
    house.server.faults.drop_answer = False
    house.clock.advance(seconds=40)
    assert await fresh(house, item) in house.server.access
    assert house.told == []


@renewed
async def test_a_death_between_the_answer_and_the_store_is_not_asked_again_with_a_spent_token(
    house: OAuthHouse,
) -> None:
    item = await old(house)
    renewal = house.connections.renewal
    store, renewal._store = renewal._store, _die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await renewal._fresh(item, None)
    assert (await house.now(item)).renewing_at is not None, "the mark was there before the call"
    renewal._store = store  # type: ignore[method-assign]
    calls = house.token_calls
    after = Renewal(house.around)
    if item.provider in ROTATING:
        with pytest.raises(Reconnect, match="cut off"):
            await after.fresh(item.tenant, item.id)
        assert house.token_calls == calls and house.told[-1][2] == "broken"
    else:
        assert (await after.fresh(item.tenant, item.id))[1].reveal() in house.server.access


async def _die(*_: object) -> Any:
    raise KeyboardInterrupt


@renewed
async def test_a_person_who_stops_waiting_stops_no_renewal(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.slow_s = 0.1
    asked = asyncio.ensure_future(fresh(house, item))
    await asyncio.sleep(0.03)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await house.connections.renewal.close()
    now = await house.now(item)
    assert now.renewing_at is None and now.status == "active" and now.version > item.version
    assert (await house.around.open(item)).access.reveal() in house.server.access


@renewed
async def test_too_many_requests_are_waited_for(house: OAuthHouse) -> None:
    item = await old(house)
    house.clock.at = item.expires_at or house.clock.at
    house.server.faults.token_status, house.server.faults.retry_after = 429, "120"
    with pytest.raises(Busy) as error:
        await fresh(house, item)
    assert error.value.retry_after_s == 120
    house.server.faults.token_status = 0
    house.clock.advance(seconds=100)
    with pytest.raises(Busy):
        await fresh(house, item)
    assert house.token_calls == 1, "not before the vendor said"
    house.clock.advance(seconds=30)
    assert await fresh(house, item) in house.server.access
    assert (await house.now(item)).tries == 0


@renewed
async def test_the_wait_grows_and_the_token_that_still_lives_is_used(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.token_status = 503
    first = await fresh(house, item)
    assert first == (await house.around.open(item)).access.reveal()
    waits = []
    for _ in range(3):
        now = await house.now(item)
        assert now.retry_at
        waits.append((now.retry_at - house.clock.at).total_seconds())
        house.clock.at = max(now.retry_at, item.expires_at or now.retry_at)
        with pytest.raises(Busy):
            await fresh(house, item)
    assert waits[0] < waits[1] < waits[2] and house.told == []


@pytest.mark.parametrize("vendor", ["google", "x", "tiktok"], indirect=True)
async def test_a_wrong_secret_of_the_app_breaks_no_connection(house: OAuthHouse) -> None:
    item = await old(house)
    house.server.faults.declined = "invalid_client"
    with pytest.raises(BotError, match="secret of the app"):
        await fresh(house, item)
    assert (await house.now(item)).status == "active" and house.told == []


@pytest.mark.parametrize("vendor", ["google"], indirect=True)
async def test_another_app_is_not_asked_with_the_tokens_of_the_first(house: OAuthHouse) -> None:
    item = await old(house)
    told = {"client_id": "another-app", "client_secret": "other"}
    await house.connections.put_app(house.owner, "google", told)
    with pytest.raises(BotError, match="another app"):
        await fresh(house, item)
    assert house.token_calls == 0


NO_REFRESH = [n for n in RENEWED if not load(n).longer]


@pytest.mark.parametrize("vendor", NO_REFRESH, indirect=True)
async def test_without_a_refresh_token_the_end_is_shown_told_ahead_and_then_it_is_over(
    house: OAuthHouse,
) -> None:
    house.server.faults.no_refresh = True
    house.server.faults.expires_in = 60 * 86_400
    item = await house.connect()
    (shown,) = await house.connections.listed(house.owner)
    assert isinstance(shown, dict)
    assert shown["renewed"] is False and shown["ends_at"] and shown["status"] == "active"
    assert await house.connections.renewal.tend() == 0
    house.clock.advance(days=54)
    for _ in range(3):
        await house.connections.renewal.tend()
    assert house.told == [(item.tenant, item.provider, "ends")]
    assert (await house.connections.listed(house.owner))[0]["status"] == "ends"  # type: ignore
    house.clock.advance(days=7)
    for _ in range(3):
        await house.connections.renewal.tend()
    assert [what for *_, what in house.told] == ["ends", "broken"]
    again = await house.connect()
    assert again.status == "active" and house.told[-1][2] == "works"


@pytest.mark.parametrize("vendor", ["facebook", "instagram", "threads"], indirect=True)
async def test_meta_s_long_token_is_renewed_a_week_ahead_and_not_before_it_is_a_day_old(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    assert item.expires_at and (item.expires_at - house.clock.at).days >= 59
    renewal, calls = house.connections.renewal, house.token_calls
    house.clock.advance(days=50)
    assert await renewal.tend() == 0
    house.clock.advance(days=4)
    assert await renewal.tend() == 1 and house.token_calls == calls + 1
    now = await house.now(item)
    assert now.expires_at and (now.expires_at - house.clock.at).days >= 59
    house.clock.advance(days=70)
    house.server.expire()
    await renewal.tend()
    assert (await house.now(item)).status == "broken", "what has ended cannot be exchanged"


@pytest.mark.parametrize("vendor", ["x", "google", "pinterest"], indirect=True)
async def test_what_nobody_uses_is_kept_alive(house: OAuthHouse) -> None:
    item = await house.connect()
    calls = house.token_calls
    for _ in range(40):
        house.clock.advance(days=1)
        await house.connections.renewal.tend()
    assert calls < house.token_calls <= calls + 40
    assert (await house.now(item)).status == "active" and house.told == []


@pytest.mark.parametrize("vendor", ["linkedin"], indirect=True)
async def test_a_refresh_token_that_use_does_not_extend_is_told_before_its_end(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    until = item.refresh_until
    for _ in range(66):
        house.clock.advance(days=5)
        await house.connections.renewal.tend()
    now = await house.now(item)
    assert now.refresh_until == until and [what for *_, what in house.told] == ["ends"]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[OAuthHouse]:
    async with OAuthServer("x", PUBLIC) as server, OAuthHouse(tmp_path, server) as house:
        yield house


async def test_an_answer_that_was_overtaken_writes_nothing(two: OAuthHouse) -> None:
    item = await old(two)
    late = replace(item, version=item.version, granted="everything")
    assert not await two.db.write(rows.change(late, 0))
    assert (await two.now(item)).granted == item.granted
    connections = Connections(two.around)
    await connections.end(two.owner, item.id)
    assert not await two.db.write(rows.change(replace(item, version=item.version + 1), 0))
