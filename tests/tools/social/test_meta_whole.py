"""The whole program on Facebook, Instagram and Threads: asked, approved, killed, and there once."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from bot.core.canonical import Json
from tests.fakes.facebook_server import FacebookServer
from tests.fakes.instagram_server import InstagramServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.obedient import Obedient, please
from tests.fakes.threads_server import ThreadsServer
from tests.program import TOKEN, wait_for
from tests.tools.story import Story, told_of

APP = {"META_APP_ID": CLIENT, "META_APP_SECRET": SECRET}
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 40


def ask(agent: str, tool: str, **arguments: Json) -> str:
    """What a person says to whoever does it."""
    return f"@{agent} {please(tool, arguments)}"


async def test_a_page_s_post_is_approved_and_stands_there_and_is_taken_down(tmp_path: Path) -> None:
    async with told_of(tmp_path, FacebookServer(), Obedient(), **APP) as told:
        words = ask("fran", "facebook_publish", text="Open on Sunday", page="corner bakery")
        question = await told.ask(words)
        assert question["shown"]["sandbox"] is True
        await told.decide(question, "reject")
        await told.connect()
        question = await told.ask(words)
        fields = {each["name"]: each["value"] for each in question["shown"]["fields"]}
        assert question["shown"]["sandbox"] is False
        assert (fields["As"], fields["Page"]) == ("Ann", "Corner Bakery")
        assert told.server.posts == []
        await told.decide(question)
        await told.told("https://www.facebook.com/")
        (post,) = told.server.posts
        assert post.message == "Open on Sunday"
        path = f"/v1/approvals/{question['id']}/decide"
        body = {"decision": "approve", "version": question["version"]}
        await asyncio.to_thread(told.running.ask, "POST", path, body)
        await asyncio.sleep(0.5)
        assert told.server.calls_of("POST /{page}/feed") == 1
        question = await told.ask(ask("fran", "facebook_delete", post=post.id))
        assert question["shown"]["body"] == "Open on Sunday"
        await told.decide(question)
        await asyncio.to_thread(wait_for, lambda: not told.server.posts)


@pytest.mark.parametrize(
    ("how", "calls"), [("late", 1), pytest.param("hang", 2, marks=pytest.mark.long)]
)
async def test_killed_while_threads_works_the_post_is_there_once(
    tmp_path: Path, how: str, calls: int
) -> None:
    publish = "POST /{user}/threads_publish"
    async with told_of(tmp_path, ThreadsServer(), Obedient(), **APP) as told:
        await told.connect()
        told.server.fail(publish, how)
        await told.decide(await told.ask(ask("dwight", "threads_publish", text="Baking at night")))
        await told.killed(lambda: told.server.calls_of(publish))
        await told.told("https://www.threads.net/@ann/post/")
        assert len(told.server.posts) == 1 and told.server.calls_of(publish) == calls
        assert told.server.calls_of("POST /{user}/threads") == 1


async def kept(told: Story[InstagramServer]) -> str:
    """A picture that was sent in."""
    url, headers = f"{told.running.url}/v1/files?name=a.jpg", {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(url, data=JPEG, headers={"Content-Type": "application/octet-stream"}) as answer,
    ):
        assert answer.status in (200, 201), await answer.text()
        return str((await answer.json())["id"])


async def test_killed_between_container_and_publishing_a_picture_is_there_once(
    tmp_path: Path,
) -> None:
    async with told_of(tmp_path, InstagramServer(), Obedient(), **APP) as told:
        await told.connect()
        await asyncio.to_thread(told.running.stop)
        told.more["BOT_PUBLIC_URL"] = "https://bot.example"  # whence Instagram fetches what is kept
        await told.start()
        told.server.fail("GET /{container}", "hang")
        media: list[Json] = [{"url": await kept(told), "alt": "A loaf"}]
        question = await told.ask(ask("fran", "instagram_publish", text="Fresh", media=media))
        assert "JPEG, 0 kB" in json.dumps(question["shown"])
        await told.decide(question)
        asked = "GET /{container}"
        await told.killed(lambda: told.server.calls_of(asked))
        await told.told("https://www.instagram.com/p/")
        (post,) = told.server.world.media
        assert (post.caption, post.alts) == ("Fresh", ["A loaf"])
        assert post.addresses[0].startswith("https://bot.example/")
        assert told.server.calls_of("POST /{ig}/media") == 1
