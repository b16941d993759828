"""Letting go, checking, and what a vendor tells us by itself."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs

import pytest

from bot.core.errors import BotError, Forbidden, Invalid, NotFound
from bot.core.secret import Secret
from bot.oauth.deletion import SIGNERS, opened
from bot.oauth.provider import load
from bot.store import connections as rows
from bot.store import keys
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import SECRET
from tests.published import VECTORS, needs, vectors


async def test_the_vendor_is_told_and_nothing_stays(house: OAuthHouse) -> None:
    item = await house.connect()
    said = await house.connections.end(house.owner, item.id)
    provider = load(item.provider)
    if provider.revoke:
        assert house.server.revoked and "taken our access back" in said
    else:
        assert provider.by_hand in said
    await is_gone(house, item.id)
    with pytest.raises(NotFound):
        await house.connections.end(house.owner, item.id)


async def test_a_vendor_that_fails_keeps_nothing_here(house: OAuthHouse) -> None:
    item = await house.connect()
    provider = load(item.provider)
    house.server.faults.revoke_status = 503
    said = await house.connections.end(house.owner, item.id)
    assert provider.by_hand in said
    await is_gone(house, item.id)


async def is_gone(house: OAuthHouse, id_: str) -> None:
    tenant, name = house.tenant.id, house.server.name
    assert await house.db.read(rows.of(tenant, id_)) is None
    assert await house.db.read(keys.value(tenant, name, id_, "tokens")) is None
    with pytest.raises(BotError):
        await house.connections.accounts.client(tenant, name)


async def test_a_check_asks_the_vendor_and_knows_the_name_of_today(house: OAuthHouse) -> None:
    item = await house.connect()
    house.clock.advance(minutes=1)
    shown = await house.connections.check(house.owner, item.id)
    assert (shown["status"], shown["error"]) == ("active", "")
    assert str(shown["checked_at"]) > str(shown["connected_at"])


async def test_a_check_of_what_was_taken_back_finds_it_broken(house: OAuthHouse) -> None:
    item = await house.connect()
    house.clock.advance(hours=25)
    house.server.expire()
    for issued in house.server.refreshes.values():
        issued.alive = False
    house.server.faults.no_refresh = True
    shown = await house.connections.check(house.owner, item.id)
    assert shown["status"] == "broken", shown
    assert house.told == [(item.tenant, item.provider, "broken")]


async def test_a_check_while_the_vendor_is_away_breaks_nothing(house: OAuthHouse) -> None:
    item = await house.connect()
    await house.server._runner.cleanup()
    shown = await house.connections.check(house.owner, item.id)
    assert shown["status"] == "active" and house.told == []
    assert bool(shown["error"]) == bool(load(item.provider).who.url)
    await house.server.__aenter__()


meta = pytest.mark.parametrize("vendor", SIGNERS, indirect=True)


def signed(house: OAuthHouse, secret: str = SECRET, **told: object) -> str:
    """A request as Meta signs it."""
    payload = {"algorithm": "HMAC-SHA256", "issued_at": house.clock.at.timestamp(), **told}
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    made = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return f"{base64.urlsafe_b64encode(made).decode().rstrip('=')}.{text}"


@meta
async def test_a_person_who_took_our_app_off_is_not_connected_any_more(house: OAuthHouse) -> None:
    item = await house.connect()
    theirs = await house.connect(house.visit(house.olga))
    text, name = signed(house, user_id=item.account), house.server.name
    assert await house.connections.deletions.deauthorised(name, text) == 2
    await is_gone(house, item.id)
    assert await house.db.read(rows.of(theirs.tenant, theirs.id)) is None
    assert await house.connections.deletions.deauthorised(name, text) == 0


@meta
async def test_a_request_for_deletion_is_answered_alike_for_known_and_unknown(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    deletions, name = house.connections.deletions, house.server.name
    known = await deletions.delete(name, signed(house, user_id=item.account))
    unknown = await deletions.delete(name, signed(house, user_id="nobody"))
    for answer, count in ((known, 1), (unknown, 0)):
        assert set(answer) == {"url", "confirmation_code"}
        code = str(answer["confirmation_code"])
        assert answer["url"] == f"https://house.example/oauth/deletion/{code}"
        found = await deletions.status(code)
        assert (found.state, found.removed) == ("done", count)
    await is_gone(house, item.id)
    with pytest.raises(NotFound):
        await deletions.status("0" * 32)


@meta
async def test_a_tenant_s_app_that_cannot_be_opened_is_in_no_other_tenant_s_way(
    house: OAuthHouse, caplog: pytest.LogCaptureFixture
) -> None:
    name, other = house.server.name, house.olga.tenant
    mine = {"client_id": "mine", "client_secret": "not-the-house-s"}
    await house.around.apps.put(house.tenant.id, name, mine)
    broken = keys.ValueRow(provider=name, owner="", field="oauth_app", version=1, value="1.x.y.z")
    await house.db.write(keys.write(other, broken, 1))
    text = signed(house, secret="not-the-house-s", user_id="nobody")
    assert await house.connections.deletions.deauthorised(name, text) == 0
    with pytest.raises(Forbidden):
        await house.connections.deletions.deauthorised(name, signed(house, secret="no"))
    assert other in caplog.text and "not-the-house-s" not in caplog.text


@meta
async def test_a_request_that_is_forged_old_or_of_another_app_changes_nothing(
    house: OAuthHouse,
) -> None:
    item = await house.connect()
    deletions, name = house.connections.deletions, house.server.name
    good = signed(house, user_id=item.account)
    for wrong in (
        "",
        "abc",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        signed(house, "another secret", user_id=item.account),
        signed(house, user_id=item.account, issued_at=house.clock.at.timestamp() - 3700),
        signed(house, user_id=item.account, algorithm="none"),
        "é.é",
    ):
        for ask in (deletions.deauthorised, deletions.delete):
            with pytest.raises(Forbidden):
                await ask(name, wrong)
    with pytest.raises(Invalid):
        await deletions.delete(name, signed(house))
    assert (await house.now(item)).status == "active"


@meta
async def test_a_tenant_s_own_app_ends_that_tenant_s_connections_alone(house: OAuthHouse) -> None:
    item, name = await house.connect(), house.server.name
    told = {"client_id": "client-of-ours", "client_secret": "own secret"}
    await house.connections.put_app(house.olga, name, told)
    text = signed(house, "own secret", user_id=item.account)
    assert await house.connections.deletions.deauthorised(name, text) == 0
    assert (await house.now(item)).status == "active"


@pytest.mark.parametrize("vendor", ["x"], indirect=True)
async def test_nobody_else_is_believed(house: OAuthHouse) -> None:
    with pytest.raises(NotFound):
        await house.connections.deletions.delete("x", signed(house, user_id="1"))


@needs(VECTORS)
def test_the_public_vectors_are_judged_as_they_say() -> None:
    found = vectors("meta-signed-request")
    assert len(found) > 4
    for one in found:
        text = parse_qs(one["body"])["signed_request"][0]
        if one["valid"]:
            opened(text, Secret(one["secret"]), one["now"])
        else:
            with pytest.raises(Forbidden):
                opened(text, Secret(one["secret"]), one["now"])
