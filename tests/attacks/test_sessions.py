"""Attacks on signing in and on who may ask (A11, A12, E5 to E9, E12, E13).

Through the real server: foreign names and pages, guessed and stolen secrets, other people's ids.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.web.app import routes
from bot.web.auth import Gate
from bot.web.parts import Access
from tests.bot.web.api.reading import answered, get, say
from tests.fakes.web_house import WebHouse

PUBLIC = "https://bot.example.org"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path, public_url=PUBLIC, blog=tmp_path / "blog") as house:
        yield house


@pytest.fixture
async def page(house: WebHouse) -> ClientSession:
    """The owner's browser, on our own page."""
    return await house.browser()


async def status(client: ClientSession, method: str, path: str, **given: Any) -> int:
    async with client.request(method, path, allow_redirects=False, **given) as response:
        await response.read()
        return response.status


def cookie_of(house: WebHouse, page: ClientSession) -> str:
    """The session's cookie, as a thief would have it."""
    return page.cookie_jar.filter_cookies(URL(house.url))["bot_session"].value


# Names and pages.


async def test_a_foreign_name_is_not_ours(house: WebHouse, page: ClientSession) -> None:
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1", "bot.example.org.evil"):
        for path in ("/v1/me", "/chat", "/in/x", "/static/app.css", "/version", "/ready"):
            assert await status(page, "GET", path, headers={"Host": host}) == 421, host
    for host in ("localhost", "127.0.0.1:1", "[::1]", "bot.example.org"):
        assert await status(page, "GET", "/v1/me", headers={"Host": host}) == 200


async def test_forwarded_headers_are_nobodys_word(house: WebHouse, page: ClientSession) -> None:
    forwarded = {
        "X-Forwarded-Host": "bot.example.org",
        "X-Forwarded-For": "127.0.0.1",
        "Forwarded": "host=bot.example.org",
        "X-Real-IP": "127.0.0.1",
    }
    assert await status(page, "GET", "/v1/me", headers={"Host": "evil.example", **forwarded}) == 421
    assert await status(house.client(), "GET", "/v1/me", headers=forwarded) == 401


async def test_coming_from_this_machine_proves_nothing(house: WebHouse) -> None:
    assert await status(house.client(), "GET", "/v1/me") == 401


async def test_a_change_with_a_cookie_needs_page_and_token(
    house: WebHouse, page: ClientSession
) -> None:
    cookie = cookie_of(house, page)
    visit = await house.credentials.by_cookie(cookie)
    assert visit
    token, origin = {"X-CSRF-Token": visit.csrf}, {"Origin": house.url}
    held = {"Cookie": f"bot_session={cookie}"}
    for headers, wanted in (
        ({**token, **origin}, 202),
        ({**token, "Sec-Fetch-Site": "same-origin"}, 202),
        ({**token, "Origin": "null", "Sec-Fetch-Site": "same-origin"}, 202),
        (origin, 403),
        (token, 403),
        ({}, 403),
        ({**token, "Origin": "http://evil.example"}, 403),
        ({**token, "Origin": "null"}, 403),
        ({**token, "Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({**token, "Origin": "http://127.0.0.1:1"}, 403),
        ({**token, "Sec-Fetch-Site": "same-site"}, 403),
        ({"X-CSRF-Token": "", **origin}, 403),
        ({"X-CSRF-Token": visit.csrf[:-1], **origin}, 403),
        ({"X-CSRF-Token": cookie, **origin}, 403),
    ):
        client = house.client({**held, **headers})
        assert await status(client, "POST", "/v1/messages", json={"text": "Hi"}) == wanted, headers
    assert len(house.claims) == 3


async def test_another_persons_page_token_does_not_fit(
    house: WebHouse, page: ClientSession
) -> None:
    member = await house.browser(await house.member())
    page.headers["X-CSRF-Token"] = member.headers["X-CSRF-Token"]
    assert await status(page, "POST", "/v1/messages", json={"text": "Hi"}) == 403


async def test_no_answer_is_open_to_other_sites(house: WebHouse, page: ClientSession) -> None:
    for path in ("/v1/me", "/chat", "/health", "/nothing"):
        async with page.get(path, headers={"Origin": "http://evil.example"}) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["X-Request-Id"]
    assert await status(page, "OPTIONS", "/v1/messages") == 405


# Links and sessions.


async def test_looking_at_a_link_does_not_spend_it(house: WebHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    client = house.client()
    for _ in range(3):
        assert await status(client, "GET", f"/in/{code}") == 200
        assert await status(client, "HEAD", f"/in/{code}") == 200
    assert await status(client, "POST", f"/in/{code}") == 303
    assert await status(client, "POST", f"/in/{code}") == 403


async def test_a_session_cookie_is_for_our_pages_alone(house: WebHouse) -> None:
    for host, secure in (("127.0.0.1", False), ("bot.example.org", True)):
        code = await house.credentials.link(house.owner, "house")
        async with house.client().post(
            f"/in/{code}", headers={"Host": host}, allow_redirects=False
        ) as response:
            cookie = response.headers["Set-Cookie"]
            assert response.headers["Location"] == "/chat"
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/" in cookie
        assert ("Secure" in cookie) is secure


async def test_a_planted_session_is_not_taken_over(house: WebHouse) -> None:
    planted = "planted-by-somebody-else"
    client = house.client({"Cookie": f"bot_session={planted}"})
    code = await house.credentials.link(house.owner, "house")
    async with client.post(f"/in/{code}", allow_redirects=False) as response:
        assert response.cookies["bot_session"].value != planted
    assert await house.credentials.by_cookie(planted) is None


async def test_signing_in_again_ends_the_session_before(
    house: WebHouse, page: ClientSession
) -> None:
    old = cookie_of(house, page)
    code = await house.credentials.link(house.owner, "house")
    assert await status(page, "POST", f"/in/{code}") == 303
    assert await house.credentials.by_cookie(old) is None
    assert await status(page, "GET", "/v1/me") == 200


async def test_another_site_cannot_sign_a_browser_in(house: WebHouse) -> None:
    code = await house.credentials.link(house.owner, "house")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        assert await status(house.client(headers), "POST", f"/in/{code}") == 403
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert await status(house.client(headers), "POST", f"/in/{code}") == 303


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://\u2100/", "//", "http://", "127.0.0.1", "http://a:b:c"]
)
async def test_an_origin_that_is_none_is_another_site(
    house: WebHouse, page: ClientSession, origin: str
) -> None:
    code = await house.credentials.link(house.owner, "house")
    head = b"HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\nOrigin: "
    answer = await spoken(
        house, f"POST /in/{code} ".encode() + head + origin.encode() + b"\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 403")
    async with page.post("/v1/logout", headers={"Origin": origin}) as response:
        assert response.status == 403


async def test_after_signing_out_the_cookie_opens_nothing(
    house: WebHouse, page: ClientSession
) -> None:
    cookie = cookie_of(house, page)
    assert await status(page, "POST", "/v1/logout") == 200
    thief = house.client({"Cookie": f"bot_session={cookie}"})
    assert await status(thief, "GET", "/v1/me") == 401
    assert await status(page, "GET", "/v1/me") == 401


async def test_guessing_links_is_slowed_down_and_then_goes_on(house: WebHouse) -> None:
    client, code = house.client(), await house.credentials.link(house.owner, "house")
    found = [await status(client, "POST", f"/in/GUESS{n}") for n in range(12)]
    assert found == [403] * 10 + [429] * 2
    assert await status(client, "POST", f"/in/{code}") == 429
    house.clock.advance(seconds=30)
    assert await status(client, "POST", f"/in/{code}") == 303


async def test_guessing_tokens_is_slowed_down_and_then_goes_on(house: WebHouse) -> None:
    right = await house.bearer()
    found = [
        await status(house.client({"Authorization": f"Bearer guess-{n}"}), "GET", "/v1/me")
        for n in range(22)
    ]
    assert found == [401] * 20 + [429] * 2
    assert await status(right, "GET", "/v1/me") == 200  # the right token always opens
    house.clock.advance(seconds=30)
    assert await status(right, "GET", "/v1/me") == 200


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "bearer x", "Basic eDp4", "Token x", "Bearer \u00fc", "Bearer a b"],
)
async def test_what_is_no_token_is_told_how_to_get_one(house: WebHouse, value: str) -> None:
    client = house.client({"Authorization": value})
    async with client.get("/v1/me") as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await response.json())["error"]["code"] == "signed_out"


async def test_a_token_of_bytes_that_are_no_text_is_a_wrong_token(house: WebHouse) -> None:
    """Nobody has to be known to make the server break, and its log grow."""
    for value in (b"\xff\xfe", "\u00fc".encode(), b"sbt_\xff", b"\xed\xa0\x80"):
        head = b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        answer = await spoken(house, head + b"Authorization: Bearer " + value + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401"), value
        answer = await spoken(house, head + b"Cookie: bot_session=" + value + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401"), value


async def test_a_page_token_of_bytes_that_are_no_text_does_not_fit(
    house: WebHouse, page: ClientSession
) -> None:
    cookie = f"Cookie: bot_session={cookie_of(house, page)}\r\n".encode()
    head = b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + cookie
    head += b"Sec-Fetch-Site: same-origin\r\nContent-Length: 0\r\n"
    answer = await spoken(house, head + b"X-CSRF-Token: \xff\xfe\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")


async def test_a_request_that_names_no_host_is_for_nobody(house: WebHouse, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    async with WebHouse(tmp_path / "plain") as plain:
        for asked in (house, plain):
            for version, host in ((b"1.0", b""), (b"1.1", b"Host:\r\n"), (b"1.1", b"Host: \r\n")):
                head = b"GET /v1/me HTTP/" + version + b"\r\n" + host
                answer = await spoken(asked, head + b"Connection: close\r\n\r\n")
                assert b" 421 " in answer.split(b"\r\n")[0]


async def spoken(house: WebHouse, sent: bytes) -> bytes:
    """What the server answers to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_a_wrong_token_is_not_saved_by_a_right_cookie(
    house: WebHouse, page: ClientSession
) -> None:
    assert await status(page, "GET", "/v1/me", headers={"Authorization": "Bearer x"}) == 401


async def test_no_secret_is_ever_logged(house: WebHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = await house.credentials.link(house.owner, "house")
    token = await house.token()
    client = house.client({"Authorization": f"Bearer {token}"})
    await status(client, "GET", "/v1/me")
    await status(house.client(), "POST", f"/in/{code}")
    await status(house.client({"Authorization": f"Bearer {token}x"}), "GET", "/v1/me?a=secret")
    for secret in (code, token, "a=secret"):
        assert secret not in caplog.text


# What everybody may see, and what only some.


async def crawl(house: WebHouse) -> list[tuple[str, str, Access]]:
    gate = Gate(house.credentials, house.clock, "")
    found = routes(house.parts, gate)
    return [(r.method, r.path.replace("{", "x").replace("}", "x"), r.access) for r in found]


async def test_without_signing_in_nothing_is_shown(house: WebHouse) -> None:
    client = house.client()
    opened = {
        "/health", "/version", "/ready", "/in", "/in/xcodex", "/static/xfilex", "/files/xtokenx",
        # Where a platform or a service sends the browser, without its cookie; and what a service asks.
        "/oauth/xnamex/installed", "/oauth/xnamex/callback", "/oauth/xnamex/finish", "/oauth/deletion",
        "/oauth/deletion/xcodex", "/oauth/xnamex/deauthorize", "/oauth/xnamex/deletion",
        "/oauth/xnamex/events",
    }  # fmt: skip
    for method, path, _ in await crawl(house):
        if path not in opened:
            assert await status(client, method, path) in (303, 401), path
    for method, path, access in await crawl(house):
        assert (access is Access.OPEN) == (path in opened)


async def test_a_page_sends_to_the_sign_in_and_the_api_says_so(house: WebHouse) -> None:
    client = house.client()
    for path in ("/", "/chat", "/chat/x", "/admin", "/admin/people", "/blog"):
        async with client.get(path, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/in"), path
    async with client.get("/v1/me") as response:
        assert response.content_type == "application/json"


async def test_what_is_for_owners_is_for_no_member(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    seen = 0
    for method, path, access in await crawl(house):
        if access is Access.OWNER:
            assert await status(member, method, path, json={}) == 403, path
            seen += 1
    assert seen > 15


async def test_an_unknown_path_tells_nothing(house: WebHouse, page: ClientSession) -> None:
    for client in (house.client(), page):
        async with client.get("/v1/unknown") as response:
            assert response.status == 404
            assert (await response.json())["error"]["code"] == "not_found"
        async with client.get("/unknown", headers={"Accept": "text/html"}) as response:
            assert response.status == 404
            assert response.content_type == "text/html"
            assert response.headers["Server"] == "Switchboard"


async def test_a_bug_is_told_by_its_number_alone(
    house: WebHouse, page: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*args: object) -> None:
        raise RuntimeError("the password is swordfish")

    house.transcript.conversations = breaks  # type: ignore[method-assign,assignment]
    async with page.get("/v1/conversations") as response:
        assert response.status == 500
        text = await response.text()
    assert "swordfish" not in text
    assert response.headers["X-Request-Id"] in text
    assert "swordfish" in caplog.text


async def test_names_and_texts_are_data_wherever_they_come_back(
    house: WebHouse, page: ClientSession
) -> None:
    evil = "<script>alert(1)</script>\u202e\"'><img src=x onerror=alert(1)>"
    told = await say(page, evil)
    assert (await answered(page, told))[0]["text"] == evil
    async with page.get(f"/v1/conversations/{told['conversation']}/messages") as response:
        assert response.content_type == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with page.get(f"/chat/{told['conversation']}") as response:
        assert "alert(1)" not in await response.text()
    async with page.get("/v1/<script>") as response:
        assert response.content_type == "application/json"
    assert (await get(page, "/v1/me"))["person"]["name"] == "Owner"
