"""An agent's desk with an account on a played network: deeds, performed and looked up as the house
does it, and a web whose addresses are what a test put there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
        title = "Baker wanted" if body and body.startswith(b"<html") else ""
        status = 404 if body is None else 200
        return Page(url=url, status=status, media_type="", body=body or b"", title=title)


class Desk:
    """The desk, for one tool unless another is named."""

    def __init__(self, accounts: OAuthHouse, tool: Tool, *played: str) -> None:
        self.accounts, self.tool = accounts, tool
        self.server: Any = accounts.server
        self.connection = ""
        self.pages = Pages(self.server.base, played)
        self.kept: dict[str, Json] = {}
        self.started = accounts.clock.now()
        self.doubt: ApprovalId | None = None
        self.tainted = False
        self.address = "https://bot.example"

    async def connect(self, scopes: str = "", **wanted: Any) -> None:
        if scopes:
            self.server.faults.scopes = scopes.split()
        self.connection = (await self.accounts.connect(**wanted)).id

    def context(self) -> ToolContext:
        async def save(progress: Any) -> None:
            self.kept = dict(progress)

        return context(
            replace(house(), fetcher=self.pages),
            tenant=self.accounts.tenant.id,
            clock=self.accounts.clock,
            settings=Reach(accounts=self.accounts.connections.accounts, address=self.address),
            connection=self.connection,
            progress=self.kept,
            tainted=self.tainted,
            save=save,
        )

    async def full(self, arguments: Mapping[str, Any], tool: Tool | None = None) -> dict[str, Json]:
        """The arguments as they stand on the card."""
        tool = tool or self.tool
        assert tool.complete
        made = await tool.complete(self.context(), tool.arguments.model_validate(arguments))
        return made.model_dump(mode="json", exclude_none=True)

    async def perform(self, arguments: Mapping[str, Any], tool: Tool | None = None) -> Outcome:
        tool = tool or self.tool
        return await tool.perform(self.context(), tool.arguments.model_validate(arguments))

    async def find(self, arguments: Mapping[str, Any], tool: Tool | None = None) -> Outcome | None:
        tool = tool or self.tool
        assert tool.find
        return await tool.find(self.context(), self.effect(arguments, tool))

    def effect(self, arguments: Mapping[str, Any], tool: Tool) -> Effect:
        return effect(
            tool, arguments, progress=self.kept, started_at=self.started, doubt=self.doubt
        )

    def begin_anew(self) -> None:
        """A person looked and said: do it again."""
        self.accounts.clock.advance(seconds=5)
        self.started = self.accounts.clock.now()
        self.doubt = ApprovalId("apr_1")
