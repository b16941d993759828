"""What MCP servers say of their tools, and which of it an owner of the tenant approved."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select, update

from bot.core.canonical import Json
from bot.core.errors import Conflict, Invalid, NotFound
from bot.frozen import frozen
from bot.store import audit
from bot.store.rows import dumps, loads
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables_house import mcp_tool
from bot.store.upsert import insert_over

_COLUMNS = (
    *("server", "name", "tool", "seen", "seen_hash", "problem"),
    *("pinned", "pinned_hash", "pinned_by", "at"),
)
_LIST = Statement(
    lambda: (
        select(*(mcp_tool.c[name] for name in _COLUMNS))
        .where(mcp_tool.c.tenant == bindparam("tenant"))
        .order_by(mcp_tool.c.server, mcp_tool.c.name)
    )
)
_PUT = Statement(lambda: insert_over(mcp_tool, *_COLUMNS, "tenant"))
_ONE = (
    mcp_tool.c.tenant == bindparam("tenant"),
    mcp_tool.c.server == bindparam("server"),
    mcp_tool.c.name == bindparam("name"),
)
_SEE = Statement(
    lambda: (
        update(mcp_tool)
        .where(*_ONE)
        .values({name: bindparam(name) for name in ("tool", "seen", "seen_hash", "problem", "at")})
    )
)
_PIN = Statement(
    lambda: (
        update(mcp_tool)
        .where(*_ONE, mcp_tool.c.seen_hash == bindparam("hash"))
        .values(
            pinned=mcp_tool.c.seen,
            pinned_hash=mcp_tool.c.seen_hash,
            pinned_by=bindparam("by"),
            at=bindparam("at"),
        )
        .returning(mcp_tool.c.name)
    )
)


@frozen
class McpTool:
    """One tool of a server, for one tenant."""

    server: str
    name: str
    """As the server calls it."""
    tool: str
    """As agents call it."""
    seen: Mapping[str, Json]
    """`{description, schema}` as shown; empty when the server no longer has it."""
    seen_hash: str
    problem: str = ""
    """Why it cannot be used."""
    pinned: Mapping[str, Json]
    """What an owner approved; empty when nobody did."""
    pinned_hash: str = ""
    pinned_by: str = ""
    at: int = 0

    @property
    def state(self) -> str:
        """`approved`, `new`, `changed`, `gone` or `unfit`."""
        if not self.seen_hash:
            return "gone"
        if self.problem:
            return "unfit"
        if self.pinned_hash == self.seen_hash:
            return "approved"
        return "changed" if self.pinned_hash else "new"


def listed(tenant: str) -> Script[list[McpTool]]:
    """All that a tenant knows of, by server and name."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    return [_tool(row) for row in rows]


@restartable
def see(tenant: str, server: str, found: Sequence[McpTool], at: int) -> Script[list[McpTool]]:
    """Write down a server's list; what is another than before is noted in the audit.

    Returns the tools that are new or changed. Twice the same list writes nothing.
    """
    rows = yield Ask(_LIST, {"tenant": tenant})
    known = {row[1]: _tool(row) for row in rows if row[0] == server}
    news: list[McpTool] = []
    for item in found:
        old = known.pop(item.name, None)
        if old and old.seen_hash == item.seen_hash:
            continue
        values: Params = {
            "tool": item.tool,
            "seen": dumps(dict(item.seen)),
            "seen_hash": item.seen_hash,
        }
        values |= {"problem": item.problem, "at": at}
        if old is None:
            none: Params = {"pinned": "{}", "pinned_hash": "", "pinned_by": ""}
            where: Params = {"tenant": tenant, "server": server, "name": item.name}
            yield Ask(_PUT, {**where, **values, **none})
        else:
            yield Ask(_SEE, {"tenant": tenant, "server": server, "name": item.name, **values})
        news.append(item)
        known_hash = old.pinned_hash if old else ""
        if known_hash != item.seen_hash:
            action = "mcp.changed" if known_hash else "mcp.new"
            details: dict[str, Json] = {"hash": item.seen_hash, "was": known_hash}
            yield from audit.note(tenant, at, f"mcp:{server}", action, item.tool, details)
    for gone in known.values():
        if gone.seen_hash:
            empty: Params = {"tool": gone.tool, "seen": "{}", "seen_hash": "", "problem": ""}
            yield Ask(
                _SEE, {"tenant": tenant, "server": server, "name": gone.name, **empty, "at": at}
            )
            yield from audit.note(tenant, at, f"mcp:{server}", "mcp.gone", gone.tool)
    return news


@restartable
def approve(
    tenant: str, server: str, name: str, hash_: str, actor: str, at: int
) -> Script[McpTool]:
    """Pin a tool as it was shown. Raises NotFound, Invalid, and Conflict when it changed since."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    found = {(row[0], row[1]): _tool(row) for row in rows}.get((server, name))
    if found is None or not found.seen_hash:
        raise NotFound("There is no such tool. `bot mcp list` names them.")
    if found.problem:
        raise Invalid(f"{found.tool} cannot be used. {found.problem}")
    params: Params = {
        "tenant": tenant,
        "server": server,
        "name": name,
        "hash": hash_,
        "by": actor,
        "at": at,
    }
    done = yield Ask(_PIN, params)
    if not done:
        raise Conflict(f"{found.tool} has changed since it was shown. Look at it again.")
    details: dict[str, Json] = {"hash": hash_, "was": found.pinned_hash, "server": server}
    yield from audit.note(tenant, at, actor, "mcp.approved", found.tool, details)
    return found


def _tool(row: Row) -> McpTool:
    return McpTool(
        server=row[0],
        name=row[1],
        tool=row[2],
        seen=loads(row[3] or "{}"),
        seen_hash=row[4],
        problem=row[5],
        pinned=loads(row[6] or "{}"),
        pinned_hash=row[7],
        pinned_by=row[8],
        at=row[9],
    )
