"""An agent's desk with a connected account: one effect, performed and looked up as the house does.

The account is connected by the real dance with a played network; the open web is `Web`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.effect import Effect, Outcome
from bot.core.ports import Page
from bot.core.tool import Tool, ToolContext
from bot.fetch.client import WebFetcher
from bot.reach import Reach
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.kit import context, effect, house

Given = Mapping[str, Json]


def page(body: bytes, status: int = 200, kind: str = "image/png") -> Page:
    """What an address gives."""
    return Page(url="", status=status, media_type=kind, body=body)


@dataclass
class Web:
    """Addresses that give pages, and hosts that are played somewhere."""

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
        return self.pages[url]


class Desk:
    """One agent's desk."""

    def __init__(self, accounts: OAuthHouse, tool: Tool) -> None:
        self.accounts, self.tool = accounts, tool
        self.connection = ""
        self.web = Web()
        self.kept: dict[str, Json] = {}
        self.started = accounts.clock.now()
        """When the house began the effect, or began it anew."""
        self.settings: object = Reach(accounts=accounts.connections.accounts)

    async def connect(self, **wanted: Any) -> None:
        """An owner says yes on the network's page."""
        self.connection = (await self.accounts.connect(**wanted)).id

    def effect(self, tool: Tool, arguments: Given) -> Effect:
        """The effect as it is stored."""
        return effect(
            tool,
            arguments,
            progress=self.kept,
            started_at=self.started,
            connection=self.connection,
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
