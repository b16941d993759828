"""MCP servers: what they are, what their tools say of themselves, and an owner's yes to that."""

from aiohttp import web

from bot.core.canonical import Json
from bot.store.mcp_tools import McpTool
from bot.web.answers import MAYBE, OBJECT, TEXT, TRUTH, answer, list_of, listed, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route
from tools.mcp._hub import Standing

TOOL = schema(
    name=TEXT,
    tool=TEXT,
    state=TEXT,
    risk=TEXT,
    hash=TEXT,
    description=TEXT,
    schema=OBJECT,
    was=MAYBE,
    was_schema={"type": ["object", "null"]},
    problem=TEXT,
    approved_by=TEXT,
)
_TOOLS: Json = {"type": "array", "items": TOOL}
_NAMES: Json = {"type": "array", "items": TEXT}
SERVER = schema(
    server=TEXT, way=TEXT, open=TRUTH, problem=TEXT, agents=_NAMES, waiting=TRUTH, tools=_TOOLS
)


class McpServers:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """The servers of this workspace, and their tools as they were last seen."""
        found = self._parts.mcp.standings(request[VISIT].tenant)
        return listed([shown(each) for each in found], None)

    async def check(self, request: web.Request) -> web.Response:
        """Connect to one and read its list."""
        server = request.match_info["server"]
        return answer(shown(await self._parts.mcp.check(request[VISIT].tenant, server)))

    async def approve(self, request: web.Request) -> web.Response:
        """Let agents use a tool as it was shown: the hash says which words were read."""
        fields = Fields(await read_json(request), ("tool", "hash"))
        name, hash_ = fields.text("tool"), fields.text("hash")
        server = request.match_info["server"]
        found = await self._parts.mcp.approve(
            request[VISIT].tenant, server, name, hash_, actor_of(request)
        )
        return answer(shown(found))


def shown(each: Standing) -> dict[str, Json]:
    """One server."""
    tools = [_tool(item, item.name in each.server.read) for item in each.tools]
    return {
        "server": each.server.name,
        "way": "http" if each.server.url else "stdio",
        "open": each.is_open,
        "problem": each.problem,
        "agents": list(each.server.agents),
        "waiting": any(item.state in ("new", "changed") for item in each.tools),
        "tools": tools,
    }


def _tool(item: McpTool, reads: bool) -> dict[str, Json]:
    was = item.pinned if item.state == "changed" else {}
    return {
        "name": item.name,
        "tool": item.tool,
        "state": item.state,
        "risk": "read" if reads else "write",
        "hash": item.seen_hash,
        "description": str(item.seen.get("description", "")),
        "schema": _object(item.seen.get("schema")) or {},
        "was": str(was["description"]) if was else None,
        "was_schema": _object(was.get("schema")),
        "problem": item.problem,
        "approved_by": item.pinned_by,
    }


def _object(value: Json) -> Json:
    return value if isinstance(value, dict) else None


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    servers = McpServers(parts)
    body = schema(tool=TEXT, hash=TEXT)
    one = "/v1/mcp/{server}"
    table = (
        ("GET", "/v1/mcp", servers.list, Doc(summary="MCP servers.", answer=list_of(SERVER))),
        (
            "POST",
            f"{one}/check",
            servers.check,
            Doc(summary="Connect to a server and read its list of tools.", answer=SERVER),
        ),
        (
            "POST",
            f"{one}/approve",
            servers.approve,
            Doc(summary="Let agents use a tool as it was shown.", body=body, answer=SERVER),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for method, path, handler, doc in table
    ]
