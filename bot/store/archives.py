"""Archives as rows: conversations whose lines were put away into a file, and the way back.

Lines leave their table in the very commit that writes the row of the archive and of its file, and
only if they are still exactly what the file holds. On the way back each is written under its own id
and position, once.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, bindparam, delete, select, update

from bot.core.canonical import Json
from bot.core.conversation import Conversation
from bot.frozen import frozen
from bot.store import audit, files, upkeep, vectors
from bot.store.conversations import CONV, conversation
from bot.store.script import Ask, Params, Row, Script, Statement, Value, restartable
from bot.store.summaries import Summary
from bot.store.tables import approval, conv, message
from bot.store.tables_memory import archive, summary
from bot.store.upsert import insert_once
from bot.store.vectors import Vector

NAMES = tuple(column.name for column in message.c)
"""The columns of a line, in the order of its row in a file."""
_EMPTY = {
    column.name: None
    if column.nullable
    else 0
    if isinstance(column.type, BigInteger)
    else "[]"
    if column.name == "attachments"
    else ""
    for column in message.c
}
"""What a column holds in a file that is older than the column."""
_FIELDS = ("id", "conv", "person", "agent", "title", "text", "first", "last", "lines", "file", "at")
_RIPE = Statement(
    lambda: (
        select(conv.c.id)
        .where(
            conv.c.tenant == bindparam("tenant"),
            conv.c.state == "idle",
            conv.c.updated_at < bindparam("before"),
            conv.c.id > bindparam("after"),
            select(message.c.id)
            .where(message.c.tenant == bindparam("tenant"), message.c.conv == conv.c.id)
            .exists(),
            ~select(approval.c.id)
            .where(
                approval.c.tenant == bindparam("tenant"),
                approval.c.conv == conv.c.id,
                approval.c.state == "pending",
            )
            .exists(),
            ~select(archive.c.id)
            .where(
                archive.c.tenant == bindparam("tenant"),
                archive.c.conv == conv.c.id,
                archive.c.restored_at >= bindparam("before"),
            )
            .exists(),
        )
        .order_by(conv.c.id)
        .limit(bindparam("limit"))
    )
)
_OF_CONV = (conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("conv"))
_CONV = Statement(lambda: select(*CONV).where(*_OF_CONV))
_HOLD = Statement(
    lambda: (
        select(conv.c.id)
        .where(*_OF_CONV, conv.c.state == "idle", conv.c.updated_at < bindparam("before"))
        .with_for_update()
    )
)
_PASS = Statement(lambda: update(conv).where(*_OF_CONV).values(next_seq=conv.c.next_seq + 1))
"""It passes over a number, so that nobody takes the lines that he knows for the ones there are."""
_LINES = Statement(
    lambda: (
        select(*message.c)
        .where(message.c.tenant == bindparam("tenant"), message.c.conv == bindparam("conv"))
        .order_by(message.c.n)
        .limit(bindparam("limit"))
    )
)
_TAKE_OUT = Statement(
    lambda: delete(message).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.n <= bindparam("last"),
    )
)
_PUT_BACK = Statement(lambda: insert_once(message, *NAMES))
_WRITE = Statement(lambda: insert_once(archive, "tenant", *_FIELDS))
_SUM = Statement(
    lambda: insert_once(
        summary, "tenant", "conv", "first", "last", "text", "model", "tainted", "at"
    )
)
_COLUMNS = (*(archive.c[name] for name in _FIELDS), archive.c.restored_at)
_GET = Statement(
    lambda: select(*_COLUMNS).where(
        archive.c.tenant == bindparam("tenant"), archive.c.id == bindparam("id")
    )
)
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(
            archive.c.tenant == bindparam("tenant"),
            (archive.c.person == bindparam("person")) | (bindparam("person") == "*"),
            archive.c.at < bindparam("before"),
        )
        .order_by(archive.c.at.desc(), archive.c.id)
        .limit(bindparam("limit"))
    )
)
_RESTORED = Statement(
    lambda: (
        update(archive)
        .where(
            archive.c.tenant == bindparam("tenant"),
            archive.c.id == bindparam("id"),
            archive.c.restored_at.is_(None),
        )
        .values(restored_at=bindparam("now"))
        .returning(archive.c.id)
    )
)


@frozen
class Archive:
    """A conversation's lines, put away."""

    id: str
    conv: str
    person: str
    """Empty: the conversation was nobody's."""
    agent: str
    title: str
    text: str
    """What was said, by first sentences: what it is found by."""
    first: int
    last: int
    """Positions of its first and last line."""
    lines: int
    file: str
    at: int
    restored_at: int | None = None


@frozen
class Away:
    """All that one commit writes when lines are put away."""

    archive: Archive
    """Its file is laid, and counts from this commit on."""
    summary: Summary
    """So that whoever goes on with the conversation knows what it was about."""
    vector: Vector | None
    rows: tuple[Row, ...]
    """The lines as the file holds them."""


def ripe(tenant: str, before: int, after: str, limit: int) -> Script[list[str]]:
    """Idle conversations with lines, untouched since `before`, nothing pending; by id."""
    params: Params = {"tenant": tenant, "before": before, "after": after, "limit": limit}
    return [row[0] for row in (yield Ask(_RIPE, params))]


def read(tenant: str, conv_id: str, limit: int) -> Script[tuple[Conversation, list[Row]] | None]:
    """A conversation and its first lines, as rows."""
    place: Params = {"tenant": tenant, "conv": conv_id}
    found = yield Ask(_CONV, place)
    if not found:
        return None
    rows = yield Ask(_LINES, {**place, "limit": limit})
    return conversation(found[0]), [tuple(row) for row in rows]


@restartable
def put_away(tenant: str, away: Away, before: int) -> Script[bool]:
    """Let the lines go that a file holds; False, and nothing done, when they have changed."""
    item = away.archive
    place: Params = {"tenant": tenant, "conv": item.conv}
    if not (yield Ask(_HOLD, {**place, "before": before})):
        return False
    now = yield Ask(_LINES, {**place, "limit": len(away.rows)})
    if tuple(tuple(row) for row in now) != away.rows:
        return False
    if not (yield from files.arrived(tenant, item.file, item.at)):
        return False  # it took so long that the sweep has removed the bytes
    yield Ask(_WRITE, {"tenant": tenant, **{name: getattr(item, name) for name in _FIELDS}})
    made = away.summary
    covered: Params = {"first": made.first, "last": made.last, "text": made.text}
    told: Params = {"model": made.model, "tainted": int(made.tainted), "at": made.at}
    yield Ask(_SUM, {**place, **covered, **told})
    yield from vectors.drop_said(tenant, item.conv)
    if away.vector:
        yield from vectors.put(tenant, away.vector)
    yield Ask(_TAKE_OUT, {**place, "last": item.last})
    yield Ask(_PASS, place)
    yield from upkeep.look_again(tenant, item.conv)
    counted: dict[str, Json] = {
        "archive": item.id,
        "first": item.first,
        "last": item.last,
        "file": item.file,
    }
    yield from audit.note(tenant, item.at, "house", "conversation.archived", item.conv, counted)
    return True


@restartable
def put_back(tenant: str, item: Archive, rows: list[Row], actor: str, now: int) -> Script[bool]:
    """Bring the lines of an archive back, once; False when that was done before."""
    if not (yield Ask(_RESTORED, {"tenant": tenant, "id": item.id, "now": now})):
        return False
    for row in rows:
        yield Ask(_PUT_BACK, dict(zip(NAMES, row, strict=True)))
    yield Ask(_PASS, {"tenant": tenant, "conv": item.conv})
    yield from vectors.drop(tenant, vectors.ARCHIVE, item.id)
    yield from upkeep.look_again(tenant, item.conv)
    restored: dict[str, Json] = {"archive": item.id, "lines": len(rows)}
    yield from audit.note(tenant, now, actor, "conversation.restored", item.conv, restored)
    return True


def row_of(named: Mapping[str, Value]) -> Row:
    """A row of today's columns out of a file's. Raises KeyError for a column that is not known."""
    if unknown := set(named) - set(NAMES):
        raise KeyError(*sorted(unknown))
    return tuple(named.get(name, _EMPTY[name]) for name in NAMES)


def get(tenant: str, id_: str) -> Script[Archive | None]:
    """One archive."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return _archive(rows[0]) if rows else None


def listed(tenant: str, person: str, before: int, limit: int) -> Script[list[Archive]]:
    """A person's archives (`*`: everyone's), latest first."""
    rows = yield Ask(_LIST, {"tenant": tenant, "person": person, "before": before, "limit": limit})
    return [_archive(row) for row in rows]


def _archive(row: Row) -> Archive:
    return Archive(**dict(zip((*_FIELDS, "restored_at"), row, strict=True)))
