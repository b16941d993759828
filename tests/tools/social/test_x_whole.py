"""The whole program posts on X: asked, approved, killed at any moment, and there once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.x_server import XServer
from tests.program import wait_for
from tests.tools.story import Calls, Model, Story, told_of

POST = {"text": "We are open on Sunday", "link": "https://example.org/hours"}
WHOLE = "We are open on Sunday\nhttps://example.org/hours"


CALLS: Calls = {
    r"kelly post": ("x_publish", POST),
    r"take down (\d+)": ("x_delete", {"post": "{1}"}),
}


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[Story[XServer]]:
    app = {"X_CLIENT_ID": CLIENT, "X_CLIENT_SECRET": SECRET}
    async with told_of(folder, XServer(), Model(CALLS), **app) as made:
        yield made


async def test_a_post_is_in_the_sandbox_until_x_is_connected_and_then_real(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        question = await told.ask("@kelly post it")
        assert question["shown"]["sandbox"] is True
        await told.decide(question)
        await told.told("sandbox")
        assert told.server.posts == []
        await told.connect()
        question = await told.ask("@kelly post it")
        card = question["shown"]
        assert card["sandbox"] is False
        assert {"name": "As", "value": "@ann"}.items() <= card["fields"][0].items()
        assert card["body"] == WHOLE
        await told.decide(question)
        said = await told.told("https://x.com/ann/status/")
        assert [post.text for post in told.server.posts] == [WHOLE]
        assert told.server.posts[0].id in said
        # A second yes to the same question changes nothing.
        path = f"/v1/approvals/{question['id']}/decide"
        body = {"decision": "approve", "version": question["version"]}
        await asyncio.to_thread(told.running.ask, "POST", path, body)
        await asyncio.sleep(0.5)
        assert told.server.calls_of("POST /2/tweets") == 1
        # And taken down again, with its words on the card.
        question = await told.ask(f"@kelly take down {told.server.posts[0].id}")
        assert question["shown"]["body"] == WHOLE and len(told.server.posts) == 1
        await told.decide(question)
        await asyncio.to_thread(wait_for, lambda: not told.server.posts)


async def test_an_account_that_may_not_post_is_named_before_anybody_is_asked(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        told.server.faults.scopes = ["tweet.read", "users.read", "offline.access"]
        await told.connect()
        told.conv = await asyncio.to_thread(told.running.say, "@kelly post it")
        assert "scopes=tweet.write" in await told.told("was not allowed to: tweet.write")
        assert told.running.ask("GET", "/v1/approvals?state=pending")[1]["items"] == []
        assert told.server.asked == []


@pytest.mark.parametrize(("how", "calls"), [("late", 1), ("hang", 2)])
async def test_killed_while_x_works_the_post_is_there_once(
    tmp_path: Path, how: str, calls: int
) -> None:
    async with story(tmp_path) as told:
        await told.connect()
        told.server.fail("POST /2/tweets", how)
        await told.decide(await told.ask("@kelly post it"))
        await told.killed(lambda: told.server.calls_of("POST /2/tweets"))
        await told.told("https://x.com/ann/status/")
        assert len(told.server.posts) == 1 and told.server.calls_of("POST /2/tweets") == calls


async def test_an_answer_that_is_lost_and_cannot_be_looked_up_becomes_a_question(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        await told.connect()
        told.server.fail("POST /2/tweets", "lost")
        told.server.fail("GET /2/users/{id}/tweets", "error")
        await told.decide(await told.ask("@kelly post it"))
        question = await told.waiting()
        assert "I may have done this" in question["shown"]["title"]
        assert {"name": "As", "value": "@ann"}.items() <= question["shown"]["fields"][0].items()
        assert told.server.calls_of("POST /2/tweets") == len(told.server.posts) == 1
