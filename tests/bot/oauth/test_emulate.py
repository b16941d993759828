"""Google's and Microsoft's dance with a server that somebody else wrote.

Three of its ways differ from the vendors' documents, and the record is told so here: its addresses
of tokens and revoking, its own name as issuer, and no `iss` in the callback.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from importlib import import_module
from pathlib import Path
from re import findall
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import ClientSession

from bot.core.errors import VendorError
from bot.oauth.flow import Returned, Wanted
from bot.oauth.provider import load
from bot.store import connections as rows
from tests.fakes import emulate
from tests.fakes.oauth_house import ADDRESS, OAuthHouse
from tests.fakes.oauth_server import CLIENT, SECRET, OAuthServer
from tests.process import free_port

ANN = "ann@example.com"


@pytest.fixture(params=["google", "microsoft"])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OAuthHouse]:
    name, port = request.param, free_port()
    back = f"{ADDRESS}/oauth/{name}/callback"
    app = {"client_id": CLIENT, "client_secret": SECRET, "name": "Ours", "redirect_uris": [back]}
    seed = {"users": [{"email": ANN, "name": "Ann"}], "oauth_clients": [app]}
    with emulate.running(tmp_path, name, port, seed) as address:
        record = load(name)
        if name == "google":
            there = replace(
                record,
                token_url="https://oauth2.googleapis.com/oauth2/token",
                revoke=replace(record.revoke, url="https://oauth2.googleapis.com/oauth2/revoke"),  # type: ignore
                issuer=address,
            )
        else:
            login = "https://login.microsoftonline.com/oauth2/v2.0"
            there = replace(
                record,
                authorize_url=f"{login}/authorize",
                token_url=f"{login}/token",
                issuer=f"{address}/{{tenant}}/v2.0",
            )
        load.cache_clear()
        monkeypatch.setattr(import_module(f"bot.oauth.providers.{name}"), "PROVIDER", there)
        server = OAuthServer(name)
        server.base = address
        async with OAuthHouse(tmp_path, server) as made:
            made.clock.at = datetime.now(UTC)  # its id tokens say what time it is
            yield made
    load.cache_clear()


async def agree(address: str) -> dict[str, str]:
    """Press the button of Ann on the consent page; what the browser is sent back with."""
    async with ClientSession() as browser:
        async with browser.get(address) as response:
            page = await response.text()
            assert response.status == 200, page
        form = next(part for part in page.split("<form")[1:] if ANN in part)
        fields = dict(findall(r'name="([^"]+)"\s+value="([^"]*)"', form))
        action = unescape(findall(r'action="([^"]+)"', form)[0])
        root = f"{urlsplit(address).scheme}://{urlsplit(address).netloc}"
        data = {name: unescape(value) for name, value in fields.items()}
        async with browser.post(root + action, data=data, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            where = response.headers["Location"]
    assert where.startswith(f"{ADDRESS}/oauth/")
    return dict(parse_qsl(urlsplit(where).query))


async def test_connect_call_renew_and_let_go(house: OAuthHouse) -> None:
    visit, name = house.visit(), house.server.name
    address = await house.connections.start(visit, name, Wanted())
    back = await agree(address)
    await house.connections.finish(visit, name, Returned(**back))
    (item,) = await house.db.read(rows.listed(house.tenant.id))
    assert item.status == "active" and item.renewed and item.refresh_until or name == "google"
    assert item.account and ANN not in item.account
    shown = await house.connections.check(house.owner, item.id)
    assert (shown["status"], shown["error"]) == ("active", "")
    first = (await house.around.open(item)).access
    assert item.expires_at
    house.clock.at = item.expires_at
    _, token = await house.connections.renewal.fresh(item.tenant, item.id)
    assert token != first
    assert (await house.connections.check(house.owner, item.id))["error"] == ""
    await house.connections.end(house.owner, item.id)
    assert await house.db.read(rows.listed(house.tenant.id)) == []


async def test_a_code_is_good_once_and_only_with_its_verifier(house: OAuthHouse) -> None:
    visit, name = house.visit(), house.server.name
    first = await agree(await house.connections.start(visit, name, Wanted()))
    second = await agree(await house.connections.start(visit, name, Wanted()))
    crossed = Returned(state=first["state"], code=second["code"])
    with pytest.raises(VendorError):
        await house.connections.finish(visit, name, crossed)
    assert await house.db.read(rows.listed(house.tenant.id)) == []
