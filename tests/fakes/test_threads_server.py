"""The Threads that only plays: posts in two steps, used rightly and wrongly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.test_facebook_server import Caller
from tests.fakes.threads_server import ThreadsServer

ME = "/v1.0/24100000000000001"
ALL = ("threads_basic", "threads_content_publish", "threads_delete", "threads_manage_insights")


@asynccontextmanager
async def playing() -> AsyncIterator[tuple[ThreadsServer, Caller]]:
    async with ThreadsServer() as server:
        yield server, Caller(server, server.hand_out(*ALL), proves=False)


async def test_a_post_is_made_ready_published_once_listed_counted_and_deleted() -> None:
    async with playing() as (server, ann):
        _, made = await ann("POST", f"{ME}/threads", media_type="TEXT", text="Hello")
        publish = {"creation_id": made["id"]}
        assert (await ann("POST", f"{ME}/threads_publish", **publish))[0] == 400, "not ready"
        for word in ("IN_PROGRESS", "FINISHED"):
            _, told = await ann("GET", f"/v1.0/{made['id']}", fields="status,error_message")
            assert told["status"] == word
        _, out = await ann("POST", f"{ME}/threads_publish", **publish)
        assert (await ann("POST", f"{ME}/threads_publish", **publish))[0] == 400
        _, told = await ann("GET", f"/v1.0/{made['id']}", fields="status")
        assert told["status"] == "PUBLISHED" and len(server.posts) == 1
        _, told = await ann("GET", "/v1.0/me/threads", fields="id,text,timestamp,permalink")
        assert told["data"][0]["text"] == "Hello"
        _, told = await ann("GET", f"/v1.0/{out['id']}/insights", metric="views,likes")
        assert [each["name"] for each in told["data"]] == ["views", "likes"]
        _, told = await ann("GET", f"{ME}/threads_publishing_limit", fields="quota_usage,config")
        assert told["data"][0]["quota_usage"] == 1
        assert (await ann("DELETE", f"/v1.0/{out['id']}"))[1]["deleted_id"] == out["id"]
        assert (await ann("GET", f"/v1.0/{out['id']}", fields="id"))[0] == 400
        assert server.mistakes == []


async def test_a_carousel_takes_ready_children_and_what_cannot_be_fetched_is_an_error() -> None:
    async with playing() as (server, ann):
        server.polls = 0
        child = {
            "media_type": "IMAGE",
            "image_url": "https://a.example/1.jpg",
            "alt_text": "A loaf",
        }
        child |= {"is_carousel_item": "true"}
        ids = [(await ann("POST", f"{ME}/threads", **child))[1]["id"] for _ in range(2)]
        whole = {"media_type": "CAROUSEL", "children": ",".join(ids), "text": "Two"}
        _, made = await ann("POST", f"{ME}/threads", **whole)
        assert (await ann("POST", f"{ME}/threads_publish", creation_id=made["id"]))[0] == 200
        assert server.posts[0].alts == ["A loaf", "A loaf"]
        assert (await ann("POST", f"{ME}/threads", **{**whole, "children": ids[0]}))[0] == 400
        server.broken.add("https://a.example/2.mp4")
        film = {"media_type": "VIDEO", "video_url": "https://a.example/2.mp4"}
        _, made = await ann("POST", f"{ME}/threads", **film)
        _, told = await ann("GET", f"/v1.0/{made['id']}", fields="status,error_message")
        assert (told["status"], told["error_message"]) == ("ERROR", "FAILED_DOWNLOADING_VIDEO")
        assert server.mistakes == []


async def test_a_container_expires_and_the_day_has_its_limit() -> None:
    async with playing() as (server, ann):
        server.polls = 0
        _, made = await ann("POST", f"{ME}/threads", media_type="TEXT", text="Hello")
        later = server.now() + timedelta(hours=25)
        server.now = lambda: later
        _, told = await ann("GET", f"/v1.0/{made['id']}", fields="status")
        assert told["status"] == "EXPIRED"
        server.quota = 0
        status, told = await ann("POST", f"{ME}/threads_publish", creation_id=made["id"])
        assert (status, told["error"]["code"]) == (403, 9)


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("threads", {"media_type": "TEXT"}, "needs text"),
        ("threads", {"media_type": "POST", "text": "a"}, "media_type is"),
        ("threads", {"media_type": "IMAGE", "image_url": "http://a.example/1"}, "https"),
        ("threads", {"media_type": "TEXT", "text": "a", "message": "b"}, "no parameter message"),
        ("threads", {"media_type": "TEXT", "text": "a", "topic_tag": "a.b"}, "topic_tag"),
        ("threads", {"media_type": "TEXT", "text": "a", "reply_control": "all"}, "reply_control"),
        ("threads_publish", {"id": "1"}, "no parameter id"),
    ],
)
async def test_what_nobody_should_send_is_noted(
    path: str, given: dict[str, Any], said: str
) -> None:
    async with playing() as (server, ann):
        await ann("POST", f"{ME}/{path}", **given)
        assert any(said in each for each in server.mistakes), server.mistakes


@pytest.mark.parametrize(
    ("how", "status"), [("limited", 400), ("forbidden", 403), ("missing", 400)]
)
async def test_it_refuses_as_ordered_and_without_the_scope(how: str, status: int) -> None:
    async with playing() as (server, ann):
        server.fail("POST /{user}/threads", how)
        given = {"media_type": "TEXT", "text": "a"}
        assert (await ann("POST", f"{ME}/threads", **given))[0] == status
        assert server.containers == {}
        reader = Caller(server, server.hand_out("threads_basic"), proves=False)
        assert (await reader("POST", f"{ME}/threads", **given))[0] == 403
