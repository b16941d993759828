"""The played networks and sites do what their documents say, and keep what should not have been sent."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jwt
import pytest

from bot.core.errors import VendorUnknown
from bot.core.ports import Page
from bot.oauth.accounts import Client
from tests.fakes.ghost_server import KEY_ID, KEY_SECRET, GhostServer
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.reddit_server import BUCKET, RedditServer
from tests.fakes.tumblr_server import TumblrServer
from tests.fakes.wordpress_server import PASSWORD, USER, WordPressServer

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
POST = {"api_type": "json", "sr": "bread", "kind": "self", "title": "A & B", "text": "Hello"}


async def client_of(accounts: OAuthHouse, *needs: str) -> Client:
    await accounts.connect()
    lends = accounts.connections.accounts
    return await lends.client(accounts.tenant.id, accounts.server.name)


def told(page: Page) -> Any:
    return json.loads(page.body)


async def form(client: Client, where: str, fields: Mapping[str, str]) -> Any:
    page = await client.call("POST", where, body=urlencode(fields).encode(), headers=FORM)
    return told(page)


@pytest.fixture
async def reddit(tmp_path: Path) -> AsyncIterator[tuple[RedditServer, Client]]:
    async with RedditServer() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        server.faults.scopes = "identity submit read flair edit history".split()
        yield server, await client_of(accounts)


async def test_reddit_takes_a_post_lists_it_and_lets_it_be_deleted(
    reddit: tuple[RedditServer, Client],
) -> None:
    server, client = reddit
    data = (await form(client, "/api/submit", POST))["json"]["data"]
    (post,) = server.posts
    assert data["name"] == f"t3_{post.id}"
    listed = told(await client.call("GET", "/user/Ann/submitted"))["data"]["children"]
    assert listed[0]["data"]["title"] == "A &amp; B"
    raw = told(await client.call("GET", "/user/Ann/submitted", query={"raw_json": "1"}))
    assert raw["data"]["children"][0]["data"]["title"] == "A & B"
    await form(client, "/api/del", {"id": data["name"]})
    assert server.standing == []
    info = told(await client.call("GET", "/api/info", query={"id": data["name"]}))
    assert info["data"]["children"][0]["data"]["author"] == "[deleted]"
    assert server.mistakes == []


async def test_reddit_refuses_with_status_200_and_sends_strangers_to_the_search(
    reddit: tuple[RedditServer, Client],
) -> None:
    server, client = reddit
    server.break_minutes = 9
    (error,) = (await form(client, "/api/submit", POST))["json"]["errors"]
    assert error[0] == "RATELIMIT" and "9 minutes" in error[1]
    server.communities["bread"].flair_required = True
    (error,) = (await form(client, "/api/submit", POST))["json"]["errors"]
    assert error[0] == "SUBMIT_VALIDATION_FLAIR_REQUIRED"
    with pytest.raises(Exception, match="redirects"):
        await client.call("GET", "/r/nowhere/about")
    assert server.posts == [] and server.mistakes == []


async def test_reddit_s_bucket_takes_a_file_by_its_lease_and_no_token(
    reddit: tuple[RedditServer, Client],
) -> None:
    server, client = reddit
    asked = {"filepath": "a.png", "mimetype": "image/png"}
    lease = await form(client, "/api/media/asset.json", asked)
    assert lease["args"]["action"] == BUCKET
    data = aiohttp.FormData({each["name"]: each["value"] for each in lease["args"]["fields"]})
    data.add_field("file", b"PNG", filename="a.png", content_type="image/png")
    async with aiohttp.ClientSession() as web, web.post(f"{server.base}/", data=data) as answer:
        assert answer.status == 201
        where = (await answer.text()).split("Location>")[1].removesuffix("</")
    assert server.media == {where: b"PNG"}
    post = {**POST, "kind": "image", "url": where}
    del post["text"]
    assert "websocket_url" in (await form(client, "/api/submit", post))["json"]["data"]
    assert server.posts[0].url == where and server.mistakes == []


async def test_reddit_keeps_what_no_client_should_send(
    reddit: tuple[RedditServer, Client],
) -> None:
    server, client = reddit
    await form(client, "/api/submit", {**POST, "color": "red", "kind": "link"})
    assert len(server.mistakes) == 2


async def test_tumblr_takes_blocks_and_files_and_gives_ids_as_texts(tmp_path: Path) -> None:
    async with TumblrServer() as server, OAuthHouse(tmp_path, server) as accounts:
        client = await client_of(accounts)
        blocks: list[dict[str, Any]] = [{"type": "text", "text": "Rye", "subtype": "heading1"}]
        medium = {"type": "image/png", "identifier": "one"}
        blocks.append({"type": "image", "media": [medium], "alt_text": "A loaf"})
        with aiohttp.MultipartWriter("form-data") as form:
            part = form.append_json({"content": blocks, "tags": "a,b"})
            part.set_content_disposition("form-data", name="json")
            part = form.append(b"PNG", {"Content-Type": "image/png"})  # type: ignore[arg-type]
            part.set_content_disposition("form-data", name="one", filename="a.png")
        body = bytes(await form.as_bytes())
        kind = {"Content-Type": form.content_type}
        where = "/v2/blog/annbakes/posts"
        made = told(await client.call("POST", where, body=body, headers=kind))["response"]
        (post,) = server.posts
        assert (made["id"], post.tags, list(server.media.values())) == (
            post.id,
            ["a", "b"],
            [b"PNG"],
        )
        (listed,) = told(await client.call("GET", where, query={"npf": "true"}))["response"][
            "posts"
        ]
        assert listed["id_string"] == post.id and listed["content"][1]["alt_text"] == "A loaf"
        gone = await client.call("POST", "/v2/blog/annbakes/post/delete", body={"id": post.id})
        assert gone.status == 200 and server.posts == [] and server.mistakes == []
        await client.call("POST", where, body={"content": [{"type": "text", "text": "a" * 4097}]})
        await client.call("POST", where, body={"content": [{"type": "poem"}], "mood": "good"})
        assert len(server.mistakes) == 3


async def test_a_network_goes_wrong_as_it_is_told_to(tmp_path: Path) -> None:
    async with TumblrServer() as server, OAuthHouse(tmp_path, server) as accounts:
        client = await client_of(accounts)
        where, body = "/v2/blog/annbakes/posts", {"content": [{"type": "text", "text": "Hi"}]}
        operation = "POST /v2/blog/{blog}/posts"
        for how, status in (("limited", 429), ("error", 503), ("unfit", 422), ("error_after", 500)):
            server.fail(operation, how)
            assert (await client.call("POST", where, body=body)).status == status
        assert len(server.posts) == 1
        for how in ("cut", "lost"):
            server.fail(operation, how)
            with pytest.raises(VendorUnknown):
                await client.call("POST", where, body=body)
        assert (len(server.posts), server.calls_of(operation)) == (2, 6)


async def test_wordpress_numbers_slugs_and_forgets_what_is_in_the_trash() -> None:
    who = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    async with WordPressServer() as server, aiohttp.ClientSession(server.base, headers=who) as site:
        api, post = "/wp-json/wp/v2", {"title": "Tom's & co", "content": "<p>Hi</p>", "slug": "hi"}

        async def ask(method: str, where: str, **more: Any) -> tuple[int, Any]:
            async with site.request(method, f"{api}{where}", **more) as answer:
                return answer.status, await answer.json()

        status, made = await ask("POST", "/posts", json={**post, "status": "publish"})
        assert (status, made["slug"], made["title"]["raw"]) == (201, "hi", "Tom's & co")
        assert made["title"]["rendered"] == "Tom&#8217;s &#038; co"
        assert (await ask("POST", "/posts", json=post))[1]["slug"] == "hi-2"
        _, found = await ask("GET", "/posts", params={"slug": "hi", "status": "any"})
        assert [each["id"] for each in found] == [made["id"]] and "raw" not in found[0]["title"]
        assert (await ask("DELETE", f"/posts/{made['id']}"))[0] == 200
        assert (await ask("DELETE", f"/posts/{made['id']}"))[0] == 410
        assert (await ask("GET", "/posts", params={"slug": "hi", "status": "any"}))[1] == []
        assert (await ask("POST", "/posts", json={**post, "tags": ["news"]}))[0] == 400
        assert server.mistakes == []
        await ask("POST", "/posts", json={**post, "colour": "red"})
        assert server.mistakes == ["POST /posts: no field colour"]
    wrong = base64.b64encode(b"ann:wrong").decode()
    async with WordPressServer() as server, aiohttp.ClientSession() as stranger:
        header = {"Authorization": f"Basic {wrong}"}
        async with stranger.get(f"{server.base}/wp-json/wp/v2/posts", headers=header) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, "incorrect_password")


async def test_ghost_wants_a_young_token_and_source_html() -> None:
    async with GhostServer() as server, aiohttp.ClientSession(server.base) as site:
        now = int(server.now().timestamp())
        posts, body = "/ghost/api/admin/posts/", {"posts": [{"title": "Rye", "html": "<p>Hi</p>"}]}

        def headers(**claims: Any) -> dict[str, str]:
            told = {"iat": now, "exp": now + 300, "aud": "/admin/", **claims}
            token = jwt.encode(told, bytes.fromhex(KEY_SECRET), "HS256", {"kid": KEY_ID})
            return {"Authorization": f"Ghost {token}", "Accept-Version": "v5.0"}

        async with site.post(
            posts, json=body, headers=headers(), params={"source": "html"}
        ) as told:
            made = (await told.json())["posts"][0]
        assert (told.status, made["slug"], made["status"]) == (201, "rye", "draft")
        assert server.posts[0].html == "<p>Hi</p>" and server.mistakes == []
        async with site.put(f"{posts}{made['id']}/", json=body, headers=headers()) as answer:
            assert answer.status == 409, "without the updated_at that was seen"
        async with site.delete(f"{posts}{made['id']}/", headers=headers()) as answer:
            assert answer.status == 204 and server.posts == []
        for old in (
            {"exp": now + 301},
            {"iat": now - 900, "exp": now - 600},
            {"aud": "/v3/admin/"},
        ):
            async with site.get(posts, headers=headers(**old)) as answer:
                assert answer.status == 401
        assert server.mistakes[0] == "html is not looked at without source=html"
