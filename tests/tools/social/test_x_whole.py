"""The whole program posts on X: asked, approved, killed at any moment, and there once."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from tests.bot.oauth.test_whole import link_of
from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.x_server import XServer
from tests.program import Program, wait_for

POST = {"text": "We are open on Sunday", "link": "https://example.org/hours"}
WHOLE = "We are open on Sunday\nhttps://example.org/hours"


class Model(OpenAIServer):
    """It posts when it is asked to, and says what it was told then."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        said = body["messages"][-1]
        words = json.dumps(said["content"])
        if said["role"] == "user" and "kelly post" in words.lower():
            return Reply(calls=[("x_publish", json.dumps(POST))])
        if said["role"] == "user" and (found := re.search(r"take down (\d+)", words)):
            return Reply(calls=[("x_delete", json.dumps({"post": found[1]}))])
        return Reply(text=f"Told: {words}")


class Story:
    """The program, X, and the conversation."""

    def __init__(self, folder: Path, server: XServer, model: Model) -> None:
        self.folder, self.server, self.model = folder, server, model
        self.running: Program
        self.conv = ""

    async def start(self) -> None:
        """Run it."""
        made = Program(
            self.folder,
            "home",
            "",
            X_CLIENT_ID=CLIENT,
            X_CLIENT_SECRET=SECRET,
            BOT_ENDPOINT_X=self.server.base,
            BOT_ALLOW_PRIVATE_ENDPOINTS="1",
            OPENAI_API_KEY="sk-of-nobody",
            OPENAI_API_BASE=self.model.url,
            BOT_MODELS_DEFAULT="openai/gpt-4o-mini",
            BOT_MODELS_TRANSPORT="direct",
        )
        self.running = await asyncio.to_thread(made.started)

    async def connect(self) -> None:
        """An owner says yes on X's page."""
        link = await link_of(self.running)
        root = f"{urlsplit(link).scheme}://{urlsplit(link).netloc}"
        jar = CookieJar(unsafe=True)
        async with ClientSession(root, headers={"Origin": root}, cookie_jar=jar) as browser:
            async with browser.post(urlsplit(link).path, allow_redirects=False):
                pass
            async with browser.get("/oauth/x/start", allow_redirects=False) as response:
                back = self.server.agree(response.headers["Location"])
            async with browser.post(
                "/oauth/x/finish", data=back, allow_redirects=False
            ) as response:
                assert response.status == 303, await response.text()

    async def ask(self, words: str = "@kelly post it") -> dict[str, Any]:
        """Ask for the post; the question about it."""
        self.conv = await asyncio.to_thread(self.running.say, words)
        return await self.waiting()

    async def waiting(self) -> dict[str, Any]:
        """The question that waits."""

        def look() -> Any:
            items = self.running.ask("GET", "/v1/approvals?state=pending")[1]["items"]
            return items and items[0]

        found: dict[str, Any] = await asyncio.to_thread(wait_for, look, 40)
        return found

    async def decide(self, question: dict[str, Any], what: str = "approve") -> None:
        """Press a button."""
        body = {"decision": what, "version": question["version"]}
        path = f"/v1/approvals/{question['id']}/decide"
        status, told = await asyncio.to_thread(self.running.ask, "POST", path, body)
        assert status in (200, 202), told

    async def told(self, words: str) -> str:
        """Wait until the conversation holds these words; all that it holds."""

        def look() -> str:
            said = json.dumps(self.running.lines(self.conv))
            return said if words in said else ""

        return await asyncio.to_thread(wait_for, look, 60)


@asynccontextmanager
async def story(folder: Path) -> AsyncIterator[Story]:
    async with XServer() as server, Model() as model:
        made = Story(folder, server, model)
        await made.start()
        try:
            yield made
        finally:
            await asyncio.to_thread(made.running.stop)
        assert server.mistakes == []
        assert "canary" not in made.running.said


async def test_a_post_is_in_the_sandbox_until_x_is_connected_and_then_real(tmp_path: Path) -> None:
    async with story(tmp_path) as told:
        question = await told.ask()
        assert question["shown"]["sandbox"] is True
        await told.decide(question)
        await told.told("sandbox")
        assert told.server.posts == []
        await told.connect()
        question = await told.ask()
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
        await told.decide(await told.ask())
        await asyncio.to_thread(wait_for, lambda: told.server.calls_of("POST /2/tweets"))
        await asyncio.to_thread(told.running.stop, signal.SIGKILL)
        await told.start()
        await told.told("https://x.com/ann/status/")
        assert len(told.server.posts) == 1 and told.server.calls_of("POST /2/tweets") == calls


async def test_an_answer_that_is_lost_and_cannot_be_looked_up_becomes_a_question(
    tmp_path: Path,
) -> None:
    async with story(tmp_path) as told:
        await told.connect()
        told.server.fail("POST /2/tweets", "lost")
        told.server.fail("GET /2/users/{id}/tweets", "error")
        await told.decide(await told.ask())
        question = await told.waiting()
        assert "I may have done this" in question["shown"]["title"]
        assert {"name": "As", "value": "@ann"}.items() <= question["shown"]["fields"][0].items()
        assert told.server.calls_of("POST /2/tweets") == len(told.server.posts) == 1
