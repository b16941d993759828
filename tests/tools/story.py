"""The whole program with one played service: asked, approved, killed at any moment, told.

A test gives what the model calls when it is told to, and the settings; `told_of` plays one service
for it, `story` leaves that to the test.
"""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientSession, CookieJar

from bot.core.canonical import Json
from tests.bot.oauth.test_whole import link_of
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.program import Program, wait_for

S = TypeVar("S", bound=OAuthServer | None)
Calls = Mapping[str, tuple[str, Mapping[str, Json]]]
"""What a person says, as a pattern → the tool and its arguments, `{1}` being a match."""


class Model(OpenAIServer):
    """It calls a tool when it is told to, and says what it was told then."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(otherwise=self._reply)
        self._calls = calls

    def _reply(self, body: Body) -> Reply:
        said = body["messages"][-1]
        words = json.dumps(said["content"])
        for pattern, (tool, arguments) in self._calls.items():
            if said["role"] == "user" and (found := re.search(pattern, words, re.IGNORECASE)):
                given = json.dumps(arguments)
                for n, group in enumerate(found.groups(), 1):
                    given = given.replace(f"{{{n}}}", group)
                return Reply(calls=[(tool, given)])
        return Reply(text=f"Told: {words}")


SENT = '\\\\\\"state\\\\\\":\\\\\\"sent\\\\\\"'
"""What `told` finds of a deed that is done, for `Model` quotes what it was told."""
HEARD_SENT = '\\"state\\":\\"sent\\"'
"""The same where the model repeats it as it came, as `Obedient` does."""


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
                **_played(self.server),
                "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
                "OPENAI_API_KEY": "sk-of-nobody",
                "OPENAI_API_BASE": self.model.url,
                "BOT_MODELS_DEFAULT": "openai/gpt-4o-mini",
                "BOT_MODELS_TRANSPORT": "direct",
                **self.more,
            },
        )
        self.running = await asyncio.to_thread(made.started)

    async def connect(self, server: OAuthServer | None = None, *scopes: str) -> None:
        """An owner says yes on the network's page, to these scopes besides where any are named."""
        server = server or self.server
        assert server
        name = server.name
        link, root = await link_of(self.running), self.running.url
        jar = CookieJar(unsafe=True)
        async with ClientSession(root, headers={"Origin": root}, cookie_jar=jar) as browser:
            async with browser.post(urlsplit(link).path, allow_redirects=False):
                pass
            asked = f"/oauth/{name}/start" + (
                f"?{urlencode({'scopes': ' '.join(scopes)})}" if scopes else ""
            )
            async with browser.get(asked, allow_redirects=False) as response:
                back = server.agree(response.headers["Location"])
            async with browser.post(
                f"/oauth/{name}/finish", data=back, allow_redirects=False
            ) as response:
                assert response.status == 303, await response.text()

    async def die(self) -> None:
        """It was started as `DIES`, and is: wait for that, and begin again."""
        code = await asyncio.to_thread(self.running.process.wait, 60)
        assert code == -signal.SIGKILL, self.running.said
        del self.more["code"]
        await self.start()

    async def killed(self, once: Callable[[], object]) -> None:
        """Once that is so, while the answer about it is on its way: kill it, and begin again."""
        await asyncio.to_thread(wait_for, once, 20)
        await asyncio.to_thread(self.running.stop, signal.SIGKILL)
        await self.start()

    async def say(self, words: str) -> None:
        """Say something in a new conversation."""
        self.conv = await asyncio.to_thread(self.running.say, words)

    async def ask(self, words: str) -> dict[str, Any]:
        """Ask for a deed; the question about it."""
        await self.say(words)
        return await self.waiting()

    def pending(self) -> list[dict[str, Any]]:
        """The questions that wait."""
        items: list[dict[str, Any]] = self.running.ask("GET", "/v1/approvals?state=pending")[1][
            "items"
        ]
        return items

    async def waiting(self) -> dict[str, Any]:
        """The question that waits."""
        return (await asyncio.to_thread(wait_for, self.pending, 40))[0]

    async def decide(self, question: dict[str, Any], what: str = "approve") -> None:
        """Press a button."""
        body = {"decision": what, "version": question["version"]}
        path = f"/v1/approvals/{question['id']}/decide"
        status, told = await asyncio.to_thread(self.running.ask, "POST", path, body)
        assert status in (200, 202, 409), told  # 409: it was decided already

    async def told(self, words: str) -> str:
        """Wait until the conversation holds these words; all that it holds."""

        def look() -> str:
            said = json.dumps(self.running.lines(self.conv))
            return said if words in said else ""

        return await asyncio.to_thread(wait_for, look, 60)


def _played(server: OAuthServer | None) -> dict[str, str]:
    return {f"BOT_ENDPOINT_{server.name.upper()}": server.base} if server else {}


@asynccontextmanager
async def story(folder: Path, calls: Calls, **more: str) -> AsyncIterator[Story[None]]:
    """It runs with what the test plays itself, and has let no secret out when it ends."""
    async with Model(calls) as model:
        async with _running(Story(folder, None, model, **more)) as made:
            yield made


@asynccontextmanager
async def told_of(
    folder: Path, server: S, model: OpenAIServer, *, but: str = "", **more: str
) -> AsyncIterator[Story[S]]:
    """A story that runs; at its end nothing was sent that should not have been, or shown.

    `but`: a part of addresses that are asked for rightly and not played here.
    """
    async with server, model, _running(Story(folder, server, model, **more)) as made:
        yield made
    assert [each for each in server.mistakes if not but or but not in each] == []
    assert model.violations == []


@asynccontextmanager
async def _running(made: Story[S]) -> AsyncIterator[Story[S]]:
    await made.start()
    try:
        yield made
    finally:
        await asyncio.to_thread(made.running.stop)
    assert "canary" not in made.running.said
