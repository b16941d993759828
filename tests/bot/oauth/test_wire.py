"""What goes over the wire, to the letter, and how each answer is read."""

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from bot.core.errors import Invalid, VendorUnknown
from bot.core.ports import Page
from bot.core.secret import Secret
from bot.oauth.provider import App, inside, load
from bot.oauth.wire import Busy, Declined, Wire
from tests.fakes.people_house import StillClock

TOKEN = {"access_token": "a", "expires_in": "3600", "refresh_token": "r", "scope": "one two"}


class Post:
    """A fetcher that answers one thing."""

    def __init__(self, status: int = 200, told: Any = None, **headers: str) -> None:
        self.status, self.headers = status, headers
        self.body = told if isinstance(told, bytes) else json.dumps(told or TOKEN).encode()
        self.url, self.form, self.sent = "", dict[str, str](), dict[str, str]()

    async def fetch(self, url: str, **asked: Any) -> Page:
        self.url, self.sent = url, asked["headers"]
        self.form = dict(parse_qsl((asked["body"] or b"").decode()))
        if self.status == 0:
            raise Invalid("It redirects elsewhere.")
        return Page(
            url=url, status=self.status, media_type="", body=self.body, headers=self.headers
        )


def wire(post: Post, name: str = "x", secret: str = "s", endpoint: str = "", **more: str) -> Wire:
    app = App(id="id", secret=Secret(secret), more=more)
    return Wire(load(name), app, post, StillClock(), endpoint)


async def test_an_app_without_a_secret_names_itself_and_proves_nothing() -> None:
    post = Post()
    await wire(post, secret="").exchange("c", "v", "https://h/back")
    assert post.form == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "https://h/back",
        "code_verifier": "v",
        "client_id": "id",
    }
    assert "Authorization" not in post.sent


async def test_an_odd_id_and_secret_survive_basic() -> None:
    post = Post()
    await wire(post, secret="a:b c%é").refresh(Secret("r"))
    assert post.sent["Authorization"] == "Basic aWQ6YSUzQWIlMjBjJTI1JUMzJUE5"  # RFC 6749, 2.3.1
    assert post.form == {"grant_type": "refresh_token", "refresh_token": "r"}


async def test_addresses_are_the_vendor_s_unless_an_endpoint_stands_in() -> None:
    post = Post()
    await wire(post).refresh(Secret("r"))
    assert post.url == "https://api.x.com/2/oauth2/token"
    await wire(post, endpoint="http://127.0.0.1:9/base").refresh(Secret("r"))
    assert post.url == "http://127.0.0.1:9/base/2/oauth2/token"
    for tenant, path in (("", "organizations"), ("T/1", "T%2F1"), ("a,b", "organizations")):
        await wire(post, "microsoft", tenant=tenant).refresh(Secret("r"))
        assert post.url == f"https://login.microsoftonline.com/{path}/oauth2/v2.0/token"


async def test_numbers_come_as_numbers_or_as_text_and_nonsense_is_no_number() -> None:
    for told, seconds in (("3600", 3600), (3600, 3600), (True, 7200), (-1, 7200), ("x", 7200)):
        grant = await wire(Post(told={**TOKEN, "expires_in": told})).refresh(Secret("r"))
        assert grant.expires_at
        lasts = grant.expires_at - StillClock().now()
        assert abs(lasts - timedelta(seconds=seconds)) < timedelta(seconds=1), told


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("120", 120),
        ("999999", 3600),
        (format_datetime(StillClock().now() + timedelta(seconds=60), usegmt=True), 59),
        ("soon", None),
        ("", None),
    ],
)
async def test_not_now_says_when(wait: str, seconds: float | None) -> None:
    with pytest.raises(Busy) as error:
        await wire(Post(429, {"x": 1}, **{"retry-after": wait})).refresh(Secret("r"))
    found = error.value.retry_after_s
    assert found == seconds or (found and seconds and abs(found - seconds) <= 1)


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "canary"}, Declined),
        (400, {"error": "<b>canary</b>"}, Declined),
        (200, {"error": "invalid_grant"}, Declined),
        (200, {"error": {"code": "temporarily_unavailable"}}, Busy),
        (503, b"<html>canary", Busy),
        (200, b"<html>canary", VendorUnknown),
        (200, b"[" * 100_000, VendorUnknown),
        (200, {"access_token": ["canary"]}, VendorUnknown),
        (302, {"x": 1}, VendorUnknown),
        (0, {}, VendorUnknown),
    ],
)
async def test_each_failure_is_of_its_kind_and_repeats_nobody(
    status: int, told: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        await wire(Post(status, told)).refresh(Secret("r"))
    assert type(error.value) is kind and "canary" not in str(error.value)


def test_a_path_leads_inward_through_objects_and_lists() -> None:
    assert inside({"a": [{"b": 1}]}, "a.0.b") == 1
    assert inside({"a": [{"b": 1}]}, "a.1.b") is inside({"a": 1}, "a.b") is inside([], "x") is None
