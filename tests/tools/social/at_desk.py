"""An agent's desk with an account on a network that takes uploads elsewhere: whose places are played,
and where a person may look and say "do it again"."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.effect import Effect
from bot.core.ids import ApprovalId
from bot.core.ports import Page
from bot.core.tool import Tool, ToolContext
from bot.fetch.client import WebFetcher
from bot.reach import Reach
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.social import desk

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"1" * 40
FILM = b"\0\0\0\x18ftypisom" + b"2" * 40


@dataclass
class Pages:
    """The web: what stands at an address, and the vendors' places for uploads, which are played."""

    base: str
    """Where the played network listens; whatever lies below `played` is asked there."""
    played: tuple[str, ...] = ()
    stands: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def fetch(self, url: str, **told: Any) -> Page:
        self.asked.append(url)
        for start in self.played:
            if url.startswith(start):
                self.headers.append(told.get("headers") or {})
                real = WebFetcher(allow=own_addresses(self.base), redirects=0)
                return await real.fetch(self.base + url.removeprefix(start), **told)
        body = self.stands.get(url)
        status = 404 if body is None else 200
        return Page(url=url, status=status, media_type="", body=body or b"")


class Desk(desk.Desk):
    """The desk, for one tool unless another is named."""

    def __init__(self, accounts: OAuthHouse, tool: Tool, *played: str) -> None:
        super().__init__(accounts, tool)
        self.server: Any = accounts.server
        self.pages = Pages(self.server.base, played)
        self.doubt: ApprovalId | None = None
        self.settings = Reach(accounts=accounts.connections.accounts, address="https://bot.example")

    async def connect(self, scopes: str = "", **wanted: Any) -> None:
        """An owner says yes on the network's page, to these scopes."""
        if scopes:
            self.server.faults.scopes = scopes.split()
        await super().connect(**wanted)

    def context(self) -> ToolContext:
        """What a tool is called with."""
        made = super().context()
        return replace(made, house=replace(made.house, fetcher=self.pages))

    async def full(self, arguments: Mapping[str, Any], tool: Tool | None = None) -> dict[str, Json]:
        """The arguments as they stand on the card."""
        return await self.complete(arguments, tool)

    def effect(self, tool: Tool, arguments: Mapping[str, Any]) -> Effect:
        """The effect as it is stored."""
        return replace(super().effect(tool, arguments), doubt=self.doubt)

    def begin_anew(self) -> None:
        """A person looked and said: do it again."""
        self.accounts.clock.advance(seconds=5)
        self.started = self.accounts.clock.now()
        self.doubt = ApprovalId("apr_1")
