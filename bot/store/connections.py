"""Rows of connections: accounts at services, by tenant.

Tokens are sealed by the caller and written here in the commit of what they belong to. Every write
that follows a call to a vendor names the version that it read, so that what was overtaken
(connected anew, let go of, renewed elsewhere) changes nothing.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from bot.core.ids import TenantId
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store import audit, calendars, keys
from bot.store.keys import ValueRow
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables_connections import connection
from bot.store.upsert import insert_over

_KEYS = ("tenant", "id", "provider", "agent")
_TEXTS = (
    *("account", "name", "status", "error", "asked", "granted"),
    *("client", "config", "connected_by"),
)
_TIMES = (
    *("expires_at", "refresh_until", "token_at", "due_at", "retry_at", "renewing_at"),
    *("connected_at", "checked_at"),
)
_NUMBERS = ("renewed", "tries", "version", "told")
_NAMES = (*_KEYS, *_TEXTS, *_TIMES, *_NUMBERS)
_COLUMNS = tuple(connection.c[name] for name in _NAMES)
_CHANGED = tuple(name for name in _NAMES if name not in _KEYS and not name.startswith("connected"))
_TENANT = connection.c.tenant == bindparam("tenant")
_OF = Statement(lambda: select(*_COLUMNS).where(_TENANT, connection.c.id == bindparam("id")))
_FOR = Statement(
    lambda: select(*_COLUMNS).where(
        _TENANT,
        connection.c.provider == bindparam("provider"),
        connection.c.agent == bindparam("agent"),
    )
)
_LIST = Statement(
    lambda: select(*_COLUMNS).where(_TENANT).order_by(connection.c.provider, connection.c.agent)
)
_PUT = Statement(lambda: insert_over(connection, *_NAMES))
_CHANGE = Statement(
    lambda: (
        update(connection)
        .where(
            _TENANT, connection.c.id == bindparam("id"), connection.c.version == bindparam("was")
        )
        .values({name: bindparam(f"new_{name}") for name in _CHANGED})
        .returning(connection.c.id)
    )
)
_REMOVE = Statement(
    lambda: (
        delete(connection)
        .where(_TENANT, connection.c.id == bindparam("id"))
        .returning(connection.c.name)
    )
)
_DUE = Statement(
    lambda: (
        select(connection.c.tenant, connection.c.id)
        .where(connection.c.due_at > 0, connection.c.due_at <= bindparam("now"))
        .order_by(connection.c.due_at)
        .limit(100)
    )
)
_OF_PROVIDER = Statement(
    select(*_COLUMNS).where(
        connection.c.provider == bindparam("provider"), connection.c.status != "broken"
    )
)
_OF_ACCOUNT = Statement(
    lambda: select(*_COLUMNS).where(
        connection.c.provider == bindparam("provider"),
        connection.c.account == bindparam("account"),
    )
)


@frozen
class Connection:
    """One account of one service, and how it is."""

    tenant: TenantId
    id: str
    provider: str
    agent: str = ""
    """Whose alone it is; empty: every agent's of the tenant."""
    account: str
    """The vendor's lasting id of it."""
    name: str
    status: str = "active"
    """active, or broken."""
    error: str = ""
    asked: str = ""
    granted: str = ""
    client: str = ""
    """The id of the app that it was connected by."""
    config: str = "{}"
    renewed: int = 0
    """Whether it can live on without a person."""
    expires_at: datetime | None = None
    refresh_until: datetime | None = None
    token_at: datetime | None = None
    due_at: datetime | None = None
    """When somebody looks after it."""
    retry_at: datetime | None = None
    """Before that the vendor is not asked for a token."""
    renewing_at: datetime | None = None
    """Since when a renewal is under way; one that is found again was cut off."""
    tries: int = 0
    version: int = 1
    told: int = 0
    """What the owners were told last: 1 that it will end, 2 that it is broken."""
    connected_by: str
    connected_at: datetime
    checked_at: datetime | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """What was granted."""
        return tuple(self.granted.split())


def of(tenant: str, id_: str) -> Script[Connection | None]:
    """One of a tenant's."""
    rows = yield Ask(_OF, {"tenant": tenant, "id": id_})
    return _connection(rows[0]) if rows else None


def meant_for(tenant: str, provider: str, agent: str) -> Script[Connection | None]:
    """The one that an agent uses: its own, or everybody's."""
    for who in dict.fromkeys((agent, "")):
        found = yield from exactly(tenant, provider, who)
        if found:
            return found
    return None


def exactly(tenant: str, provider: str, agent: str) -> Script[Connection | None]:
    """The one of this agent, or everybody's where `agent` is empty."""
    rows = yield Ask(_FOR, {"tenant": tenant, "provider": provider, "agent": agent})
    return _connection(rows[0]) if rows else None


def listed(tenant: str) -> Script[list[Connection]]:
    """A tenant's."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    return [_connection(row) for row in rows]


def due(now: int) -> Script[list[tuple[str, str]]]:
    """Tenant and id of those whose time has come."""
    rows = yield Ask(_DUE, {"now": now})
    return [(row[0], row[1]) for row in rows]


def of_account(provider: str, account: str) -> Script[list[Connection]]:
    """Those of a vendor's account, whosever they are."""
    rows = yield Ask(_OF_ACCOUNT, {"provider": provider, "account": account})
    return [_connection(row) for row in rows]


def of_provider(provider: str) -> Script[list[Connection]]:
    """All of a vendor's that work, whosever they are."""
    rows = yield Ask(_OF_PROVIDER, {"provider": provider})
    return [_connection(row) for row in rows]


@restartable
def put(item: Connection, tokens: ValueRow, was: str) -> Script[bool]:
    """Write a new one in the place of `was`; False when something else stands there by now."""
    known = yield from exactly(item.tenant, item.provider, item.agent)
    if (known.id if known else "") != was:
        return False
    if known:
        yield Ask(_REMOVE, {"tenant": item.tenant, "id": known.id})
        yield from keys.forget(item.tenant, item.provider, known.id)
        yield from calendars.forget(item.tenant, known.id)
    at = to_us(item.connected_at)
    yield Ask(_PUT, _values(item))
    yield from keys.write(item.tenant, tokens, at)
    details = {"provider": item.provider, "name": item.name, "scopes": item.granted}
    if item.agent:
        details["agent"] = item.agent
    yield from audit.note(item.tenant, at, item.connected_by, "connection.added", item.id, details)
    return True


@restartable
def change(
    item: Connection, at: int, tokens: ValueRow | None = None, status_was: str = ""
) -> Script[bool]:
    """Write a changed one over the version before, with its tokens; False when overtaken."""
    new = {f"new_{name}": value for name, value in _values(item).items() if name in _CHANGED}
    rows = yield Ask(
        _CHANGE, {"tenant": item.tenant, "id": item.id, "was": item.version - 1, **new}
    )
    if not rows:
        return False
    if tokens:
        yield from keys.write(item.tenant, tokens, at)
    if status_was and status_was != item.status:
        details = {"provider": item.provider, "status": item.status, "error": item.error}
        yield from audit.note(item.tenant, at, "house", "connection.status", item.id, details)
    return True


@restartable
def remove(item: Connection, at: int, actor: str, how: str) -> Script[bool]:
    """Delete it with its tokens; False when it is not there any more. `how`: what the vendor said
    to it."""
    rows = yield Ask(_REMOVE, {"tenant": item.tenant, "id": item.id})
    yield from keys.forget(item.tenant, item.provider, item.id)
    yield from calendars.forget(item.tenant, item.id)
    if rows:
        details = {"provider": item.provider, "name": item.name, "vendor": how}
        yield from audit.note(item.tenant, at, actor, "connection.removed", item.id, details)
    return bool(rows)


def _values(item: Connection) -> dict[str, str | int]:
    times = {name: getattr(item, name) for name in _TIMES}
    return {
        **{name: getattr(item, name) for name in (*_KEYS, *_TEXTS, *_NUMBERS)},
        **{name: to_us(at) if at else 0 for name, at in times.items()},
    }


def _connection(row: Row) -> Connection:
    found = dict(zip(_NAMES, row, strict=True))
    times = {name: from_us(found[name]) if found[name] else None for name in _TIMES}
    return Connection(**{**found, **times})
