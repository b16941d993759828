"""The whole program is killed while a post is taken down or put up: done once, and told.

Networks that stand on the same code as X have their turn in the long tests, as do those whose other
story is told in `test_*_whole.py`.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from tests.fakes.facebook_server import FacebookServer
from tests.fakes.ghost_server import KEY, GhostServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.obedient import Obedient
from tests.fakes.reddit_server import RedditServer
from tests.fakes.tiktok_server import PHOTOS, TikTokServer
from tests.fakes.wordpress_server import PASSWORD, USER, WordPressServer
from tests.tools.social.desk import JPEG
from tests.tools.social.test_boards_whole import kept
from tests.tools.social.test_deletions import CASES
from tests.tools.social.test_meta_whole import APP, ask
from tests.tools.story import HEARD_SENT, SENT, Story, story, told_of

ROUTE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "x": ("kelly", {"X_CLIENT_ID": CLIENT, "X_CLIENT_SECRET": SECRET}),
    "facebook": ("fran", APP),
    "linkedin": ("link", {"LINKEDIN_CLIENT_ID": CLIENT, "LINKEDIN_CLIENT_SECRET": SECRET}),
    "pinterest": ("cornwall", {"PINTEREST_APP_ID": CLIENT, "PINTEREST_SECRET_KEY": SECRET}),
    "reddit": ("donna", {"REDDIT_CLIENT_ID": CLIENT, "REDDIT_CLIENT_SECRET": SECRET}),
    "threads": ("dwight", APP),
    "tumblr": ("terry", {"TUMBLR_AUTH_KEY": CLIENT, "TUMBLR_OAUTH_SECRET": SECRET}),
    "tiktok": ("timmy", {"TIKTOK_CLIENT_KEY": CLIENT, "TIKTOK_CLIENT_SECRET": SECRET}),
}
"""Who posts there, and our app."""


async def killed(told: Story[Any], server: Any, call: str, question: dict[str, Any]) -> None:
    """Say yes, kill when the service has done it and its answer is on its way, and begin again."""
    server.fail(call, "late")
    await told.decide(question)
    await told.killed(lambda: server.calls_of(call))


@pytest.mark.parametrize(
    "name", [each if each == "x" else pytest.param(each, marks=pytest.mark.long) for each in CASES]
)
async def test_a_post_is_taken_down_once_through_a_kill(tmp_path: Path, name: str) -> None:
    case, (agent, app) = CASES[name], ROUTE[name]
    server = case.server()
    if case.scopes:
        server.faults.scopes = case.scopes.split()
    async with told_of(tmp_path, server, Obedient(), **app) as told:
        await told.connect(None, *case.asked)
        case.put(server, "Keep me")
        post = case.put(server, "Bye")
        question = await told.ask(ask(agent, f"{name}_delete", post=post))
        assert case.standing(server) == 2, "nothing goes before the yes"
        await killed(told, server, case.take, question)
        await told.told(HEARD_SENT)
        assert (case.standing(server), server.calls_of(case.take)) == (1, 1)


@pytest.mark.long
@pytest.mark.parametrize("made", [WordPressServer, GhostServer])
async def test_a_post_of_the_blog_is_taken_down_once_through_a_kill(
    tmp_path: Path, made: Callable[[], Any]
) -> None:
    calls = {r"take down (\w+)": ("blog_delete", {"post": "{1}"})}
    async with made() as server:
        kind = "wordpress" if isinstance(server, WordPressServer) else "ghost"
        options = {"url": server.base, "key": KEY}
        if kind == "wordpress":
            options = {"url": server.base, "user": USER, "key": PASSWORD}
        endpoint = {f"BOT_ENDPOINT_{kind.upper()}": server.base}
        async with story(tmp_path, calls, **endpoint) as told:
            path = f"/v1/channels/{kind}"
            status, _ = await asyncio.to_thread(told.running.ask, "PUT", path, {"options": options})
            assert status == 202
            stays, post = server.post("Keep me"), server.post("Bye")
            question = await told.ask(f"@reynolds take down {post.id}")
            take = "DELETE /posts/{id}" + ("/" if kind == "ghost" else "")
            await killed(told, server, take, question)
            await told.told(SENT)
            standing = [p for p in server.posts if p.status in ("publish", "published")]
            assert standing == [stays] and server.calls_of(take) == 1
        assert server.mistakes == []


PUBLISHED: Mapping[str, tuple[Callable[[], Any], str, Mapping[str, Any]]] = {
    "facebook": (
        FacebookServer, "POST /{page}/feed", {"text": "Open on Sunday", "page": "corner bakery"},
    ),
    "reddit": (
        RedditServer, "POST /api/submit",
        {"subreddit": "Bread", "title": "My first rye", "text": "It rested."},
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", PUBLISHED)
async def test_a_post_is_put_up_once_through_a_kill(tmp_path: Path, name: str) -> None:
    (make, call, given), (agent, app) = PUBLISHED[name], ROUTE[name]
    server = make()
    async with told_of(tmp_path, server, Obedient(), **app) as told:
        await told.connect()
        question = await told.ask(ask(agent, f"{name}_publish", **given))
        assert not server.posts, "nothing stands there before the yes"
        await killed(told, server, call, question)
        await told.told(HEARD_SENT)
        assert (len(server.posts), server.calls_of(call)) == (1, 1)


@pytest.mark.long
async def test_photos_on_tiktok_that_were_begun_before_a_kill_are_asked_about(
    tmp_path: Path,
) -> None:
    server, (agent, app) = TikTokServer(), ROUTE["tiktok"]
    server.verified = ("https://bot.example/",)
    async with told_of(tmp_path, server, Obedient(), **app) as told:
        await told.connect()
        file = await asyncio.to_thread(kept, told, JPEG, "image/jpeg")
        await asyncio.to_thread(told.running.stop)
        told.more["BOT_PUBLIC_URL"] = "https://bot.example"  # whence TikTok fetches what is kept
        await told.start()
        media: list[Json] = [{"url": file, "alt": "A loaf"}]
        given: dict[str, Json] = {"text": "Fresh", "privacy": "everyone", "media": media}
        question = await told.ask(ask(agent, "tiktok_publish", **given))
        await killed(told, server, PHOTOS, question)
        doubt = await told.waiting()
        assert "I may have done this" in doubt["shown"]["title"]
        await told.decide(doubt, "there")
        await told.told(HEARD_SENT)
        assert (len(server.begun), server.calls_of(PHOTOS)) == (1, 1)
