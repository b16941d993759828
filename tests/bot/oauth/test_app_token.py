"""The token of an app of its own at Microsoft: by Microsoft's package, and by the house's roads."""

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.oauth import app_token
from bot.oauth.app_token import LOGIN, AppToken, Said
from tests.fakes.graph_tokens import CLIENT, SECRET, TENANT

SCOPE = "https://graph.microsoft.com/.default"
WHERE = f"{LOGIN}/{TENANT}"
OPENID = {
    "issuer": f"{WHERE}/v2.0",
    "token_endpoint": f"{WHERE}/oauth2/v2.0/token",
    "authorization_endpoint": f"{WHERE}/oauth2/v2.0/authorize",
}


def asking(
    token: tuple[int, object], openid: object = OPENID
) -> tuple[AppToken, list[tuple[str, str, Mapping[str, str], bytes | None]]]:
    asked = []

    async def ask(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Said:
        asked.append((method, path, headers, body))
        status, told = token if method == "POST" else (200, openid)
        if isinstance(told, Exception):
            raise told
        text = told if isinstance(told, str) else json.dumps(told)
        return Said(status_code=status, text=text, headers={})

    return AppToken(TENANT, CLIENT, SECRET, ask), asked


async def test_microsoft_s_package_asks_by_our_road_and_anew_each_time() -> None:
    app, asked = asking((200, {"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}))
    assert await app.new(SCOPE) == ("t", 3599.0)
    assert await app.new(SCOPE) == ("t", 3599.0)
    posts = [each for each in asked if each[0] == "POST"]
    assert [path for _, path, _, _ in posts] == [f"/{TENANT}/oauth2/v2.0/token"] * 2
    _, _, headers, body = posts[0]
    assert headers["x-client-sku"] == "MSAL.Python" and b"client_credentials" in (body or b"")


@pytest.mark.parametrize(
    ("token", "openid"),
    [
        ((401, {"error": "invalid_client"}), OPENID),
        ((400, {"error": "unauthorized_client"}), OPENID),
        ((200, {}), {"error": "invalid_tenant"}),
    ],
)
async def test_an_app_that_microsoft_does_not_know_has_none(
    token: tuple[int, object], openid: Any
) -> None:
    app, _ = asking(token, openid)
    if "error" in openid:

        async def ask(*told: object) -> Said:
            return Said(status_code=400, text=json.dumps(openid), headers={})

        app = AppToken(TENANT, CLIENT, SECRET, ask)
    assert await app.new(SCOPE) is None


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ((503, "{}"), VendorRefused),
        ((503, "<html>"), VendorRefused),
        ((200, "<html>"), VendorRefused),
        ((200, "{}"), VendorRefused),
        ((200, "[]"), VendorRefused),
        ((400, {"error": "temporarily_unavailable"}), VendorRefused),
        ((200, VendorUnknown("silence")), VendorUnknown),
    ],
)
async def test_while_there_is_none_nobody_says_that_the_secret_is_wrong(
    told: tuple[int, object], says: type[Exception]
) -> None:
    app, _ = asking(told)
    with pytest.raises(says):
        await app.new(SCOPE)


async def test_the_secret_goes_to_microsoft_alone() -> None:
    app, asked = asking((200, {}), {**OPENID, "token_endpoint": "https://evil.example/a/token"})
    with pytest.raises(VendorRefused, match="not its own"):
        await app.new(SCOPE)
    assert all(method == "GET" for method, *_ in asked)


async def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        if name == "msal":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(app_token, "import_module", gone)
    app, _ = asking((200, {}))
    with pytest.raises(ConnectionBroken, match="msal"):
        await app.new(SCOPE)


async def test_who_asks_no_more_leaves_no_thread_that_waits() -> None:
    began = asyncio.Event()

    async def ask(*told: object) -> Said:
        began.set()
        await asyncio.sleep(0.2)
        return Said(status_code=503, text="{}", headers={})

    task = asyncio.create_task(AppToken(TENANT, CLIENT, SECRET, ask).new(SCOPE))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.3)
