"""Google tells of an account that was shut, or whose tokens it took back: who is believed, and what ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from bot.core.errors import BotError, Forbidden, NotFound, VendorUnknown
from bot.oauth.renewal import Reconnect
from bot.store import connections as rows
from tests.fakes.google_alarms import KIND, ONE, SHUT, TAKEN, GoogleAlarms
from tests.fakes.oauth_house import OAuthHouse


@pytest.fixture
async def google() -> AsyncIterator[GoogleAlarms]:
    async with GoogleAlarms() as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def house(tmp_path: Path, google: GoogleAlarms) -> AsyncIterator[OAuthHouse]:
    async with OAuthHouse(tmp_path, google) as house:
        yield house


def told(house: OAuthHouse, google: GoogleAlarms, kind: str = TAKEN, **more: Any) -> str:
    return google.token(house.clock.at.timestamp(), kind, **more)


@pytest.mark.parametrize("kind", [TAKEN, SHUT])
async def test_its_connections_are_broken_their_tokens_forgotten_and_the_owners_told(
    house: OAuthHouse, google: GoogleAlarms, kind: str
) -> None:
    item = await house.connect()
    theirs = await house.connect(house.visit(house.olga))
    text, alarms = told(house, google, kind), house.connections.alarms
    assert await alarms.hear("google", text) == 2
    for each in (item, theirs):
        now = await house.db.read(rows.of(each.tenant, each.id))
        assert now and now.status == "broken" and "Google" in now.error
        kept = await house.around.open(now)
        assert not kept.access and not kept.refresh
    assert [what for _, _, what in house.told] == ["broken", "broken"]
    with pytest.raises(Reconnect, match="Google"):
        await house.connections.accounts.client(item.tenant, "google")
    assert await alarms.hear("google", text) == 0 and len(house.told) == 2
    assert google.keys_asked == 1, "keys are kept for a while"


async def test_an_account_may_be_named_as_an_id_token_names_it(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    item = await house.connect()
    claims = {"iss": "https://accounts.google.com/", "sub": google.account, "email": "a@b.example"}
    subject = {"subject_type": "id_token_claims", **claims}
    text = told(house, google, events={SHUT: {"subject": subject, "reason": "hijacking"}})
    assert await house.connections.alarms.hear("google", text) == 1
    assert (await house.now(item)).status == "broken"


async def refresh(house: OAuthHouse, item: rows.Connection) -> str:
    return (await house.around.open(item)).refresh.reveal()


@pytest.mark.parametrize("is_hashed", [False, True])
async def test_word_of_one_token_ends_the_connection_that_keeps_it_and_no_other(
    house: OAuthHouse, google: GoogleAlarms, is_hashed: bool
) -> None:
    item, alarms = await house.connect(), house.connections.alarms
    old = await refresh(house, item)
    google.refresh_begins = "another-beginning-"
    theirs = await house.connect(house.visit(house.olga))
    text = google.one(house.clock.at.timestamp(), old, is_hashed=is_hashed)
    assert await alarms.hear("google", text) == 1
    now = await house.now(item)
    assert now.status == "broken" and "Google" in now.error
    kept = await house.around.open(now)
    assert not kept.access and not kept.refresh
    assert (await house.now(theirs)).status == "active"
    assert house.told == [(item.tenant, "google", "broken")]
    with pytest.raises(Reconnect, match="Google"):
        await house.connections.accounts.client(item.tenant, "google")
    again = await house.connect()
    assert await alarms.hear("google", text) == 0, "what was connected since has another token"
    assert (await house.now(again)).status == "active"


@pytest.mark.parametrize(
    "more",
    [
        {"token": ""},
        {"token": "canary"},
        {"token": None},
        {"token": ["canary-refresh-1"]},
        {"token_type": "access_token"},
        {"token_identifier_alg": "plain"},
        {"token_identifier_alg": None},
        {"token_identifier_alg": "hash_base64_sha512_sha512"},
        {"token_identifier_alg": "hash_base64_sha512_sha512", "token": "\u00e9"},
        {"token_identifier_alg": "hash_base64_sha512_sha512", "token": ""},
    ],
)
async def test_a_token_that_is_not_named_as_documented_ends_nothing(
    house: OAuthHouse, google: GoogleAlarms, more: Any
) -> None:
    item = await house.connect()
    text = google.one(
        house.clock.at.timestamp(), await refresh(house, item), is_hashed=False, **more
    )
    assert await house.connections.alarms.hear("google", text) == 0
    assert (await house.now(item)).status == "active" and house.told == []


async def test_what_is_told_again_ends_nothing_that_was_connected_since(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    await house.connect()
    text = told(house, google)
    house.clock.advance(minutes=5)
    again = await house.connect()
    assert await house.connections.alarms.hear("google", text) == 0
    assert (await house.now(again)).status == "active"


async def test_what_is_not_signed_by_google_for_us_changes_nothing(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    item, good = await house.connect(), told(house, google)
    head, claims, sign = good.split(".")
    secret = b"-----any secret of at least thirty-two bytes-----"
    for wrong in (
        "",
        "a.b.c",
        good[:-4] + "AAAA",
        f"{head}.{claims[:-2]}AA.{sign}",
        told(house, google, key="7"),
        told(house, google, aud="another app"),
        told(house, google, aud=None),
        told(house, google, iss="https://evil.example/"),
        told(house, google, events=None),
        told(house, google, iat=None),
        jwt.encode({"iss": "x"}, secret, "HS256", {"kid": google.signs.current}),
        jwt.encode({"iss": "x"}, None, "none", {"kid": google.signs.current}),
        "x" * 30_000,
    ):
        with pytest.raises(Forbidden):
            await house.connections.alarms.hear("google", wrong)
    with pytest.raises(NotFound):
        await house.connections.alarms.hear("x", good)
    assert (await house.now(item)).status == "active" and house.told == []


@pytest.mark.parametrize(
    "events",
    [
        {f"{KIND}/risc/event-type/verification": {"state": "hello"}},
        {f"{KIND}/risc/event-type/sessions-revoked": {"subject": {"subject_type": "iss-sub"}}},
        {TAKEN: {"subject": {"subject_type": "iss-sub", "sub": "somebody else"}}},
        {TAKEN: {"subject": {"subject_type": "email", "email": "ann@example.com"}}},
        {TAKEN: "nothing"},
        {ONE: "nothing"},
        {ONE: {"subject": {"subject_type": "iss-sub", "sub": "google-account-1"}}},
        {},
    ],
)
async def test_what_is_no_end_of_an_account_of_ours_ends_nothing(
    house: OAuthHouse, google: GoogleAlarms, events: Any
) -> None:
    item = await house.connect()
    assert await house.connections.alarms.hear("google", told(house, google, events=events)) == 0
    assert (await house.now(item)).status == "active"


async def test_a_tenant_s_own_app_is_told_of_that_tenant_s_connections_alone(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    item = await house.connect()
    mine = {"client_id": "their-own", "client_secret": "s"}
    await house.connections.put_app(house.olga, "google", mine)
    text = told(house, google, aud="their-own")
    assert await house.connections.alarms.hear("google", text) == 0
    one = google.one(house.clock.at.timestamp(), await refresh(house, item), is_hashed=True)
    events = jwt.decode(one, options={"verify_signature": False})["events"]
    text = told(house, google, aud="their-own", events=events)
    assert await house.connections.alarms.hear("google", text) == 0
    assert (await house.now(item)).status == "active"


async def test_without_google_s_keys_nothing_is_believed_and_it_may_be_told_again(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    await house.connect()
    google.away = True
    with pytest.raises(VendorUnknown):
        await house.connections.alarms.hear("google", told(house, google))
    google.away, google.keys_at = False, "https://evil.example/keys"
    house.clock.advance(seconds=5)
    with pytest.raises(VendorUnknown, match="elsewhere"):
        await house.connections.alarms.hear("google", told(house, google))
    google.keys_at = "https://www.googleapis.com/oauth2/v3/certs"
    house.clock.advance(seconds=5)
    assert await house.connections.alarms.hear("google", told(house, google)) == 1


async def test_a_key_that_is_new_is_asked_for_and_a_made_up_one_not_over_and_over(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    await house.connect()
    hear = house.connections.alarms.hear
    await hear("google", told(house, google, f"{KIND}/risc/event-type/verification"))
    google.signs.current = "made-up"
    for _ in range(5):
        with pytest.raises(BotError):
            await hear("google", told(house, google))
    assert google.keys_asked == 1
    house.clock.advance(minutes=2)
    google.signs.published["made-up"] = []
    google.signs._number["made-up"] = 1
    assert await hear("google", told(house, google)) == 1 and google.keys_asked == 2


async def test_whoever_posts_made_up_tokens_has_google_asked_once_and_not_for_each(
    house: OAuthHouse, google: GoogleAlarms
) -> None:
    await house.connect()
    good = told(house, google)
    google.signs.current = "made-up"
    strange = [told(house, google, jti=str(n)) for n in range(20)]

    async def all_at_once() -> list[object]:
        hear = house.connections.alarms.hear
        tries = (hear("google", text) for text in strange)
        return [type(each) for each in await asyncio.gather(*tries, return_exceptions=True)]

    google.away = True
    assert await all_at_once() == [VendorUnknown] * 20 and google.refused == 1
    google.away = False
    house.clock.advance(seconds=5)
    assert await all_at_once() == [Forbidden] * 20 and google.keys_asked == 1
    assert await house.connections.alarms.hear("google", good) == 1 and google.keys_asked == 1
