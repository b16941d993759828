"""All MCP servers of this process, and for each tenant the tools that an owner has approved.

Agents are offered what was approved, from the database, whether the server runs or not; the server
is connected at the first call, and called only while it still says of that tool what was approved.
A tool that is new or changed waits for an owner; the others go on.
"""

import asyncio
import logging
from collections.abc import Callable, Container, Mapping, Sequence
from importlib import import_module

from bot.core.canonical import Json
from bot.core.errors import BotError, NotFound, VendorRefused
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.core.tool import Tool
from bot.frozen import frozen
from bot.store import mcp_tools as rows
from bot.store.mcp_tools import McpTool
from bot.store.script import Database
from tools.mcp._definition import Definition
from tools.mcp._link import MISSING, Link
from tools.mcp._result import Keep
from tools.mcp._server import Server
from tools.mcp._tool import Ways, made

log = logging.getLogger(__name__)

KeepFor = Callable[[TenantId, str | None], Keep]
"""Where files of an answer go: for a tenant and the person on whose behalf it was asked."""


@frozen
class Standing:
    """One server, as an owner sees it."""

    server: Server
    is_open: bool
    problem: str
    tools: Sequence[McpTool]


class Hub:
    """Every server."""

    def __init__(
        self,
        servers: Sequence[Server],
        db: Database,
        clock: Clock,
        keep: KeepFor,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`changed` is called when tools that agents have are not what they were."""
        self._db = db
        self._clock = clock
        self._keep = keep
        self._changed = changed
        self._links = {server.name: Link(server, clock, self._seen) for server in servers}
        self._rows: dict[TenantId, list[McpTool]] = {}
        self._tools: dict[TenantId, Mapping[str, Tool]] = {}
        self.reserved: Callable[[], Container[str]] = frozenset
        """Names of the house's own tools, which no server may take."""

    async def start(self) -> None:
        """Read what was seen and approved."""
        for tenant in {t for link in self._links.values() for t in link.server.tenants}:
            self._rows[tenant] = await self._db.read(rows.listed(tenant))
        self._tools.clear()

    async def look_at_new(self) -> None:
        """Look once at servers that nobody has looked at yet, so that an owner can approve."""
        if self._links:
            try:
                await asyncio.to_thread(import_module, "jsonschema")  # needed by the first call
            except ModuleNotFoundError:
                for link in self._links.values():
                    link.problem = MISSING
                return
        known = {(t, item.server) for t, found in self._rows.items() for item in found}
        for link in self._links.values():
            if not all((tenant, link.server.name) in known for tenant in link.server.tenants):
                try:
                    await link.look()
                except VendorRefused as error:
                    log.warning("An MCP server cannot be looked at: %s", error.message)

    async def close(self) -> None:
        """End every connection and every program."""
        await asyncio.gather(*(link.close() for link in self._links.values()))

    # What the tool set asks.

    def words(self) -> frozenset[str]:
        """Every word that an agent's file may name tools by."""
        seen = {item.tool for found in self._rows.values() for item in found}
        return frozenset({*seen, *(f"{name}.*" for name in self._links)})

    def tools(self, tenant: TenantId) -> Mapping[str, Tool]:
        """The approved tools of a tenant, by the names that agents call them by."""
        found = self._tools.get(tenant)
        if found is None:
            found = self._tools[tenant] = dict(self._made(tenant))
        return found

    def names(self, tenant: TenantId, agent: str, named: Sequence[str]) -> tuple[str, ...]:
        """Which of them an agent has; `named` is what stands in its file."""
        given = []
        for name in self.tools(tenant):
            link = self._links[name.partition("_")[0]]
            agents = link.server.agents
            if (agents and agent in agents) or (
                not agents and (name in named or f"{link.server.name}.*" in named)
            ):
                given.append(name)
        return tuple(given)

    # What an owner asks.

    def standings(self, tenant: TenantId) -> Sequence[Standing]:
        """The servers of a tenant."""
        return [self._standing(link, tenant) for link in self._of(tenant)]

    async def check(self, tenant: TenantId, server: str) -> Standing:
        """Connect to a server and read its list, now. Raises NotFound, VendorRefused."""
        link = self._link(tenant, server)
        await link.look(patient=True)
        return self._standing(link, tenant)

    async def approve(
        self, tenant: TenantId, server: str, name: str, hash_: str, actor: str
    ) -> Standing:
        """Let agents use a tool as it was shown. Raises NotFound, Invalid, Conflict."""
        link = self._link(tenant, server)
        at = to_us(self._clock.now())
        await self._db.write(rows.approve(tenant, server, name, hash_, actor, at))
        await self._reload(tenant)
        return self._standing(link, tenant)

    def problems(self, tenant: TenantId) -> list[str]:
        """What somebody has to look at, a sentence each."""
        told = []
        for each in self.standings(tenant):
            name = each.server.name
            if each.problem:
                told.append(f"MCP server {name}: {each.problem} Try it: bot mcp check {name}")
            waiting = sum(item.state in ("new", "changed") for item in each.tools)
            if waiting:
                plural = "tool waits" if waiting == 1 else "tools wait"
                told.append(f"MCP server {name}: {waiting} {plural} for: bot mcp approve {name}")
            elif not each.tools and not each.problem:
                told.append(f"MCP server {name} was not looked at yet: bot mcp check {name}")
        return told

    def _of(self, tenant: TenantId) -> list[Link]:
        return [link for link in self._links.values() if tenant in link.server.tenants]

    def _link(self, tenant: TenantId, server: str) -> Link:
        link = self._links.get(server)
        if link is None or tenant not in link.server.tenants:
            raise NotFound("There is no such MCP server here. `bot mcp list` names them.")
        return link

    def _standing(self, link: Link, tenant: TenantId) -> Standing:
        mine = [item for item in self._rows.get(tenant, ()) if item.server == link.server.name]
        return Standing(
            server=link.server,
            is_open=link.is_open,
            problem=link.problem or link.note,
            tools=mine,
        )

    def _made(self, tenant: TenantId) -> "list[tuple[str, Tool]]":
        links = {link.server.name: link for link in self._of(tenant)}
        return [
            (item.tool, made(link.server, _definition(item), Ways(call=link.call, keep=self._keep)))
            for item in self._rows.get(tenant, ())
            if (link := links.get(item.server)) and item.state == "approved"
        ]

    async def _seen(self, server: Server, found: Sequence[Definition]) -> None:
        """Write down a list, for each tenant that has the server."""
        items = [
            McpTool(
                server=server.name,
                name=item.name,
                tool=item.tool,
                seen={"description": item.description, "schema": item.schema},
                seen_hash=item.hash,
                problem=self._clash(item) or item.problem,
                pinned={},
            )
            for item in found
        ]
        at = to_us(self._clock.now())
        for tenant in sorted(server.tenants):
            try:
                news = await self._db.write(rows.see(tenant, server.name, items, at))
            except BotError as error:
                raise VendorRefused(f"The tools of {server.name} cannot be noted.") from error
            if news:
                count = len(news)
                log.warning("MCP server %s: %d tools are new or changed.", server.name, count)
            await self._reload(tenant)

    def _clash(self, item: Definition) -> str:
        return f"The house has a tool {item.tool}." if item.tool in self.reserved() else ""

    async def _reload(self, tenant: TenantId) -> None:
        found = await self._db.read(rows.listed(tenant))
        if found != self._rows.get(tenant):
            self._rows[tenant] = found
            self._tools.pop(tenant, None)
            self._changed()


def _definition(item: McpTool) -> Definition:
    """What an owner approved, as a definition again."""
    schema: Json = item.pinned.get("schema")
    return Definition(
        name=item.name,
        tool=item.tool,
        description=str(item.pinned.get("description", "")),
        schema=schema if isinstance(schema, Mapping) else {},
        hash=item.pinned_hash,
    )
