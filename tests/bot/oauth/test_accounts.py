"""What a tool gets: a client that is fresh, goes to the vendor alone, and says how to mend it."""

import pytest

from bot.core.errors import BotError, Invalid, NotFound, OperatorError
from bot.oauth.accounts import NotConnected
from bot.oauth.provider import load
from bot.oauth.renewal import Reconnect
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_rules import RULES, played
from tests.fakes.oauth_server import OAuthServer

CALLED = [name for name in played() if load(name).hosts]
called = pytest.mark.parametrize("vendor", CALLED, indirect=True)
REFUSING = [name for name in CALLED if not RULES[name].ok]
"""Those that refuse by a status; the others say so in words, with 200."""


@called
async def test_a_call_carries_the_token_and_the_vendor_s_headers(house: OAuthHouse) -> None:
    item = await house.connect()
    client = await house.connections.accounts.client(item.tenant, item.provider, "kelly")
    page = await client.call("GET", "/anything", query={"a": "b"}, headers={"X-Own": "1"})
    assert page.status == 200
    sent = house.server.seen[-1]
    assert sent["Authorization"].startswith("Bearer canary-access") and sent["X-Own"] == "1"
    page = await client.call("POST", f"https://{load(item.provider).hosts[-1]}/x", body={"t": "é"})
    assert page.status == 200 and house.server.seen[-1]["Content-Type"] == "application/json"


@pytest.mark.parametrize("vendor", REFUSING, indirect=True)
async def test_after_a_refusal_the_token_is_renewed_once_and_the_call_sent_once_more(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    rule = house.server.rule
    client = await house.connections.accounts.client(item.tenant, item.provider)
    house.clock.advance(hours=25)  # old enough for those that renew only then
    calls = house.token_calls
    for issued in house.server.access.values():
        issued.alive = bool(rule.longer)  # whoever renews by the token itself needs it alive
    if rule.longer:
        known, house.server.access = house.server.access, {}
        with pytest.raises(Reconnect):
            await client.call("GET", "/anything")
        assert known and house.told[-1][2] == "broken"
        return
    page = await client.call("GET", "/anything")
    assert page.status == 200 and house.token_calls == calls + 1


@pytest.mark.parametrize("vendor", ["google"], indirect=True)
async def test_a_vendor_that_always_refuses_is_asked_twice_and_no_more(house: OAuthHouse) -> None:
    item = await house.connect()
    client = await house.connections.accounts.client(item.tenant, item.provider)
    house.server.calls.clear()
    give = house.server._give

    async def stillborn(*args: object, **kwargs: object) -> object:
        answer = await give(*args, **kwargs)  # type: ignore[arg-type]
        house.server.expire()
        return answer

    house.server._give = stillborn  # type: ignore[assignment, method-assign]
    house.server.expire()
    assert (await client.call("GET", "/anything")).status == 401
    assert house.token_calls == 1 and house.server.calls["/anything"] == 2


@called
async def test_the_token_goes_to_no_other_address(house: OAuthHouse) -> None:
    item = await house.connect()
    client = await house.connections.accounts.client(item.tenant, item.provider)
    host = load(item.provider).hosts[0]
    house.server.seen.clear()
    for where in (
        "https://evil.example/x",
        f"http://{host}/x",
        f"https://{host}.evil.example/x",
        f"https://{host}:444/x",
        f"https://{host}@evil.example/x",
        f"https://user@{host}/x",
        "//evil.example/x",
        "x",
        "https://[/x",
    ):
        with pytest.raises(Invalid):
            await client.call("GET", where)
    for name in ("Authorization", "host", "Cookie"):
        with pytest.raises(Invalid, match="not a tool's"):
            await client.call("GET", "/x", headers={name: "x"})
    assert house.server.seen == []


@called
async def test_a_redirect_takes_the_token_nowhere(house: OAuthHouse) -> None:
    item = await house.connect()
    client = await house.connections.accounts.client(item.tenant, item.provider)
    async with OAuthServer("x") as thief:
        house.server.faults.redirect_to = f"{thief.base}/steal"
        with pytest.raises(Invalid, match="redirects"):
            await client.call("GET", "/anything")
        assert (await client.call("POST", "/anything", body=b"")).status == 302
        assert thief.seen == []


@called
async def test_what_is_not_connected_says_where_it_is(house: OAuthHouse) -> None:
    with pytest.raises(NotConnected) as error:
        await house.connections.accounts.client(house.tenant.id, house.server.name, "kelly")
    assert error.value.link == f"https://house.example/admin/connections#{house.server.name}"
    with pytest.raises(OperatorError):
        await house.connections.accounts.client("", house.server.name)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await house.connections.accounts.client(house.tenant.id, "nobody")


async def test_another_tenant_neither_sees_nor_uses_it(house: OAuthHouse) -> None:
    item = await house.connect()
    other, connections = house.olga, house.connections
    assert await connections.listed(other) == []
    with pytest.raises(NotConnected):
        await connections.accounts.client(other.tenant, item.provider)
    for asked in (
        connections.check(other, item.id),
        connections.end(other, item.id),
        connections.renewal.fresh(other.tenant, item.id),
    ):
        with pytest.raises(NotFound):
            await asked
    from dataclasses import replace

    with pytest.raises(BotError):
        await house.around.open(replace(item, tenant=other.tenant))
    theirs = await house.connect(house.visit(other))
    assert theirs.id != item.id and (await house.now(item)).status == "active"
    assert house.server.revoked == []


async def test_one_tenant_s_own_app_serves_nobody_else(house: OAuthHouse) -> None:
    name = house.server.name
    told = {want["name"]: f"own-{want['name']}" for want in _wants(name)}
    await house.connections.put_app(house.olga, name, told)  # type: ignore[arg-type]
    mine = await house.around.apps.of(house.tenant.id, load(name))
    theirs = await house.around.apps.of(house.olga.tenant, load(name))
    assert (mine.id, theirs.id) == ("client-of-ours", "own-client_id")
    assert "own-client_secret" not in str(await house.connections.services(house.olga))
    await house.connections.forget_app(house.olga, name)
    assert (await house.around.apps.of(house.olga.tenant, load(name))).id == "client-of-ours"
    for wrong in ({}, {"client_id": "x", "other": "y"}, {**told, "client_id": "a\x00b"}):
        with pytest.raises(Invalid):
            await house.connections.put_app(house.olga, name, wrong)  # type: ignore[arg-type]


def _wants(name: str) -> list[dict[str, str]]:
    from bot.oauth.apps import app_wants

    return [dict(want) for want in app_wants(load(name))]  # type: ignore[arg-type]
