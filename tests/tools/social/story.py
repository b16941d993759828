"""The whole program with one played network: asked, approved, killed at any moment, told.

A test gives the server, a model that calls what it is asked for, and the settings of our app.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientSession, CookieJar

from tests.bot.oauth.test_whole import link_of
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openai_server import OpenAIServer
from tests.program import Program, wait_for

S = TypeVar("S", bound=OAuthServer)


class Story(Generic[S]):
    """The program, a network, and the conversation."""

    def __init__(self, folder: Path, server: S, model: OpenAIServer, **more: str) -> None:
        """`more`: settings besides, such as our app's id and secret at the network."""
        self.folder, self.server, self.model, self.more = folder, server, model, more
        self.running: Program
        self.conv = ""

    async def start(self) -> None:
        """Run it."""
        made = Program(
            self.folder,
            "home",
            "",
            **{
                f"BOT_ENDPOINT_{self.server.name.upper()}": self.server.base,
                "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
                "OPENAI_API_KEY": "sk-of-nobody",
                "OPENAI_API_BASE": self.model.url,
                "BOT_MODELS_DEFAULT": "openai/gpt-4o-mini",
                "BOT_MODELS_TRANSPORT": "direct",
                **self.more,
            },
        )
        self.running = await asyncio.to_thread(made.started)

    async def connect(self) -> None:
        """An owner says yes on the network's page."""
        name = self.server.name
        link = await link_of(self.running)
        root = f"{urlsplit(link).scheme}://{urlsplit(link).netloc}"
        jar = CookieJar(unsafe=True)
        async with ClientSession(root, headers={"Origin": root}, cookie_jar=jar) as browser:
            async with browser.post(urlsplit(link).path, allow_redirects=False):
                pass
            async with browser.get(f"/oauth/{name}/start", allow_redirects=False) as response:
                back = self.server.agree(response.headers["Location"])
            async with browser.post(
                f"/oauth/{name}/finish", data=back, allow_redirects=False
            ) as response:
                assert response.status == 303, await response.text()

    async def ask(self, words: str) -> dict[str, Any]:
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
async def told_of(
    folder: Path, server: S, model: OpenAIServer, **more: str
) -> AsyncIterator[Story[S]]:
    """A story that runs; at its end nothing was sent that should not have been, or shown."""
    async with server, model:
        made = Story(folder, server, model, **more)
        await made.start()
        try:
            yield made
        finally:
            await asyncio.to_thread(made.running.stop)
        assert server.mistakes == []
        assert "canary" not in made.running.said
