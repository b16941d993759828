"""The whole program posts on LinkedIn, Pinterest and TikTok: asked, approved, killed, there once."""

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.fakes.linkedin_server import LinkedInServer
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.pinterest_server import PinterestServer
from tests.fakes.tiktok_server import PHOTOS, TikTokServer
from tests.program import TOKEN, wait_for
from tests.tools.social.desk import JPEG, PNG
from tests.tools.story import Model, Story, told_of


def does(agent: str, tool: str, arguments: dict[str, Any]) -> Model:
    """It posts that when its agent is asked to post, and takes down what it is told to."""
    take = tool.replace("_publish", "_delete")
    return Model(
        {
            f"{agent} post": (tool, arguments),
            r"take down ([\w:]+)": (take, {"post": "{1}"}),
        }
    )


def kept(story: Story[Any], data: bytes, kind: str) -> str:
    """Send a file in; its id."""
    request = urllib.request.Request(
        f"{story.running.url}/v1/files?name=a&type={kind}",
        data=data,
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: str = json.loads(answer.read())["id"]
    return found


def line(card: dict[str, Any], name: str) -> str:
    """The first line of that name on a card."""
    return next(str(each["value"]) for each in card["fields"] if each["name"] == name)


async def test_linkedin_posts_as_a_person_and_takes_it_down(tmp_path: Path) -> None:
    server, text = LinkedInServer(), "We are hiring (a baker) #rye"
    model = does("link", "linkedin_publish", {"text": text})
    app = {"LINKEDIN_CLIENT_ID": CLIENT, "LINKEDIN_CLIENT_SECRET": SECRET}
    async with told_of(tmp_path, server, model, **app) as story:
        question = await story.ask("@link post it")
        assert question["shown"]["sandbox"] is True
        await story.decide(question)
        await story.told("sandbox")
        await story.connect()
        question = await story.ask("@link post it")
        card = question["shown"]
        assert (card["sandbox"], card["body"], line(card, "As")) == (False, text, "Ann")
        assert server.posts == []
        await story.decide(question)
        await story.told("https://www.linkedin.com/feed/update/urn:li:share:")
        (post,) = server.posts
        assert (post.author, post.text) == (server.me, text)
        # A second yes to the same question changes nothing.
        path = f"/v1/approvals/{question['id']}/decide"
        body = {"decision": "approve", "version": question["version"]}
        await asyncio.to_thread(story.running.ask, "POST", path, body)
        await asyncio.sleep(0.5)
        assert server.calls_of("POST /rest/posts") == 1
        question = await story.ask(f"@link take down {post.urn}")
        assert "does not let me read it" in question["shown"]["warnings"][0]
        await story.decide(question)
        await asyncio.to_thread(wait_for, lambda: not server.posts)


async def test_linkedin_killed_while_it_works_asks_who_can_look_and_posts_once(
    tmp_path: Path,
) -> None:
    server = LinkedInServer()
    model = does("link", "linkedin_publish", {"text": "We are hiring"})
    app = {"LINKEDIN_CLIENT_ID": CLIENT, "LINKEDIN_CLIENT_SECRET": SECRET}
    async with told_of(tmp_path, server, model, **app) as story:
        await story.connect()
        server.fail("POST /rest/posts", "hang")
        await story.decide(await story.ask("@link post it"))
        await story.killed(lambda: server.calls_of("POST /rest/posts"))
        question = await story.waiting()
        assert "I may have done this" in question["shown"]["title"] and server.posts == []
        await story.decide(question, "again")
        await story.told("https://www.linkedin.com/feed/update/urn:li:share:")
        assert len(server.posts) == 1 and server.calls_of("POST /rest/posts") == 2


async def test_pinterest_pins_a_file_that_was_sent_in(tmp_path: Path) -> None:
    server = PinterestServer()
    board = server.board("Bread")
    given: dict[str, Any] = {"text": "At night", "board": "bread"}
    model = does("cornwall", "pinterest_publish", given)
    app = {"PINTEREST_APP_ID": CLIENT, "PINTEREST_SECRET_KEY": SECRET}
    async with told_of(tmp_path, server, model, **app) as story:
        await story.connect()
        file = await asyncio.to_thread(kept, story, PNG, "image/png")
        given["media"] = [{"url": file, "alt": "A loaf"}]
        question = await story.ask("@cornwall post it")
        card = question["shown"]
        assert (card["body"], line(card, "Board"), line(card, "As")) == ("At night", "Bread", "ann")
        assert line(card, "Medium 1") == f"{file} (A loaf; PNG, 0 kB)"
        server.fail("POST /pins", "late")
        await story.decide(question)
        await story.killed(lambda: server.calls_of("POST /pins"))
        said = await story.told("https://www.pinterest.com/pin/")
        (pin,) = server.pins
        assert pin.id in said and (pin.board, pin.media) == (board.id, [PNG])
        assert server.calls_of("POST /pins") == 1
        question = await story.ask(f"@cornwall take down {pin.id}")
        assert question["shown"]["body"] == "At night"
        await story.decide(question)
        await asyncio.to_thread(wait_for, lambda: not server.pins)


async def test_tiktok_fetches_a_photo_that_was_sent_in(tmp_path: Path) -> None:
    server = TikTokServer()
    server.verified = ("https://bot.example/",)
    given: dict[str, Any] = {"text": "Fresh", "privacy": "friends"}
    model = does("timmy", "tiktok_publish", given)
    app = {"TIKTOK_CLIENT_KEY": CLIENT, "TIKTOK_CLIENT_SECRET": SECRET}
    async with told_of(tmp_path, server, model, **app) as story:
        await story.connect()
        file = await asyncio.to_thread(kept, story, JPEG, "image/jpeg")
        given["media"] = [{"url": file, "alt": "A loaf"}]
        story.conv = await asyncio.to_thread(story.running.say, "@timmy post it")
        assert "public_url" in await story.told("no public")
        await asyncio.to_thread(story.running.stop)
        story.more["BOT_PUBLIC_URL"] = "https://bot.example"
        await story.start()
        question = await story.ask("@timmy post it")
        card = question["shown"]
        assert line(card, "Who may see it").startswith("friends")
        assert line(card, "Account at TikTok") == "Ann" and server.begun == {}
        await story.decide(question)
        said = await story.told("TikTok has not told its address yet")
        (begun,) = server.begun.values()
        assert begun.publish_id in said and len(server.posts) == 1
        assert server.posts[0].privacy == "MUTUAL_FOLLOW_FRIENDS"
        assert server.posts[0].media[0].startswith("https://bot.example/files/")
        assert server.calls_of(PHOTOS) == 1
        # An answer that nobody heard leaves no number to ask by: a person is asked.
        server.fail(PHOTOS, "lost")
        await story.decide(await story.ask("@timmy post it"))
        question = await story.waiting()
        assert "I may have done this" in question["shown"]["title"]
        assert server.calls_of(PHOTOS) == 2
