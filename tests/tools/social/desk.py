"""An agent's desk with a connected account: one effect, performed and looked up as the house does.

The account is connected by the real dance with a played network; the open web is `Web`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.effect import Effect, Outcome
from bot.core.ids import ApprovalId
from bot.core.ports import Page
from bot.core.tool import Tool, ToolContext
from bot.fetch.client import WebFetcher
from bot.reach import Reach
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.kit import context, effect, house

Given = Mapping[str, Json]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"1" * 40
FILM = b"\0\0\0\x18ftypisom" + b"2" * 40


def page(body: bytes, status: int = 200, kind: str = "image/png") -> Page:
    """What an address gives."""
    return Page(url="", status=status, media_type=kind, body=body)


@dataclass
class Web:
    """Addresses that give pages, and hosts that are played somewhere; else nothing is there."""

    pages: dict[str, Page] = field(default_factory=dict)
    played: dict[str, str] = field(default_factory=dict)
    """Address's beginning → where it is played."""
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Address and headers of each request."""

    async def fetch(self, url: str, **told: Any) -> Page:
        """Give the page, or ask where it is played."""
        self.asked.append((url, told.get("headers") or {}))
        for beginning, base in self.played.items():
            if url.startswith(beginning):
                real = WebFetcher(allow=own_addresses(base), redirects=0)
                found = await real.fetch(base + url.removeprefix(beginning), **told)
                return replace(found, url=found.url.replace(base, beginning, 1))
        return self.pages.get(url) or page(b"", 404)

    def put(self, **bodies: bytes) -> None:
        """What is there at `https://example.org`, by its name with `_` for the dot."""
        for name, body in bodies.items():
            self.pages[f"https://example.org/{name.replace('_', '.')}"] = page(body)


class Desk:
    """One agent's desk, for one tool unless another is named; `uploads`: what the network plays besides."""

    def __init__(self, accounts: OAuthHouse, tool: Tool, *uploads: str) -> None:
        self.accounts, self.tool = accounts, tool
        self.server: Any = accounts.server
        self.connection = ""
        self.web = Web(played=dict.fromkeys(uploads, self.server.base))
        self.kept: dict[str, Json] = {}
        self.started = accounts.clock.now()
        """When the house began the effect, or began it anew."""
        self.doubt: ApprovalId | None = None
        self.settings: object = Reach(
            accounts=accounts.connections.accounts, address="https://bot.example"
        )

    async def connect(self, granted: str = "", **wanted: Any) -> None:
        """An owner says yes on the network's page: to what is asked for, or to these scopes."""
        if granted:
            self.server.faults.scopes = granted.split()
        self.connection = (await self.accounts.connect(**wanted)).id

    def granted(self) -> list[str]:
        """The scopes of the token that was given out last."""
        newest = list(self.server.access.values())[-1]
        return list(newest.consent.scopes)

    def begin_anew(self) -> None:
        """A person looked and said: do it again."""
        self.accounts.clock.advance(seconds=5)
        self.started = self.accounts.clock.now()
        self.doubt = ApprovalId("apr_1")

    def effect(self, tool: Tool, arguments: Given) -> Effect:
        """The effect as it is stored."""
        return effect(
            tool,
            arguments,
            progress=self.kept,
            started_at=self.started,
            connection=self.connection,
            doubt=self.doubt,
        )

    def context(self) -> ToolContext:
        """What a tool is called with."""

        async def save(progress: Mapping[str, Json]) -> None:
            self.kept = dict(progress)

        return context(
            replace(house(), fetcher=self.web),
            tenant=self.accounts.tenant.id,
            clock=self.accounts.clock,
            settings=self.settings,
            connection=self.connection,
            progress=self.kept,
            save=save,
        )

    async def complete(self, arguments: Given, tool: Tool | None = None) -> dict[str, Json]:
        """The arguments as they stand on the card."""
        tool = tool or self.tool
        assert tool.complete
        full = await tool.complete(self.context(), tool.arguments.model_validate(arguments))
        return full.model_dump(mode="json", exclude_none=True)

    async def perform(self, arguments: Given, tool: Tool | None = None) -> Outcome:
        """Do it."""
        tool = tool or self.tool
        return await tool.perform(self.context(), tool.arguments.model_validate(arguments))

    async def find(self, arguments: Given, tool: Tool | None = None) -> Outcome | None:
        """Look it up."""
        tool = tool or self.tool
        assert tool.find
        return await tool.find(self.context(), self.effect(tool, arguments))

    def read(self, tool: Tool) -> "Desk":
        """The same desk for another tool."""
        self.tool = tool
        return self


@asynccontextmanager
async def desk_at(
    folder: Path, server: Any, tool: Tool, *uploads: str, granted: str = "", **there: bytes
) -> AsyncIterator[Desk]:
    """A desk with an account at a played network, and `there` on the web; it must be asked rightly."""
    async with server, OAuthHouse(folder, server) as accounts:
        server.now = accounts.clock.now
        made = Desk(accounts, tool, *uploads)
        made.web.put(**there)
        await made.connect(granted)
        yield made
        assert server.mistakes == []
