"""The connections of a house: its apps from the settings, and what its owners are told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.connections import Connections
from bot.core.errors import BotError, SettingsError
from bot.core.secret import Secret
from bot.oauth.around import Tokens
from bot.oauth.provider import Services
from bot.oauth.provider import load as record
from bot.settings import load
from bot.store import connections as rows
from bot.troubles import Troubles
from bot.wiring.connected import Means, connected
from tests.fakes.live import RecordingLive
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import CLIENT, SECRET, OAuthServer

VARIABLES = {
    "google": ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
    "facebook": ("META_APP_ID", "META_APP_SECRET"),
    "x": ("X_CLIENT_ID", "X_CLIENT_SECRET"),
    "microsoft": ("MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"),
    "reddit": ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"),
    "pinterest": ("PINTEREST_APP_ID", "PINTEREST_SECRET_KEY"),
    "linkedin": ("LINKEDIN_CLIENT_ID", "LINKEDIN_CLIENT_SECRET"),
    "tiktok": ("TIKTOK_CLIENT_KEY", "TIKTOK_CLIENT_SECRET"),
    "tumblr": ("TUMBLR_AUTH_KEY", "TUMBLR_OAUTH_SECRET"),
}


def made(
    house: OAuthHouse,
    environ: Mapping[str, str],
    troubles: Any = None,
    services: Services | None = None,
) -> Connections:
    """The connections of a house with these variables."""
    return connected(
        Means(
            settings=load(None, {"BOT_HOME": "/nowhere", **environ}),
            db=house.db,
            clock=house.clock,
            strongroom=house.room,
            peers=house.peers,
            engine=lambda: SimpleNamespace(troubles=troubles),  # type: ignore[arg-type, return-value]
            address=lambda: "https://house.example",
            services=services or Services(),
        )
    )


async def test_each_service_s_own_variables_are_its_app(tmp_path: Path) -> None:
    environ = {name: f"value of {name}" for pair in VARIABLES.values() for name in pair}
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        apps = made(house, environ).accounts._g.apps
        for name, (id_, secret) in VARIABLES.items():
            app = await apps.of(house.tenant.id, record(name))
            assert app.id == environ[id_] and app.secret.reveal() == environ[secret]
        assert (await apps.of(house.tenant.id, record("threads"))).id == environ["META_APP_ID"]
        other = {"PINTEREST_APP_ID": "1", "PINTEREST_APP_SECRET_KEY": "other"}
        apps = made(house, other).accounts._g.apps
        assert (await apps.of(house.tenant.id, record("pinterest"))).secret.reveal() == "other"


async def test_an_app_that_is_none_stops_the_start_and_is_named(tmp_path: Path) -> None:
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        for environ, words in (
            ({"GOOGLE_CLIENT_ID": "1"}, "google.*client_secret"),
            ({"BOT_OAUTH": '{nobody = {client_id = "1"}}'}, "nobody.*no such service"),
            ({"BOT_OAUTH": '{x = {client_id = "1", client = "2"}}'}, "x.*knows no client"),
        ):
            with pytest.raises(SettingsError, match=words):
                made(house, environ)


async def test_an_app_waits_for_a_package_that_is_left_out(tmp_path: Path) -> None:
    environ = {"BOT_OAUTH": '{press = {client_id = "1", client_secret = "2"}}'}
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        connections = made(house, environ, services=Services(is_whole=False))
        names = [item["name"] for item in await connections.services(house.owner)]  # type: ignore[index, call-overload]
        assert "press" not in names and "x" in names
        press = replace(record("google"), name="press", title="Press")
        connections = made(house, environ, services=Services([press]))
        assert (await connections.accounts._g.apps.of(house.tenant.id, press)).id == "1"


async def test_the_account_of_a_package_that_is_gone_rests_and_can_be_let_go_of(
    tmp_path: Path,
) -> None:
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        other = await house.connect()
        item = replace(other, id="con_gone", provider="press", due_at=house.clock.at)
        sealed = await house.around.seal(item, Tokens(access=Secret("a"), refresh=Secret("b")))
        assert await house.db.write(rows.put(item, sealed, ""))
        shown = {one["provider"]: one for one in await house.connections.listed(house.owner)}  # type: ignore[index, call-overload]
        assert shown["x"]["status"] == "active"
        assert shown["press"]["status"] == "broken" and "package" in str(shown["press"]["error"])
        await house.connections.renewal.tend()
        rested = await house.now(item)
        assert (rested.status, rested.renewing_at) == ("active", None), "it may come back"
        said = await house.connections.end(house.owner, item.id)
        assert "nobody told the service" in said
        assert [one.id for one in await house.db.read(rows.listed(item.tenant))] == [other.id]


async def test_accounts_that_rest_keep_no_other_from_being_renewed(tmp_path: Path) -> None:
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        item = await house.connect()
        assert item.expires_at
        house.clock.at = item.expires_at - timedelta(minutes=1)
        for n in range(100):
            gone = replace(item, id=f"con_{n}", provider="press", account=f"{n}", agent=f"a{n}")
            gone = replace(gone, due_at=house.clock.at - timedelta(days=2))
            sealed = await house.around.seal(gone, Tokens(access=Secret("a"), refresh=Secret("b")))
            assert await house.db.write(rows.put(gone, sealed, ""))
        house.clock.advance(days=2)
        for _ in range(2):
            await house.connections.renewal.tend()
        now = await house.now(item)
        assert now.expires_at and now.expires_at > house.clock.at
        assert await house.connections.renewal.tend() == 0, "nobody is asked for again at once"


async def test_owners_are_told_once_that_it_ends_breaks_and_works(tmp_path: Path) -> None:
    async with OAuthServer("x") as server, OAuthHouse(tmp_path, server) as house:
        troubles = Troubles(house.db, house.clock, RecordingLive(), house.peers)  # type: ignore[arg-type]
        environ = {
            "X_CLIENT_ID": CLIENT,
            "X_CLIENT_SECRET": SECRET,
            "BOT_ENDPOINT_X": server.base,
            "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
        }
        connections = made(house, environ, troubles)
        item = await house.connect()
        ending = replace(item, renewed=0, expires_at=house.clock.at + timedelta(days=3))
        told = connections.accounts._g.told
        await told(ending, "ends")
        await troubles.look()
        (shown,) = await troubles.shown(house.tenant.id)
        assert "X ends on 24 November 2026" in str(shown["title"])
        server.faults.declined = "invalid_grant"
        house.clock.at = item.expires_at or house.clock.at
        for _ in range(3):
            with pytest.raises(BotError, match="admin/connections#x"):
                await connections.renewal.fresh(item.tenant, item.id)
            await connections.renewal.tend()
            await troubles.look()
        shown_now = await troubles.shown(house.tenant.id)
        broken = next(one for one in shown_now if "is broken" in str(one["title"]))
        assert (broken["href"], broken["count"]) == ("/admin/connections", 1)
        assert await troubles.shown(house.olga.tenant) == []
        await connections.end(house.owner, item.id)
        assert await troubles.shown(house.tenant.id) == []
