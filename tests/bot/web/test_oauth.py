"""Connecting an account in a browser: away, back, one press; and what vendors ask by themselves."""

from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from aiohttp import ClientSession

from bot.store import connections as rows
from tests.bot.oauth.test_ending import signed
from tests.bot.web.api.reading import get
from tests.fakes.oauth_house import PUBLIC
from tests.fakes.oauth_rules import played
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.web_house import WebHouse


@pytest.fixture(params=["x"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[OAuthServer]:
    async with OAuthServer(request.param, PUBLIC) as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def house(tmp_path: Path, server: OAuthServer) -> AsyncIterator[WebHouse]:
    made = WebHouse(tmp_path)
    made.vendors = {server.name: server.base}
    async with made as house:
        yield house


async def start(browser: ClientSession, server: OAuthServer, **query: str) -> Mapping[str, str]:
    """What the vendor sends the browser back with."""
    path = f"/oauth/{server.name}/start?{urlencode(query)}"
    async with browser.get(path, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
        where = response.headers["Location"]
    assert f"{urlsplit(where).scheme}://{urlsplit(where).netloc}" == server.base
    return server.agree(where)


async def finish(
    browser: ClientSession, server: OAuthServer, back: Mapping[str, str], **headers: str
) -> tuple[int, str, str]:
    """Status, page and way on of the press that ends it."""
    path = f"/oauth/{server.name}/finish"
    async with browser.post(path, data=back, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


every = pytest.mark.parametrize("server", played(), indirect=True)


@every
async def test_an_owner_connects_sees_checks_and_lets_go(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    back = await start(browser, server)
    path = f"/oauth/{server.name}/callback"
    stranger = house.client()  # no cookie comes along from another site
    if server.name == "apple":
        asked = stranger.post(path, data=back)
    else:
        asked = stranger.get(f"{path}?{urlencode(back)}")
    async with asked as response:
        page = await response.text()
        assert response.status == 200 and back["state"] in unescape(page), page
    assert (await get(browser, "/v1/connections"))["items"] == [], "coming back connects nothing"
    status, page, where = await finish(browser, server, back)
    assert (status, where) == (303, "/admin/connections"), page
    (item,) = (await get(browser, "/v1/connections"))["items"]
    assert item["status"] == "active" and item["provider"] == server.name
    async with browser.post(f"/v1/connections/{item['id']}/check") as response:
        assert (await response.json())["status"] == "active"
    async with browser.delete(f"/v1/connections/{item['id']}") as response:
        told = await response.text()
        assert response.status == 200 and "said" in told
    assert (await get(browser, "/v1/connections"))["items"] == []
    actions = [row["action"] for row in (await get(browser, "/v1/audit"))["items"]]
    assert [name for name in actions if name.startswith("connection")] == [
        "connection.added",
        "connection.removed",
    ]
    everything = f"{page}{told}{item}{await get(browser, '/v1/audit')}"
    assert "canary" not in everything


@every
async def test_a_no_at_the_vendor_is_said_clearly(house: WebHouse, server: OAuthServer) -> None:
    browser = await house.browser()
    path, told = f"/oauth/{server.name}/callback", {"error": "access_denied", "state": "x"}
    if server.name == "apple":
        asked = browser.post(path, data=told)
    else:
        asked = browser.get(f"{path}?{urlencode(told)}")
    async with asked as response:
        page = await response.text()
        assert response.status == 400 and "told no" in page
        assert "<h1>Nothing was connected</h1>" in page and 'href="/admin/connections"' in page
    async with browser.get(f"{path}?error=<script>&state=x") as response:
        page = await response.text()
        assert response.status == 400 and "<script>" not in page
    if server.name != "apple":
        async with browser.get(f"{path}?error=invalid_scope&state=x") as response:
            assert "allow it in the app there, or ask for less" in await response.text()
    assert server.calls == {}


async def test_a_code_that_the_vendor_does_not_take_is_said_with_the_way_on(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    for word, said in (
        ("invalid_grant", "any more: it was used before, or is too old"),
        ("invalid_client", "enter its client ID and secret anew"),
        ("invalid_code", "any more: it was used before, or is too old"),
        ("bad_redirect_uri", "knows another redirect address of this app than http"),
        ("some_new_word", "if that does not help, compare the app there with ours (its word: some"),
    ):
        server.faults.declined = word
        status, page, _ = await finish(browser, server, await start(browser, server))
        assert status == 502 and said in page and "HTTP" not in page
        assert "<h1>Nothing was connected</h1>" in page and 'href="/admin/connections"' in page


async def test_what_cannot_be_an_answer_says_so_and_leads_back(
    house: WebHouse, server: OAuthServer
) -> None:
    browser, one = await house.browser(), f"/oauth/{server.name}"
    state = (await start(browser, server))["state"]
    for path in ("callback", f"callback?state={state}", "callback?code=1", "start?features=x"):
        async with browser.get(f"{one}/{path}", allow_redirects=False) as response:
            page = await response.text()
            assert response.status in (400, 422), page
        assert "<h1>Nothing was connected</h1>" in page and "Begin again" in page
    async with browser.post(f"{one}/finish", json={"state": state}) as response:
        page = await response.text()
        assert response.status in (400, 422) and "<h1>Nothing was connected</h1>" in page
    async with browser.post(f"{one}/finish", data={"state": "x" * 50_000}) as response:
        page = await response.text()
        assert response.status in (400, 413, 422) and "There is nothing here" not in page


async def test_a_state_is_for_one_browser_once(house: WebHouse, server: OAuthServer) -> None:
    browser = await house.browser()
    back = await start(browser, server)
    _, olga = await house.other_tenant()
    for other in (await house.browser(), await house.browser(olga)):
        assert (await finish(other, server, back))[0] == 403
    assert (await finish(browser, server, {**back, "state": ""}))[0] == 403
    assert (await finish(browser, server, {**back, "state": "x" * 10_000}))[0] == 403
    assert server.calls == {}
    assert (await finish(browser, server, back))[0] == 303
    status, page, _ = await finish(browser, server, back)
    assert status == 403 and "<h1>Nothing was connected</h1>" in page
    late = await start(browser, server)
    house.clock.advance(minutes=11)
    assert (await finish(browser, server, late))[0] == 403


async def test_members_tokens_strangers_and_other_sites_begin_and_end_nothing(
    house: WebHouse, server: OAuthServer
) -> None:
    browser, member = await house.browser(), await house.browser(await house.member())
    path = f"/oauth/{server.name}/start"
    for client, status in ((member, 403), (await house.bearer(), 403), (house.client(), 303)):
        async with client.get(path, allow_redirects=False) as response:
            assert response.status == status
            assert response.headers.get("Location", "/in") == "/in"
    back = await start(browser, server)
    assert (await finish(member, server, back))[0] == 403
    assert (await finish(house.client({"Origin": house.url}), server, back))[0] == 401
    for origin in ("https://evil.example", "null"):
        assert (await finish(browser, server, back, Origin=origin))[0] == 403
    assert server.calls == {}


async def test_a_browser_goes_on_only_to_pages_of_this_house(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    back = await start(browser, server, back="/chat/cnv_1")
    assert (await finish(browser, server, back))[2] == "/chat/cnv_1"
    for foreign in ("//evil.example", r"\\evil", "https:evil", "https://evil.example", "/x"):
        path = f"/oauth/x/start?{urlencode({'back': foreign})}"
        async with browser.get(path, allow_redirects=False) as response:
            assert response.status == 422 and "Location" not in response.headers


async def test_the_redirect_is_no_matter_of_the_request_s_host(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    headers = {"Host": f"localhost:{house.port}", "X-Forwarded-Host": "evil.example"}
    async with browser.get("/oauth/x/start", headers=headers, allow_redirects=False) as response:
        assert "evil" not in response.headers["Location"]
        assert "127.0.0.1" in response.headers["Location"]


async def test_another_tenant_s_connection_is_nothing_here(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    await finish(browser, server, await start(browser, server))
    (item,) = (await get(browser, "/v1/connections"))["items"]
    _, olga = await house.other_tenant()
    other = await house.browser(olga)
    assert (await get(other, "/v1/connections"))["items"] == []
    one = f"/v1/connections/{item['id']}"
    for asked in (other.post(f"{one}/check"), other.delete(one)):
        async with asked as response:
            assert response.status == 404
    member = await house.browser(await house.member())
    for asked in (member.get("/v1/connections"), member.get("/v1/services"), member.delete(one)):
        async with asked as response:
            assert response.status == 403
    assert len((await get(browser, "/v1/connections"))["items"]) == 1


async def test_an_app_is_kept_sealed_and_let_go_of(house: WebHouse, server: OAuthServer) -> None:
    owner = await house.browser()
    options = {"client_id": "own", "client_secret": "canary-own-secret"}
    async with owner.put("/v1/services/google", json={"options": options}) as response:
        assert response.status == 200
    services = {one["name"]: one for one in (await get(owner, "/v1/services"))["items"]}
    assert services["google"]["app"] == "own" and services["x"]["app"] == "settings"
    assert services["tumblr"]["app"] == "" and "canary" not in str(services)
    for path, body, status in (
        ("google", {"options": {"client_id": "own"}}, 422),
        ("google", {"options": []}, 422),
        ("nobody", {"options": options}, 404),
    ):
        async with owner.put(f"/v1/services/{path}", json=body) as response:
            assert response.status == status, await response.text()
    async with owner.delete("/v1/services/google") as response:
        assert response.status == 200
    async with owner.get("/oauth/google/start", allow_redirects=False) as response:
        assert response.status == 503 and "bot connect google" in await response.text()


@pytest.mark.parametrize("server", ["facebook", "instagram", "threads"], indirect=True)
async def test_meta_is_answered_and_whoever_asks_sees_what_became_of_it(
    house: WebHouse, server: OAuthServer
) -> None:
    browser = await house.browser()
    await finish(browser, server, await start(browser, server))
    (item,) = (await get(browser, "/v1/connections"))["items"]
    meta = house.client()
    text = signed(house, user_id=item["account"])  # type: ignore[arg-type]
    path = f"/oauth/{server.name}"
    for wrong in (text[:-2] + "AA", "", "x.y"):
        async with meta.post(f"{path}/deletion", data={"signed_request": wrong}) as response:
            assert response.status == 403
    async with meta.post(f"{path}/deletion", json={"signed_request": text}) as response:
        assert response.status == 422
    async with meta.post(f"{path}/deletion", data={"signed_request": text}) as response:
        told = await response.json()
        assert response.status == 200 and set(told) == {"url", "confirmation_code"}
    async with meta.get(urlsplit(told["url"]).path) as response:
        page = await response.text()
        assert response.status == 200 and "removed, with all their tokens: 1" in page
    async with meta.post(f"{path}/deauthorize", data={"signed_request": text}) as response:
        assert response.status == 200
    assert await house.db.read(rows.listed(house.tenant.id)) == []
    async with meta.get("/oauth/deletion/unknown") as response:
        assert response.status == 404
    async with meta.get("/oauth/deletion") as response:
        assert response.status == 200 and "Google" in await response.text()


async def test_google_s_word_of_an_account_is_taken_when_it_is_google_s(
    house: WebHouse, server: OAuthServer
) -> None:
    google, secevent = house.client(), {"Content-Type": "application/secevent+jwt"}
    for headers, body, status in (
        (secevent, "a.b.c", 403),
        ({"Content-Type": "application/json"}, "{}", 422),
        (secevent, "x" * 50_000, 422),
    ):
        async with google.post("/oauth/google/events", data=body, headers=headers) as response:
            assert response.status == status, await response.text()
    async with google.post("/oauth/x/events", data="a.b.c", headers=secevent) as response:
        assert response.status == 404
    owner = await house.browser()
    found = {each["name"]: each for each in (await get(owner, "/v1/services"))["items"]}
    assert found["google"]["callbacks"][0].endswith("/oauth/google/events")


async def test_no_other_service_s_page_may_post_here(house: WebHouse, server: OAuthServer) -> None:
    async with house.client().post("/oauth/x/callback", data={"state": "a", "code": "b"}) as found:
        assert found.status == 405
    async with house.client().post("/oauth/x/deletion", data={"signed_request": "a.b"}) as found:
        assert found.status == 404
