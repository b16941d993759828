"""The Graph that only plays: a page and an Instagram account, used rightly and wrongly."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.fakes.facebook_server import FacebookServer
from tests.fakes.instagram_server import InstagramServer
from tests.fakes.network_server import NetworkServer
from tests.fakes.oauth_server import SECRET
from tests.published import needs

ALL = ("pages_show_list", "pages_read_engagement", "pages_manage_posts")
ALL += ("instagram_basic", "instagram_content_publish")
PAGE = "/v23.0/101000000000001"
IG = "/v23.0/17841400000000001"
HOUR = timedelta(hours=1)


class Caller:
    """Somebody who calls with a token, and its proof where it is wanted."""

    def __init__(self, server: NetworkServer, token: str, proves: bool = True) -> None:
        self.server, self.token, self.proves = server, token, proves

    async def __call__(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        proof = hmac.digest(SECRET.encode(), self.token.encode(), hashlib.sha256).hex()
        query = {"appsecret_proof": proof} if self.proves else {}
        query |= {} if method == "POST" else given
        sent = {"json": given} if method == "POST" else {}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as web,
            web.request(method, self.server.base + path, params=query, **sent) as answer,
        ):
            return answer.status, await answer.json()


@asynccontextmanager
async def playing() -> AsyncIterator[tuple[FacebookServer, Caller, Caller]]:
    """The server, a caller as the person, and one as the first page."""
    async with FacebookServer() as server:
        person = Caller(server, server.hand_out(*ALL))
        yield server, person, Caller(server, server.pages[0].token)


async def test_a_page_s_post_is_made_with_the_page_s_token_listed_and_deleted() -> None:
    async with playing() as (server, person, page):
        _, told = await person("GET", "/v23.0/me/accounts", fields="id,name,access_token,tasks")
        assert [each["name"] for each in told["data"]] == ["Corner Bakery", "Ann's Garden"]
        assert told["data"][0]["access_token"] == page.token
        status, made = await page("POST", f"{PAGE}/feed", message="Open", link="https://a.example")
        assert status == 200 and server.posts[0].message == "Open"
        _, told = await page("GET", f"{PAGE}/posts", fields="id,message,created_time", limit="5")
        assert told["data"][0]["message"] == "Open" and "next" not in told["paging"]
        _, told = await page("GET", f"/v23.0/{made['id']}", fields="message,permalink_url")
        assert told["permalink_url"].startswith("https://www.facebook.com/")
        assert await page("DELETE", f"/v23.0/{made['id']}") == (200, {"success": True})
        status, told = await page("GET", f"/v23.0/{made['id']}", fields="message")
        assert (status, told["error"]["error_subcode"]) == (400, 33)
        assert server.mistakes == []


async def test_photos_wait_unseen_until_a_post_takes_them_up() -> None:
    async with playing() as (server, _, page):
        ids = []
        for n in range(2):
            given = {"url": f"https://a.example/{n}.jpg", "published": False}
            ids.append((await page("POST", f"{PAGE}/photos", **given))[1]["id"])
        assert server.posts == []
        media = [{"media_fbid": each} for each in ids]
        assert (await page("POST", f"{PAGE}/feed", message="Two", attached_media=media))[0] == 200
        assert server.posts[0].media == ids
        assert (await page("POST", f"{PAGE}/feed", attached_media=media))[0] == 400
        _, film = await page("POST", f"{PAGE}/videos", file_url="https://a.example/f.mp4")
        for told in ("processing", "ready"):
            _, answer = await page("GET", f"/v23.0/{film['id']}", fields="status,post_id")
            assert answer["status"] == {"video_status": told}
        assert answer["post_id"] == server.posts[1].id
        assert server.mistakes == []


async def test_a_reel_goes_in_three_steps() -> None:
    async with playing() as (server, _, page):
        _, begun = await page("POST", f"{PAGE}/video_reels", upload_phase="start")
        finish = {
            "upload_phase": "finish",
            "video_id": begun["video_id"],
            "video_state": "PUBLISHED",
        }
        assert (await page("POST", f"{PAGE}/video_reels", **finish))[0] == 400
        path = begun["upload_url"].removeprefix("https://rupload.facebook.com")
        headers = {"Authorization": f"OAuth {page.token}", "offset": "0", "file_size": "4"}
        async with (
            aiohttp.ClientSession() as web,
            web.post(server.base + path, data=b"film", headers=headers) as answer,
        ):
            assert answer.status == 200
        assert (await page("POST", f"{PAGE}/video_reels", **finish, description="Look"))[0] == 200
        assert [post.message for post in server.posts] == ["Look"]
        assert server.mistakes == []


async def test_an_instagram_post_is_made_ready_and_published_once() -> None:
    async with playing() as (server, person, _):
        given = {"image_url": "https://a.example/1.jpg", "caption": "Fresh", "alt_text": "A loaf"}
        _, made = await person("POST", f"{IG}/media", **given)
        where = f"/v23.0/{made['id']}"
        status, told = await person("POST", f"{IG}/media_publish", creation_id=made["id"])
        assert (status, told["error"]["error_subcode"]) == (400, 2207027), "it is not ready"
        for word in ("IN_PROGRESS", "FINISHED"):
            _, told = await person("GET", where, fields="status_code,status")
            assert told["status_code"] == word
        _, out = await person("POST", f"{IG}/media_publish", creation_id=made["id"])
        assert (await person("GET", where, fields="status_code"))[1]["status_code"] == "PUBLISHED"
        assert (await person("POST", f"{IG}/media_publish", creation_id=made["id"]))[0] == 400
        _, told = await person("GET", f"{IG}/media", fields="id,caption,permalink,timestamp")
        assert [each["id"] for each in told["data"]] == [out["id"]]
        assert (server.world.media[0].alts, len(server.world.media)) == (["A loaf"], 1)
        _, told = await person("GET", f"{IG}/content_publishing_limit", fields="config,quota_usage")
        assert told["data"][0]["quota_usage"] == 1
        assert server.mistakes == []


async def test_a_carousel_takes_children_and_a_container_does_not_last() -> None:
    async with playing() as (server, person, _):
        server.world.polls = 0
        child = {"image_url": "https://a.example/1.jpg", "is_carousel_item": True}
        ids = [(await person("POST", f"{IG}/media", **child))[1]["id"] for _ in range(2)]
        whole = {"media_type": "CAROUSEL", "children": ids, "caption": "Two"}
        _, made = await person("POST", f"{IG}/media", **whole)
        assert (await person("POST", f"{IG}/media", **{**whole, "children": ids[:1]}))[0] == 400
        later = server.now() + 25 * HOUR
        server.now = lambda: later
        _, told = await person("GET", f"/v23.0/{made['id']}", fields="status_code")
        assert told["status_code"] == "EXPIRED"
        server.world.quota = 0
        status, told = await person("POST", f"{IG}/media_publish", creation_id=made["id"])
        assert (status, told["error"]["error_subcode"]) == (403, 2207042)
        assert server.mistakes == []


async def test_instagram_s_own_login_serves_the_same_without_a_proof() -> None:
    async with InstagramServer() as server:
        scopes = ("instagram_business_basic", "instagram_business_content_publish")
        ann = Caller(server, server.hand_out(*scopes), proves=False)
        film = {"media_type": "REELS", "video_url": "https://a.example/1.mp4"}
        _, made = await ann("POST", f"{IG}/media", **film)
        await ann("GET", f"/v23.0/{made['id']}", fields="status_code")
        assert (await ann("POST", f"{IG}/media_publish", creation_id=made["id"]))[0] == 200
        assert server.world.media[0].kind == "VIDEO"
        assert server.mistakes == []
        reader = Caller(server, server.hand_out(scopes[0]), proves=False)
        assert (await reader("POST", f"{IG}/media", **film))[0] == 403


@needs("facebook-graph.json")
@pytest.mark.parametrize(
    ("method", "path", "given", "said"),
    [
        ("POST", f"{PAGE}/feed", {"message": "a", "text": "b"}, "no parameter text"),
        ("POST", f"{PAGE}/feed", {"message": 5}, "not string"),
        ("POST", f"{PAGE}/photos", {"url": "a.jpg"}, "no address"),
        ("POST", f"{PAGE}/video_reels", {}, "upload_phase is lacking"),
        ("POST", f"{PAGE}/videos", {"file_url": "https://a.example", "published": 5}, "not bool"),
        ("POST", f"{PAGE}/tweets", {}, "no edge"),
        ("GET", f"{PAGE}/posts", {"fields": "text"}, "no field text"),
        ("GET", PAGE, {"fields": "name,nickname"}, "no field nickname"),
        ("POST", f"{IG}/media", {"url": "https://a.example/1.jpg"}, "no parameter url"),
        ("POST", f"{IG}/media", {"caption": "a"}, "holds one of"),
        ("POST", f"{IG}/media", {"image_url": "http://a.example/1.jpg"}, "https"),
        ("GET", f"{IG}/media", {"fields": "text"}, "no field text"),
    ],
)
async def test_what_nobody_should_send_is_noted(
    method: str, path: str, given: dict[str, Any], said: str
) -> None:
    async with playing() as (server, _, page):
        await page(method, path, **given)
        assert any(said in each for each in server.mistakes), server.mistakes


async def test_a_page_is_not_written_on_with_another_s_token_or_a_token_in_the_address() -> None:
    async with playing() as (server, person, page):
        await person("POST", f"{PAGE}/feed", message="a")
        assert server.mistakes == ["POST /{page}/feed takes the page's own token"]
        await page("GET", f"{PAGE}/posts", access_token=page.token)
        assert "a token stands in an address" in server.mistakes
        page.proves = False
        await page("GET", f"{PAGE}/posts")
        assert any("appsecret_proof" in each for each in server.mistakes)
        reader = Caller(server, server.hand_out("pages_show_list"))
        server.expire()
        assert (await reader("GET", "/v23.0/me/accounts"))[0] == 401


@pytest.mark.parametrize(
    ("how", "status", "done"),
    [("error", 503, 0), ("dead", 400, 0), ("too_many", 429, 0), ("error_after", 500, 1)],
)
async def test_it_goes_wrong_as_ordered(how: str, status: int, done: int) -> None:
    async with playing() as (server, _, page):
        server.fail("POST /{page}/feed", how)
        headers = {"Authorization": f"Bearer {page.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as web,
            web.post(f"{server.base}{PAGE}/feed", data={"message": "a"}) as answer,
        ):
            assert answer.status == status
            assert answer.headers.get("Retry-After") == ("30" if how == "too_many" else None)
        assert len(server.posts) == done
