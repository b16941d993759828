"""Connecting an account, at every vendor: the whole dance, and each way it must not go."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.core.errors import BotError, Forbidden, Invalid, NotFound, VendorError
from bot.oauth.flow import Returned, challenge
from bot.oauth.provider import Provider, load, names
from bot.oauth.wire import Declined
from bot.store import connections as rows
from tests.fakes.oauth_house import ADDRESS, OAuthHouse
from tests.fakes.oauth_rules import RULES, played


async def none_yet(house: OAuthHouse) -> bool:
    return await house.db.read(rows.listed(house.tenant.id)) == []


async def test_an_account_is_connected_and_says_what_it_may_do(house: OAuthHouse) -> None:
    item = await house.connect()
    provider = load(house.server.name)
    assert item.account.endswith(house.server.account)
    assert item.name and item.status == "active" and item.client == "client-of-ours"
    asked = provider.scopes([n for n, f in provider.features.items() if f.asked])
    assert set(item.scopes) == set(asked), "everything was granted, in our own words"
    (shown,) = await house.connections.listed(house.owner)
    assert shown["missing"] == []  # type: ignore[index, call-overload]
    assert "canary" not in json.dumps(shown)
    tokens = await house.around.open(item)
    assert tokens.access.reveal().startswith("canary-access")
    assert bool(tokens.refresh) == house.server.rule.refresh
    assert house.server.verifiers == [] or len(house.server.verifiers) == 1


async def test_the_address_back_is_the_settings_and_nothing_else(house: OAuthHouse) -> None:
    asked = dict(parse_qsl(urlsplit(await house.start()).query))
    assert asked["redirect_uri"] == f"{ADDRESS}/oauth/{house.server.name}/callback"
    assert "canary" not in str(asked)


async def test_a_state_that_is_missing_reused_old_or_anothers_is_refused_before_any_token_call(
    house: OAuthHouse,
) -> None:
    finish, name = house.connections.finish, house.server.name
    visit = house.visit()
    back = house.server.agree(await house.start(visit))
    for wrong in ("", "made-up", back["state"][:-1]):
        with pytest.raises(Forbidden):
            await finish(visit, name, Returned(state=wrong, code=back["code"]))
    for other in (house.visit(door="door-2"), house.visit(house.olga)):
        with pytest.raises(Forbidden):
            await finish(other, name, Returned(**back))
    old = house.server.agree(await house.start(visit))
    house.clock.advance(minutes=11)
    with pytest.raises(Forbidden):
        await finish(visit, name, Returned(**old))
    assert house.token_calls == 0 and await none_yet(house)
    again = house.server.agree(await house.start(visit))
    await finish(visit, name, Returned(**again))
    calls = house.token_calls
    with pytest.raises(Forbidden):
        await finish(visit, name, Returned(**again))
    assert house.token_calls == calls, "the second time nobody was asked"


async def test_the_answer_of_another_vendor_is_refused(house: OAuthHouse) -> None:
    visit = house.visit()
    back = house.server.agree(await house.start(visit))
    other = "tumblr" if house.server.name != "tumblr" else "x"
    with pytest.raises(BotError):
        await house.connections.finish(visit, other, Returned(**back))
    if load(house.server.name).issuer:
        wrong = Returned(state=back["state"], code=back["code"], iss="https://evil.example")
        with pytest.raises(Forbidden, match="another service"):
            await house.connections.finish(visit, house.server.name, wrong)
        assert house.token_calls == 0
    assert await none_yet(house)


async def test_a_code_is_exchanged_once(house: OAuthHouse) -> None:
    visit = house.visit()
    first = house.server.agree(await house.start(visit))
    await house.connections.finish(visit, house.server.name, Returned(**first))
    second = dict(house.server.agree(await house.start(visit))) | {"code": first["code"]}
    with pytest.raises(Declined):
        await house.connections.finish(visit, house.server.name, Returned(**second))
    items = await house.db.read(rows.listed(house.tenant.id))
    assert [item.status for item in items] == ["active"]


async def test_a_verifier_is_sent_once_and_kept_nowhere(house: OAuthHouse) -> None:
    await house.connect()
    verifiers = house.server.verifiers
    assert len(verifiers) == int(load(house.server.name).pkce)
    dump = "\n".join(await everything(house))
    assert dump and not any(verifier in dump for verifier in verifiers)


async def test_no_token_and_no_secret_stands_readable_in_the_database(house: OAuthHouse) -> None:
    await house.connect()
    dump = "\n".join(await everything(house))
    assert "connection.added" in dump and "canary" not in dump
    assert any(text.startswith("canary-access") for text in house.masked), "no log shows it"


async def everything(house: OAuthHouse) -> list[str]:
    """Each row of each table as text."""
    import sqlite3

    conn = sqlite3.connect(house.db.path)
    tables = conn.execute("select name from sqlite_master where type = 'table'").fetchall()
    found = [str(row) for (name,) in tables for row in conn.execute(f"select * from {name}")]
    conn.close()
    return found


def besides(provider: Provider) -> list[str]:
    """The features that are asked for and take more than every connection has."""
    base = set(provider.base)
    return [name for name, f in provider.features.items() if f.asked and set(f.scopes) - base]


def says_what(name: str) -> bool:
    """Whether that vendor says what was granted."""
    return RULES[name].shape != "no scope" or bool(RULES[name].permissions)


def test_every_service_is_played() -> None:
    missing = set(names()) - set(RULES)
    assert not missing, f"tests/fakes/oauth_rules.py says how a vendor behaves; not yet: {missing}"


REDUCED = [name for name in played() if besides(load(name)) and says_what(name)]


@pytest.mark.parametrize("vendor", REDUCED, indirect=True)
async def test_a_grant_of_less_is_shown_and_what_needs_more_is_refused(house: OAuthHouse) -> None:
    provider = load(house.server.name)
    wanted = besides(provider)
    house.server.faults.scopes = list(provider.base) or ["pages_show_list"]
    item = await house.connect()
    (shown,) = await house.connections.listed(house.owner)
    assert isinstance(shown, dict)
    lost = provider.features[wanted[0]].scopes
    assert set(shown["missing"]) & set(lost)  # type: ignore[arg-type]
    off = {each["name"] for each in shown["features"] if not each["on"]}  # type: ignore
    assert set(wanted) <= off
    with pytest.raises(BotError, match="was not allowed to") as error:
        await house.connections.accounts.client(item.tenant, item.provider, needs=lost)
    assert error.value.link.startswith(f"{ADDRESS}/admin/connections?scopes=")  # type: ignore


@pytest.mark.parametrize("vendor", [n for n in played() if load(n).features], indirect=True)
async def test_asking_for_more_keeps_what_was_granted(house: OAuthHouse) -> None:
    provider = load(house.server.name)
    every = list(provider.features)
    await house.connect(features=tuple(every))
    asked = dict(parse_qsl(urlsplit(await house.start(features=())).query))
    assert set(asked["scope"].split(provider.separator)) >= {
        s for s in provider.known_scopes() if s not in provider.hidden
    }


async def test_only_known_features_scopes_agents_and_pages_are_taken(house: OAuthHouse) -> None:
    for wrong in (
        {"features": ("everything",)},
        {"scopes": ("admin",)},
        {"agent": "a b"},
        *({"back": back} for back in FOREIGN),
    ):
        with pytest.raises(Invalid):
            await house.start(**wrong)
    await house.start(back="/chat/cnv_1")


FOREIGN = (
    *("//evil.example", r"\\evil.example", "https:evil.example", "https://evil.example", "evil"),
    *(
        "/\\evil",
        "/admin/../x",
        "/admin//evil.example",
        "/admin?x=//evil",
        "/admin\n",
        "javascript:1",
    ),
)


async def test_an_owner_has_one_connection_and_an_agent_may_have_its_own(house: OAuthHouse) -> None:
    await house.connect()
    await house.connect(agent="kelly")
    house.server.account += "-other"
    mine = await house.connect()
    found = await house.db.read(rows.listed(house.tenant.id))
    assert {(item.agent, item.id) for item in found} >= {("", mine.id)} and len(found) == 2
    if house.server.rule.revoke and not house.server.rule.revoke_account:
        account = found[1].account if found[0].id == mine.id else found[0].account
        assert account != mine.account
    accounts = house.connections.accounts
    own = await accounts.client(house.tenant.id, mine.provider, "kelly")
    shared = await accounts.client(house.tenant.id, mine.provider, "bri")
    assert own.account != shared.account == mine.account
    house.server.mistakes.clear()  # the account in the path is the new one by now


async def test_a_vendor_that_fails_leaves_nothing(house: OAuthHouse) -> None:
    visit = house.visit()
    for fault, value in (
        ("token_status", 503),
        ("token_status", 429),
        ("declined", "invalid_grant"),
        ("drop_answer", True),
    ):
        back = house.server.agree(await house.start(visit))
        setattr(house.server.faults, fault, value)
        with pytest.raises(VendorError) as error:
            await house.connections.finish(visit, house.server.name, Returned(**back))
        assert "canary" not in str(error.value)
        setattr(house.server.faults, fault, 0 if fault == "token_status" else "")
    assert await none_yet(house)


@pytest.mark.parametrize("vendor", ["google", "microsoft", "apple"], indirect=True)
async def test_an_id_token_that_was_meant_for_another_is_refused(house: OAuthHouse) -> None:
    visit = house.visit()
    for claims in (
        {"nonce": "another"},
        {"aud": "another-app"},
        {"iss": "https://evil.example"},
        {"exp": 1},
    ):
        house.server.faults.claims = claims
        back = house.server.agree(await house.start(visit))
        with pytest.raises(Forbidden, match="not meant"):
            await house.connections.finish(visit, house.server.name, Returned(**back))
    assert await none_yet(house)


@pytest.mark.parametrize("vendor", ["microsoft"], indirect=True)
async def test_an_account_of_another_organisation_is_not_let_in(house: OAuthHouse) -> None:
    told = {"client_id": "client-of-ours", "client_secret": "canary-client-secret-5f2e"}
    await house.connections.put_app(house.owner, "microsoft", {**told, "tenant": "T-2,T-3"})
    visit = house.visit()
    back = house.server.agree(await house.start(visit))
    with pytest.raises(Forbidden, match="not meant"):
        await house.connections.finish(visit, "microsoft", Returned(**back))
    await house.connections.put_app(house.owner, "microsoft", {**told, "tenant": "T-1,T-3"})
    item = await house.connect()
    assert item.account == "T-1/microsoft-account-1", "never the address of somebody"


@pytest.mark.parametrize("vendor", ["tumblr"], indirect=True)
async def test_there_is_no_service_of_another_name_and_none_without_an_app(
    house: OAuthHouse,
) -> None:
    with pytest.raises(NotFound):
        await house.connections.start(house.visit(), "../x", None)  # type: ignore[arg-type]
    with pytest.raises(BotError, match="bot connect google"):
        await house.connections.accounts._g.apps.of(house.tenant.id, load("google"))


def test_the_challenge_is_that_of_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
