"""The played LinkedIn, Pinterest and TikTok: they do what is documented, and see what is wrong."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bot.core.ports import Page
from tests.fakes.linkedin_server import LinkedInServer
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.pinterest_server import PinterestServer
from tests.fakes.social_server import SocialServer
from tests.fakes.tiktok_server import CREATOR, FILM, LIST, STATUS, TikTokServer
from tests.published import needs

POST: dict[str, Any] = {
    "author": "urn:li:person:Ab_1-cD",
    "commentary": "Open on Sunday \\(10 to 4\\)",
    "visibility": "PUBLIC",
    "distribution": {
        "feedDistribution": "MAIN_FEED",
        "targetEntities": [],
        "thirdPartyDistributionChannels": [],
    },
    "lifecycleState": "PUBLISHED",
    "isReshareDisabledByAuthor": False,
}


class Caller:
    """A client of one played network, as an adapter gets one."""

    def __init__(self, house: OAuthHouse) -> None:
        self.house = house

    async def __call__(self, method: str, where: str, body: Any = None, **told: Any) -> Page:
        name = self.house.server.name
        client = await self.house.connections.accounts.client(self.house.tenant.id, name)
        return await client.call(method, where, body=body, **told)


async def connected(server: SocialServer, folder: Path, scopes: str = "") -> Caller:
    house = OAuthHouse(folder, server)
    await house.__aenter__()
    server.now = house.clock.now
    if scopes:
        server.faults.scopes = scopes.split()
    await house.connect()
    return Caller(house)


def told(page: Page) -> Any:
    import json

    return json.loads(page.body)


async def test_linkedin_keeps_a_post_and_shows_what_readers_see(tmp_path: Path) -> None:
    async with LinkedInServer() as server:
        call = await connected(server, tmp_path)
        made = await call("POST", "/rest/posts", POST)
        assert (made.status, made.body) == (201, b"")
        assert server.posts[0].text == "Open on Sunday (10 to 4)"
        assert (await call("POST", "/rest/posts", POST)).status == 422
        bare = {**POST, "commentary": "Rye (fresh)"}
        assert (await call("POST", "/rest/posts", bare)).status == 201
        assert server.posts[1].text == "Rye "
        urn = quote(made.headers["x-restli-id"], safe="")
        assert (await call("GET", f"/rest/posts/{urn}")).status == 403
        for _ in range(2):
            assert (await call("DELETE", f"/rest/posts/{urn}")).status == 204
        assert len(server.posts) == 1
        page = {**POST, "author": "urn:li:organization:7"}
        assert (await call("POST", "/rest/posts", page)).status == 403
        assert server.mistakes == []
        assert (await call("POST", "/rest/posts", {**POST, "surprise": 1})).status < 500
        assert any("surprise" in each for each in server.mistakes)
        await call.house.__aexit__()


async def test_linkedin_takes_a_picture_and_keeps_it_apart_until_it_is_ready(
    tmp_path: Path,
) -> None:
    async with LinkedInServer() as server:
        server.slow = 1
        call = await connected(server, tmp_path)
        begun = await call(
            "POST",
            "/rest/images?action=initializeUpload",
            {"initializeUploadRequest": {"owner": server.me}},
        )
        value = told(begun)["value"]
        assert re.match(r"https://www\.linkedin\.com/dms-uploads/", value["uploadUrl"])
        server.media[value["image"]].status = "PROCESSING"
        path = f"/rest/images/{quote(value['image'], safe='')}"
        assert [told(await call("GET", path))["status"] for _ in range(2)] == [
            "PROCESSING",
            "AVAILABLE",
        ]
        with_picture = {**POST, "content": {"media": {"id": value["image"], "altText": "A loaf"}}}
        assert (await call("POST", "/rest/posts", with_picture)).status == 201
        assert server.mistakes == []
        await call.house.__aexit__()


@needs("pinterest.json")
async def test_pinterest_keeps_pins_and_its_answers_are_as_described(tmp_path: Path) -> None:
    async with PinterestServer() as server:
        call = await connected(server, tmp_path)
        board = server.board("Bread")
        body = {
            "board_id": board.id,
            "title": "Rye",
            "media_source": {
                "source_type": "image_base64",
                "content_type": "image/png",
                "data": "QUJD",
            },
        }
        made = await call("POST", "/v5/pins", body)
        assert made.status == 201 and server.pins[0].media == [b"ABC"]
        listed = await call("GET", f"/v5/boards/{board.id}/pins", query={"page_size": "1"})
        assert [each["id"] for each in told(listed)["items"]] == [server.pins[0].id]
        assert told(await call("GET", "/v5/boards"))["items"][0]["name"] == "Bread"
        assert (await call("DELETE", f"/v5/pins/{server.pins[0].id}")).status == 204
        assert (await call("POST", "/v5/pins", {**body, "board_id": "1"})).status == 404
        film = told(await call("POST", "/v5/media", {"media_type": "video"}))
        assert film["upload_url"].startswith("https://")
        assert server.mistakes == []
        wrong = {**body, "media_source": {"source_type": "image_base64"}, "tags": []}
        assert (await call("POST", "/v5/pins", wrong)).status == 400
        assert any("tags" in each for each in server.mistakes)
        assert any("content_type" in each for each in server.mistakes)
        await call.house.__aexit__()


async def test_tiktok_asks_whom_to_show_it_and_tells_what_became_of_it(tmp_path: Path) -> None:
    async with TikTokServer() as server:
        server.slow = 1
        call = await connected(server, tmp_path)
        creator = told(await call("POST", CREATOR.split()[1], {}))["data"]
        assert creator["privacy_level_options"][0] == "PUBLIC_TO_EVERYONE"
        body = {
            "post_info": {"title": "Folding", "privacy_level": "PUBLIC_TO_EVERYONE"},
            "source_info": {"source": "PULL_FROM_URL", "video_url": "https://example.org/a.mp4"},
        }
        id_ = told(await call("POST", FILM.split()[1], body))["data"]["publish_id"]
        states = [
            told(await call("POST", STATUS.split()[1], {"publish_id": id_}))["data"]["status"]
            for _ in range(2)
        ]
        assert states == ["PROCESSING_DOWNLOAD", "PUBLISH_COMPLETE"]
        assert [post.text for post in server.posts] == ["Folding"]
        server.levels = ["SELF_ONLY"]
        refused = await call("POST", FILM.split()[1], body)
        assert told(refused)["error"]["code"] == "privacy_level_option_mismatch"
        assert (await call("POST", LIST.split()[1], {}, query={"fields": "id"})).status == 403
        assert server.mistakes == []
        await call("POST", FILM.split()[1], {**body, "post_mode": "DIRECT_POST"})
        assert any("post_mode" in each for each in server.mistakes)
        await call.house.__aexit__()


@pytest.mark.parametrize(
    ("how", "status", "posts"),
    [
        ("error", 503, 0),
        ("error_after", 500, 1),
        ("limited", 429, 0),
        ("unauthorized", 401, 0),
        ("unfit", 422, 0),
    ],
)
async def test_what_is_ordered_to_go_wrong_does(
    tmp_path: Path, how: str, status: int, posts: int
) -> None:
    async with LinkedInServer() as server:
        call = await connected(server, tmp_path)
        server.fail("POST /rest/posts", how, times=2)
        assert (await call("POST", "/rest/posts", POST)).status == status
        assert len(server.posts) == posts
        await call.house.__aexit__()
