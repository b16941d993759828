"""Agents that a tenant has written over the files, as their text."""

from sqlalchemy import bindparam, delete, insert, select

from bot.store.script import Ask, Script, Statement
from bot.store.tables_house import own_agent

_ALL = Statement(lambda: select(own_agent.c.tenant, own_agent.c.name, own_agent.c.text))
_GET = Statement(
    lambda: select(own_agent.c.text).where(
        own_agent.c.tenant == bindparam("tenant"), own_agent.c.name == bindparam("name")
    )
)
_ADD = Statement(
    lambda: insert(own_agent).values(
        {name: bindparam(name) for name in ("tenant", "name", "text", "saved_by", "at")}
    )
)
_REMOVE = Statement(
    lambda: (
        delete(own_agent)
        .where(own_agent.c.tenant == bindparam("tenant"), own_agent.c.name == bindparam("name"))
        .returning(own_agent.c.text)
    )
)


def everyones() -> Script[list[tuple[str, str, str]]]:
    """Tenant, name and text of all of them."""
    rows = yield Ask(_ALL, {})
    return [(row[0], row[1], row[2]) for row in rows]


def get(tenant: str, name: str) -> Script[str | None]:
    """The text of one; None when the file holds."""
    rows = yield Ask(_GET, {"tenant": tenant, "name": name})
    return rows[0][0] if rows else None


def put(tenant: str, name: str, text: str, saved_by: str, at: int) -> Script[None]:
    """Write one, over what was there."""
    yield Ask(_REMOVE, {"tenant": tenant, "name": name})
    yield Ask(_ADD, {"tenant": tenant, "name": name, "text": text, "saved_by": saved_by, "at": at})


def remove(tenant: str, name: str) -> Script[bool]:
    """Let the file hold again; False when it does already."""
    rows = yield Ask(_REMOVE, {"tenant": tenant, "name": name})
    return bool(rows)
