"""The whole program posts on Reddit, Tumblr, WordPress, Ghost, and hands over for Alignable."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from tests.fakes.ghost_server import KEY, GhostServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.reddit_server import RedditServer
from tests.fakes.tumblr_server import TumblrServer
from tests.fakes.wordpress_server import PASSWORD, USER, WordPressServer
from tests.program import wait_for
from tests.tools.story import Story, story

REDDIT: dict[str, Json] = {"subreddit": "Bread", "title": "My first rye", "text": "It rested."}
TUMBLR: dict[str, Json] = {"title": "Rye", "text": "It rested.", "tags": ["bread"]}
BLOG: dict[str, Json] = {"title": "Open on Sunday", "text": "We are **open**."}
OURS = {"CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}


def line(question: dict[str, Any], name: str) -> str:
    """One line of the card."""
    fields = {each["name"]: each["value"] for each in question["shown"]["fields"]}
    return str(fields.get(name, ""))


async def twice(told: Story, question: dict[str, Any]) -> None:
    """A second yes to the same question, which changes nothing."""
    await told.decide(question)
    await asyncio.sleep(0.5)


async def test_reddit_from_the_wish_to_the_post_and_down_again(tmp_path: Path) -> None:
    calls = {
        "donna post": ("reddit_publish", REDDIT),
        "take down ([0-9a-z]+)": ("reddit_delete", {"post": "{1}"}),
    }
    async with (
        RedditServer() as server,
        story(
            tmp_path,
            calls,
            BOT_ENDPOINT_REDDIT=server.base,
            **{f"REDDIT_{name}": value for name, value in OURS.items()},
        ) as told,
    ):
        question = await told.ask("@donna post it")
        assert question["shown"]["sandbox"] is True
        await told.decide(question)
        await told.told("sandbox")
        assert server.posts == []
        await told.connect(server)
        question = await told.ask("@donna post it")
        assert question["shown"]["sandbox"] is False
        assert (line(question, "As"), line(question, "Subreddit")) == ("u/Ann", "bread")
        await told.decide(question)
        await told.told("https://www.reddit.com/r/bread/comments/")
        await twice(told, question)
        assert [post.title for post in server.posts] == ["My first rye"]
        assert server.calls_of("POST /api/submit") == 1
        question = await told.ask(f"@donna take down {server.posts[0].id}")
        assert question["shown"]["body"] == "My first rye\nIt rested."
        await told.decide(question)
        await asyncio.to_thread(wait_for, lambda: not server.standing)
        assert server.mistakes == []


@pytest.mark.parametrize(
    ("how", "calls_made"), [("late", 1), pytest.param("hang", 2, marks=pytest.mark.long)]
)
async def test_killed_while_tumblr_works_the_post_is_there_once(
    tmp_path: Path, how: str, calls_made: int
) -> None:
    create = "POST /v2/blog/{blog}/posts"
    variables = {"TUMBLR_AUTH_KEY": CLIENT, "TUMBLR_OAUTH_SECRET": SECRET}
    async with (
        TumblrServer() as server,
        story(
            tmp_path,
            {"terry post": ("tumblr_publish", TUMBLR)},
            BOT_ENDPOINT_TUMBLR=server.base,
            **variables,
        ) as told,
    ):
        await told.connect(server)
        server.fail(create, how)
        question = await told.ask("@terry post it")
        assert (line(question, "As"), line(question, "Blog")) == ("annbakes", "annbakes")
        await told.decide(question)
        await told.killed(lambda: server.calls_of(create))
        await told.told("https://www.tumblr.com/annbakes/")
        assert len(server.posts) == 1 and server.calls_of(create) == calls_made
        assert server.mistakes == []


@pytest.mark.parametrize("kind", ["wordpress", pytest.param("ghost", marks=pytest.mark.long)])
async def test_the_blog_moves_to_a_site_and_a_kill_makes_no_second_post(
    tmp_path: Path, kind: str
) -> None:
    played: Any = WordPressServer() if kind == "wordpress" else GhostServer()
    create = "POST /posts" if kind == "wordpress" else "POST /posts/"
    calls = {"reynolds post": ("blog_publish", BLOG)}
    async with (
        played as server,
        story(tmp_path, calls, **{f"BOT_ENDPOINT_{kind.upper()}": server.base}) as told,
    ):
        question = await told.ask("@reynolds post it")
        assert line(question, "Where") == ""
        await told.decide(question)
        await told.told("/blog/open-on-sunday-")
        options = {"url": server.base, "key": KEY}
        if kind == "wordpress":
            options = {"url": server.base, "user": USER, "key": PASSWORD}
        path = f"/v1/channels/{kind}"
        status, answer = await asyncio.to_thread(
            told.running.ask, "PUT", path, {"options": {**options, "key": "wrong:00"}}
        )
        assert status == 422 and "Nothing was kept" in str(answer), answer
        status, _ = await asyncio.to_thread(told.running.ask, "PUT", path, {"options": options})
        assert status == 202
        server.fail(create, "late")
        question = await told.ask("@reynolds post it")
        assert "Ann bakes" in line(question, "Where")
        await told.decide(question)
        await told.killed(lambda: server.calls_of(create))
        await told.told("/open-on-sunday-")
        await twice(told, question)
        assert len(server.posts) == server.calls_of(create) == 1
        assert server.mistakes == []


async def test_alignable_waits_for_a_person_and_claims_nothing(tmp_path: Path) -> None:
    calls = {"emma post": ("alignable_publish", {"text": "New hours"})}
    async with story(tmp_path, calls) as told:
        question = await told.ask("@emma post it")
        card = question["shown"]
        assert card["sandbox"] is False and card["body"] == "New hours"
        assert "not published yet" in str(card["warnings"])
        assert "counts as put up" not in str(told.running.lines(told.conv))
        await told.decide(question)
        said = await told.told("counts as put up by hand, on the word of whoever approved it")
        assert "did not publish it" in said and "published on" not in said
