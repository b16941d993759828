"""Connections on each database: made, renewed, ended, and never another tenant's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import NotFound
from bot.oauth.accounts import NotConnected
from bot.oauth.flow import Returned
from bot.store import connections as rows
from bot.store import keys
from bot.store.script import Database
from tests.bot.oauth.test_ending import signed
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer


@pytest.fixture(params=["x", "threads"])
async def house(
    request: pytest.FixtureRequest, kept: Database, tmp_path: Path
) -> AsyncIterator[OAuthHouse]:
    async with (
        OAuthServer(request.param) as server,
        OAuthHouse(tmp_path, server, db=kept) as house,
    ):
        yield house
    assert server.mistakes == []


async def test_a_connection_is_made_renewed_and_ended(house: OAuthHouse) -> None:
    item = await house.connect()
    assert item.expires_at
    house.clock.at = item.expires_at - timedelta(minutes=1)
    new, token = await house.connections.renewal.fresh(item.tenant, item.id)
    assert new.version == item.version + 2 and token.reveal() in house.server.access
    assert await house.now(item) == new
    house.clock.advance(days=90)
    assert await house.db.read(rows.due(10**17)) == [(item.tenant, item.id)]
    house.server.faults.declined = "invalid_grant"
    await house.connections.renewal.tend()
    assert (await house.now(item)).status == "broken" and house.told[-1][2] == "broken"
    house.server.faults.declined = ""
    again = await house.connect()
    assert await house.db.read(rows.of(item.tenant, item.id)) is None
    assert await house.db.read(keys.value(item.tenant, item.provider, item.id, "tokens")) is None
    await house.connections.end(house.owner, again.id)
    assert await house.db.read(rows.listed(item.tenant)) == []


async def test_another_tenant_neither_reads_uses_changes_nor_ends_it(house: OAuthHouse) -> None:
    item, other = await house.connect(), house.olga.tenant
    assert await house.db.read(rows.of(other, item.id)) is None
    assert await house.db.read(rows.listed(other)) == []
    theirs = replace(item, tenant=other, version=item.version + 1, granted="all")
    assert not await house.db.write(rows.change(theirs, 0))
    assert not await house.db.write(rows.remove(theirs, 0, "person:x", "no"))
    with pytest.raises(NotConnected):
        await house.connections.accounts.client(other, item.provider)
    with pytest.raises(NotFound):
        await house.connections.end(house.olga, item.id)
    assert await house.now(item) == item
    assert (await house.around.open(item)).access.reveal() in house.server.access


async def test_a_state_of_one_tenant_is_none_of_another(house: OAuthHouse) -> None:
    back = house.server.agree(await house.start())
    name = house.server.name
    with pytest.raises(Exception, match="another browser"):
        await house.connections.finish(house.visit(house.olga), name, Returned(**back))
    await house.connections.finish(house.visit(), name, Returned(**back))


@pytest.mark.parametrize("house", ["threads"], indirect=True)  # X tells nobody
async def test_a_vendor_that_names_an_account_reaches_it_in_every_tenant(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    await house.connect(house.visit(house.olga))
    told = await house.connections.deletions.delete("threads", signed(house, user_id=item.account))
    found = await house.connections.deletions.status(str(told["confirmation_code"]))
    assert (found.state, found.removed) == ("done", 2)
