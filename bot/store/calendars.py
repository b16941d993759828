"""Rows of calendars that are followed.

What a round of reading found is written with the place that it came to, in one commit: a process
that dies in between reads the same again. A write names the version that it read.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from bot.core.ids import TenantId
from bot.frozen import frozen
from bot.store.rows import dumps, loads
from bot.store.script import Ask, Params, Row, Script, Statement, one_of, restartable
from bot.store.tables import effect
from bot.store.tables_calendars import calendar_copy, calendar_event
from bot.store.tables_connections import connection
from bot.store.upsert import insert_over

MOST = 100
_NAMES = (
    *("tenant", "id", "cursor", "begins_at", "ends_at", "channel", "resource", "watched_until"),
    *(
        "renew_at",
        "old_channel",
        "old_resource",
        "due_at",
        "synced_at",
        "tries",
        "version",
        "error",
    ),
)
_EVENT = ("tenant", "copy", "id", "etag", "starts_at", "ends_at", "body", "synced_at")
_OF_COPY = and_(
    calendar_event.c.tenant == bindparam("tenant"), calendar_event.c.copy == bindparam("copy")
)
_DUE = Statement(
    lambda: (
        select(connection.c.tenant, connection.c.id, connection.c.provider, connection.c.agent)
        .outerjoin(
            calendar_copy,
            and_(
                calendar_copy.c.tenant == connection.c.tenant, calendar_copy.c.id == connection.c.id
            ),
        )
        .where(
            connection.c.status == "active",
            one_of(connection.c.provider, "google", "microsoft"),
            or_(
                connection.c.granted.like("%/auth/calendar.%"),
                connection.c.granted.like("%Calendars.ReadWrite%"),
            ),
            func.coalesce(calendar_copy.c.due_at, 0) <= bindparam("now"),
        )
        .order_by(func.coalesce(calendar_copy.c.due_at, 0))
        .limit(MOST)
    )
)
_GET = Statement(
    lambda: select(*(calendar_copy.c[name] for name in _NAMES)).where(
        calendar_copy.c.tenant == bindparam("tenant"), calendar_copy.c.id == bindparam("id")
    )
)
_IS_CONNECTED = Statement(
    lambda: select(connection.c.id).where(
        connection.c.tenant == bindparam("tenant"), connection.c.id == bindparam("id")
    )
)
_OF_CHANNEL = Statement(
    lambda: (
        select(
            calendar_copy.c.tenant,
            calendar_copy.c.id,
            calendar_copy.c.resource,
            connection.c.account,
        )
        .join(
            connection,
            and_(
                calendar_copy.c.tenant == connection.c.tenant, calendar_copy.c.id == connection.c.id
            ),
        )
        .where(calendar_copy.c.channel == bindparam("channel"))
    )
)
_PUT = Statement(lambda: insert_over(calendar_copy, *_NAMES))
_WAKE = Statement(
    lambda: (
        update(calendar_copy)
        .where(calendar_copy.c.tenant == bindparam("tenant"), calendar_copy.c.id == bindparam("id"))
        .values(due_at=bindparam("at"), version=calendar_copy.c.version + 1)
    )
)
_END_CHANNEL = Statement(
    lambda: (
        update(calendar_copy)
        .where(calendar_copy.c.tenant == bindparam("tenant"), calendar_copy.c.id == bindparam("id"))
        .values(renew_at=0)
    )
)
_EVENTS = Statement(
    lambda: select(calendar_event.c.id, calendar_event.c.body).where(
        _OF_COPY, calendar_event.c.ends_at >= bindparam("since")
    )
)
_PUT_EVENT = Statement(lambda: insert_over(calendar_event, *_EVENT))
_DROP_EVENT = Statement(
    lambda: delete(calendar_event).where(_OF_COPY, calendar_event.c.id == bindparam("id"))
)
_DROP_EVENTS = Statement(lambda: delete(calendar_event).where(_OF_COPY))
_DROP = Statement(
    lambda: delete(calendar_copy).where(
        calendar_copy.c.tenant == bindparam("tenant"), calendar_copy.c.id == bindparam("copy")
    )
)
_REAL = and_(effect.c.tenant == bindparam("tenant"), effect.c.sandbox == 0)
_MADE = Statement(
    lambda: (
        select(effect.c.id)
        .where(
            _REAL,
            effect.c.started_at >= bindparam("since"),
            effect.c.tool == "calendar_create",
            effect.c.vendor_ref == bindparam("event"),
        )
        .limit(1)
    )
)
_DEEDS = Statement(
    lambda: select(effect.c.arguments).where(
        _REAL,
        effect.c.started_at >= bindparam("since"),
        one_of(effect.c.tool, "calendar_cancel", "calendar_update"),
        one_of(effect.c.state, "sending", "sent", "in_doubt"),
    )
)


@frozen
class Copy:
    """How far a calendar is followed."""

    tenant: TenantId
    id: str
    """The connection's."""
    cursor: str = ""
    """Where the vendor's changes were read to; empty: nowhere yet."""
    begins_at: int = 0
    ends_at: int = 0
    """The time that is followed."""
    channel: str = ""
    resource: str = ""
    watched_until: int = 0
    renew_at: int = 0
    old_channel: str = ""
    """One that is still to be stopped."""
    old_resource: str = ""
    due_at: int = 0
    synced_at: int = 0
    tries: int = 0
    version: int = 0
    error: str = ""


@frozen
class Kept:
    """One event, as it is kept."""

    id: str
    etag: str
    starts_at: int
    ends_at: int
    body: dict[str, object]


@frozen
class Due:
    """A connection whose calendar is to be looked after."""

    tenant: TenantId
    id: str
    provider: str
    agent: str


def due(now: int) -> Script[list[Due]]:
    """Those whose time has come, new ones first."""
    rows = yield Ask(_DUE, {"now": now})
    names = ("tenant", "id", "provider", "agent")
    return [Due(**dict(zip(names, row, strict=True))) for row in rows]


def get(tenant: str, id_: str) -> Script[Copy | None]:
    """How far a connection's calendar is followed."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return _copy(rows[0]) if rows else None


def of_channel(channel: str) -> Script[tuple[TenantId, str, str, str] | None]:
    """Tenant, id, resource and the connection's account of the one that a channel tells of."""
    rows = yield Ask(_OF_CHANNEL, {"channel": channel})
    if not channel or not rows:
        return None
    tenant, id_, resource, account = rows[0]
    return TenantId(tenant), str(id_), str(resource), str(account)


@restartable
def wake(tenant: str, id_: str, at: int, *, renew: bool = False) -> Script[None]:
    """Let it be looked after at once; `renew`: its channel as well."""
    yield Ask(_WAKE, {"tenant": tenant, "id": id_, "at": at})
    if renew:
        yield Ask(_END_CHANNEL, {"tenant": tenant, "id": id_})


def events(tenant: str, id_: str, since: int = 0) -> Script[dict[str, dict[str, object]]]:
    """Id → what is kept, of those that end after a time."""
    rows = yield Ask(_EVENTS, {"tenant": tenant, "copy": id_, "since": since})
    return {str(row[0]): loads(str(row[1])) for row in rows}


def maker(tenant: str, event: str, since: int) -> Script[str]:
    """The deed that made an event since a time; empty when it was none of the house's."""
    rows = yield Ask(_MADE, {"tenant": tenant, "event": event, "since": since})
    return str(rows[0][0]) if rows else ""


def was_ours(tenant: str, event: str, since: int) -> Script[bool]:
    """Whether the house changed or cancelled that event since a time."""
    rows = yield Ask(_DEEDS, {"tenant": tenant, "since": since})
    return any(loads(str(row[0])).get("event") == event for row in rows)


@restartable
def put(item: Copy, was: int) -> Script[bool]:
    """Write how far it is followed; False when that was overtaken, or the connection is gone."""
    known = yield from get(item.tenant, item.id)
    if (known.version if known else 0) != was:
        return False
    if not (yield Ask(_IS_CONNECTED, {"tenant": item.tenant, "id": item.id})):
        return False
    yield Ask(_PUT, {name: getattr(item, name) for name in _NAMES})
    return True


@restartable
def read(
    item: Copy, was: int, found: Sequence[Kept], gone: Iterable[str], *, anew: bool
) -> Script[bool]:
    """Write what a round found, and how far it came; `anew`: all that is kept is replaced."""
    here: Params = {"tenant": item.tenant, "copy": item.id}
    if not (yield from put(item, was)):
        return False
    if anew:
        yield Ask(_DROP_EVENTS, here)
    for id_ in gone:
        yield Ask(_DROP_EVENT, {**here, "id": id_})
    for each in found:
        values: Params = {"id": each.id, "etag": each.etag, "body": dumps(each.body)}
        times: Params = {"starts_at": each.starts_at, "ends_at": each.ends_at}
        yield Ask(_PUT_EVENT, {**here, **values, **times, "synced_at": item.synced_at})
    return True


def forget(tenant: str, id_: str) -> Script[None]:
    """Drop what is kept of a connection's calendar."""
    yield Ask(_DROP_EVENTS, {"tenant": tenant, "copy": id_})
    yield Ask(_DROP, {"tenant": tenant, "copy": id_})


def _copy(row: Row) -> Copy:
    return Copy(**dict(zip(_NAMES, row, strict=True)))
