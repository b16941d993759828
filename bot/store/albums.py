"""Messages that are parts of one: an album, which a platform brings picture by picture.

A part names its album in its payload (`album`). It is stored under its own key, so a part that
comes again is known however often it comes; what it holds goes, in the same commit, to the part
that came first and waits. That one is let wait a moment after each part, so that all of them are
one turn. A part that comes when the turn is open already is a message of its own: late, never lost.
"""

from dataclasses import replace

from sqlalchemy import bindparam, select, update

from bot.core.event import Ending, Event, Kind
from bot.core.ids import EventId
from bot.store import arrivals, conversations, inbox
from bot.store.arrivals import Ingested
from bot.store.inbox import EVENT, event_of
from bot.store.rows import attachments_to_json, dumps, loads
from bot.store.script import Ask, Row, Script, Statement
from bot.store.tables import conv, message
from bot.store.tables import inbox as events

HOLD_US = 1_000_000
"""How long an album is waited for after each of its parts, in microseconds."""
MOST = 20
"""Waiting messages of a conversation among which the album is looked for."""
_LOCK = Statement(
    lambda: (
        update(conv)
        .where(conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id"))
        .values(updated_at=bindparam("at"))
        .returning(conv.c.id)
    )
)
_HOLD = Statement(
    lambda: (
        update(conv)
        .where(
            conv.c.tenant == bindparam("tenant"),
            conv.c.id == bindparam("id"),
            conv.c.state == "ready",
        )
        .values(due_at=bindparam("due"))
    )
)
_WAITING = Statement(
    lambda: (
        select(*EVENT)
        .where(
            events.c.tenant == bindparam("tenant"),
            events.c.conv == bindparam("conv"),
            events.c.state == "new",
            events.c.attempts == 0,
        )
        .order_by(events.c.seq)
        .limit(MOST)
    )
)
_LINE = Statement(
    lambda: (
        update(message)
        .where(
            message.c.tenant == bindparam("tenant"),
            message.c.conv == bindparam("conv"),
            message.c.turn == bindparam("turn"),
            message.c.role == "user",
        )
        .values(text=bindparam("words"), attachments=bindparam("files"))
    )
)


def is_part(event: Event) -> bool:
    """Whether more may belong to it."""
    return event.kind == Kind.MESSAGE and bool(event.payload.get("album"))


def open_until(body: str, received_at: int) -> int:
    """Until when a waiting event may still grow; 0 for one that is no album."""
    if '"album"' not in body or not loads(body).get("payload", {}).get("album"):
        return 0
    return received_at + HOLD_US


def ingest(event: Event, ids: tuple[str, str], at: int, body_hash: str) -> Script[Ingested]:
    """Store a part: with the album that waits, or as the first of one. Idempotent by its key."""
    seen = yield from arrivals.seen(event, body_hash)
    if seen:
        return seen
    found = yield from conversations.current(event.tenant, event.conv)
    # Opened here and not below: whoever is second to it begins again, and finds the album there.
    where = found[0] if found else (yield from conversations.open_(event, ids[0], 1, at))
    # The row of the conversation first: whoever opens its turn holds the same row.
    yield Ask(_LOCK, {"tenant": event.tenant, "id": where.id, "at": at})
    rows = yield Ask(_WAITING, {"tenant": event.tenant, "conv": where.id})
    if first := _first(rows, event):
        yield from _join(event, first[0], where.id, (at, body_hash))
        yield from _hold(event, where.id, at)
        return Ingested(event=EventId(event.id), conv=where, seq=first[1])
    got = yield from inbox.ingest(event, ids, at, body_hash)
    yield from _hold(event, got.conv.id, at)
    return got


def _first(rows: list[Row], event: Event) -> tuple[Event, int] | None:
    """The part that waits, and its number."""
    for row in rows:
        there = event_of(row)
        is_same = there.payload.get("album") == event.payload["album"]
        if is_same and is_part(there) and there.sender.ext_id == event.sender.ext_id:
            return there, row[8]
    return None


def _join(event: Event, first: Event, conv_id: str, come: tuple[int, str]) -> Script[None]:
    """Give the first part what this one holds, and store this one as merged into it."""
    whole = replace(
        first,
        text="\n".join(part for part in (first.text, event.text) if part),
        attachments=(*first.attachments, *event.attachments),
        addressed=first.addressed or event.addressed,
        reply_to=first.reply_to or event.reply_to,
    )
    yield from inbox.reword(whole, whole.id)
    files = dumps(attachments_to_json(whole.attachments))
    yield Ask(
        _LINE,
        {
            "tenant": event.tenant,
            "conv": conv_id,
            "turn": whole.id,
            "words": whole.text,
            "files": files,
        },
    )
    at, body_hash = come
    end = (Ending.MERGED.value, f"part of {whole.id}")
    yield from inbox.store(event, (conv_id, 0), at, body_hash, end)


def _hold(event: Event, conv_id: str, at: int) -> Script[None]:
    """Let the conversation wait for more."""
    yield Ask(_HOLD, {"tenant": event.tenant, "id": conv_id, "due": at + HOLD_US})
