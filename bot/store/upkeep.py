"""How far the work behind finding again has come, by conversation, and which ones have news.

A conversation has news when it has ended lines behind `upkeep.n`, or when its last try failed and
its time has come. What is looked over is bounded by the events that came since the last look.
"""

from sqlalchemy import and_, bindparam, func, select, update

from bot.core.conversation import Line
from bot.frozen import frozen
from bot.store import vectors
from bot.store.conversations import LINE, line
from bot.store.script import Ask, Params, Script, Statement, restartable
from bot.store.tables import conv, inbox, message, meta
from bot.store.tables_memory import upkeep
from bot.store.upsert import insert_over
from bot.store.vectors import Vector

SINCE, EMBEDDED_BY, ARCHIVED_AT = "memory.since", "memory.embedded_by", "memory.archived_at"
"""Names in `meta`."""
AT_ONCE = 1
"""A time that has come."""
_GET = Statement(lambda: select(meta.c.value).where(meta.c.name == bindparam("name")))
_SET = Statement(lambda: insert_over(meta, "name", "value"))
_WITH_NEWS = (
    select(conv.c.id)
    .outerjoin(upkeep, and_(upkeep.c.tenant == conv.c.tenant, upkeep.c.conv == conv.c.id))
    .where(
        conv.c.tenant == bindparam("tenant"),
        conv.c.state == "idle",
        conv.c.next_n - 1 > func.coalesce(upkeep.c.n, 0),
        func.coalesce(upkeep.c.due_at, 0) == 0,
        conv.c.id > bindparam("after"),
    )
    .order_by(conv.c.id)
    .limit(bindparam("limit"))
)
_ALL = Statement(lambda: _WITH_NEWS)
_RECENT = Statement(
    lambda: _WITH_NEWS.where(
        conv.c.id.in_(
            select(inbox.c.conv).where(
                inbox.c.tenant == bindparam("tenant"), inbox.c.received_at >= bindparam("since")
            )
        )
    )
)
_OLDEST = Statement(lambda: select(func.min(inbox.c.received_at)).where(inbox.c.state == "new"))
_DUE = Statement(
    lambda: (
        select(upkeep.c.tenant, upkeep.c.conv)
        .where(upkeep.c.due_at > 0, upkeep.c.due_at <= bindparam("now"))
        .order_by(upkeep.c.due_at)
        .limit(bindparam("limit"))
    )
)
_PLACE = Statement(
    lambda: (
        select(conv.c.agent, conv.c.person, conv.c.next_n - 1, upkeep.c.n, upkeep.c.tries)
        .outerjoin(upkeep, and_(upkeep.c.tenant == conv.c.tenant, upkeep.c.conv == conv.c.id))
        .where(
            conv.c.tenant == bindparam("tenant"),
            conv.c.id == bindparam("conv"),
            conv.c.state == "idle",
        )
    )
)
_LINES = Statement(
    lambda: (
        select(*LINE)
        .where(
            message.c.tenant == bindparam("tenant"),
            message.c.conv == bindparam("conv"),
            message.c.n > bindparam("after"),
            message.c.n <= bindparam("last"),
        )
        .order_by(message.c.n)
        .limit(bindparam("limit"))
    )
)
_DONE = Statement(lambda: insert_over(upkeep, "tenant", "conv", "n", "tries", "due_at"))
_RESET = Statement(
    lambda: (
        update(upkeep).where(upkeep.c.tenant == bindparam("tenant")).values(n=0, tries=0, due_at=0)
    )
)
_RESET_ONE = Statement(
    lambda: (
        update(upkeep)
        .where(upkeep.c.tenant == bindparam("tenant"), upkeep.c.conv == bindparam("conv"))
        .values(n=0, tries=0, due_at=0)
    )
)


@frozen
class Behind:
    """A conversation whose newest lines nobody has looked at."""

    agent: str
    person: str
    n: int
    """The last position that was looked at."""
    last: int
    """The last position that there is."""
    tries: int
    lines: tuple[Line, ...]


def noted(name: str) -> Script[str]:
    """A word that the house keeps; empty when it has none."""
    rows = yield Ask(_GET, {"name": name})
    return rows[0][0] if rows else ""


@restartable
def note(name: str, value: str) -> Script[None]:
    """Keep a word."""
    yield Ask(_SET, {"name": name, "value": value})


def oldest_open() -> Script[int | None]:
    """When the oldest event came that has not ended; None when all have."""
    rows = yield Ask(_OLDEST, {})
    oldest: int | None = rows[0][0]
    return oldest


def with_news(tenant: str, since: int, after: str, limit: int) -> Script[list[str]]:
    """Idle conversations with lines that were not looked at, by id, behind `after`.

    `since` 0 looks at all, any other time at those to which an event came since then.
    """
    statement = _RECENT if since else _ALL
    params: Params = {"tenant": tenant, "after": after, "limit": limit}
    rows = yield Ask(statement, {**params, "since": since} if since else params)
    return [row[0] for row in rows]


def due(now: int, limit: int) -> Script[list[tuple[str, str]]]:
    """Tenant and conversation of those whose last try failed and whose time has come."""
    return [(row[0], row[1]) for row in (yield Ask(_DUE, {"now": now, "limit": limit}))]


def behind(tenant: str, conv_id: str, limit: int) -> Script[Behind | None]:
    """What is to be looked at in a conversation; None while a turn of it is open.

    In an idle conversation every line up to `last` belongs to an event that has ended.
    """
    rows = yield Ask(_PLACE, {"tenant": tenant, "conv": conv_id})
    if not rows:
        return None
    agent, person, last, n, tries = rows[0]
    place: Params = {"tenant": tenant, "conv": conv_id, "after": n or 0, "last": last}
    found = yield Ask(_LINES, {**place, "limit": limit})
    return Behind(
        agent=agent or "",
        person=person or "",
        n=n or 0,
        last=last,
        tries=tries or 0,
        lines=tuple(line(row) for row in found),
    )


@restartable
def index_lines(tenant: str, conv_id: str, items: list[Vector], n: int, tries: int) -> Script[None]:
    """Keep the vectors of lines and how far that goes, in one commit.

    Its time stays set until all is done, so that what is left is found after a crash.
    """
    for item in items:
        yield from vectors.put(tenant, item)
    yield from _done(tenant, conv_id, n, tries, AT_ONCE)


@restartable
def postpone(tenant: str, conv_id: str, n: int, tries: int, due_at: int) -> Script[None]:
    """Try again at `due_at`."""
    yield from _done(tenant, conv_id, n, tries, due_at)


@restartable
def settled(tenant: str, conv_id: str, n: int) -> Script[None]:
    """Nothing more is to be done up to this line."""
    yield from _done(tenant, conv_id, n, 0, 0)


@restartable
def start_over(tenants: list[str], embedded_by: str) -> Script[None]:
    """Let everything be embedded anew by another model."""
    for tenant in tenants:
        yield Ask(_RESET, {"tenant": tenant})
        yield from vectors.strip(tenant)
    yield Ask(_SET, {"name": SINCE, "value": "0"})
    yield Ask(_SET, {"name": EMBEDDED_BY, "value": embedded_by})


def look_again(tenant: str, conv_id: str) -> Script[None]:
    """Let one conversation be embedded anew."""
    yield Ask(_RESET_ONE, {"tenant": tenant, "conv": conv_id})


def _done(tenant: str, conv_id: str, n: int, tries: int, due_at: int) -> Script[None]:
    row: Params = {"tenant": tenant, "conv": conv_id, "n": n, "tries": tries, "due_at": due_at}
    yield Ask(_DONE, row)
