"""The inbox: an event once, with its number in its conversation, in one commit.

A key that was seen before stores nothing, for as long as its row (later: its tombstone) is kept.
Events that only decide something (`control`) take number 0 and never wait in a conversation.
"""

from dataclasses import replace

from sqlalchemy import Integer, bindparam, delete, exists, func, insert, null, select, update

from bot.core.conversation import Line
from bot.core.event import Ending, Event, Trust
from bot.core.ids import ConvId
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store import arrivals, conversations
from bot.store.arrivals import Ingested
from bot.store.conversations import CONV, conversation
from bot.store.recent import Known
from bot.store.rows import event_body, event_from, loads
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables import conv, inbox

_STORE = Statement(
    insert(inbox).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "tenant",
                "channel",
                "account",
                "ext_id",
                "kind",
                "conv",
                "seq",
                "person",
                "body",
                "body_hash",
                "state",
                "ending",
                "detail",
                "attempts",
                "at",
                "received_at",
                "ended_at",
            )
        }
    )
)
_LATEST = conv.alias()
_NUMBERS = (conv.c.next_seq - 1, conv.c.next_n - 1, conv.c.epoch)
_ENTER = Statement(
    update(conv)
    .where(conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id"))
    .values(
        next_seq=conv.c.next_seq + 1,
        next_n=conv.c.next_n + bindparam("lines", type_=Integer),
        updated_at=bindparam("at"),
    )
    .returning(*_NUMBERS)
)
_OPEN_NOW = (
    select(func.max(_LATEST.c.session))
    .where(_LATEST.c.tenant == bindparam("tenant"), _LATEST.c.key == bindparam("key"))
    .scalar_subquery()
)
_SEIZE = Statement(
    update(conv)
    .where(
        conv.c.tenant == bindparam("tenant"),
        conv.c.key == bindparam("key"),
        conv.c.session == _OPEN_NOW,
        conv.c.state == "idle",
        ~exists().where(arrivals.IS_IT),
    )
    .values(
        next_seq=conv.c.next_seq + 1,
        next_n=conv.c.next_n + bindparam("lines", type_=Integer),
        updated_at=bindparam("at"),
        state="running",
        owner=bindparam("new_owner"),
        epoch=conv.c.epoch + 1,
    )
    .returning(*_NUMBERS, *CONV)
)
"""The usual case in one statement: the event is new, and its conversation is there and at rest."""
_WAKE = Statement(
    update(conv)
    .where(
        conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id"), conv.c.state == "idle"
    )
    .values(state="ready", due_at=bindparam("at"))
)
EVENT = (
    inbox.c.id,
    inbox.c.tenant,
    inbox.c.channel,
    inbox.c.account,
    inbox.c.ext_id,
    inbox.c.kind,
    inbox.c.at,
    inbox.c.body,
    inbox.c.seq,
    inbox.c.attempts,
    inbox.c.person,
    inbox.c.replays,
)
_GET = Statement(
    select(
        *EVENT,
        inbox.c.conv,
        inbox.c.state,
        inbox.c.ending,
        inbox.c.detail,
        inbox.c.ended_at,
        inbox.c.received_at,
    ).where(inbox.c.tenant == bindparam("tenant"), inbox.c.id == bindparam("id"))
)
_RECENT = Statement(
    select(
        *EVENT,
        inbox.c.conv,
        inbox.c.state,
        inbox.c.ending,
        inbox.c.detail,
        inbox.c.ended_at,
        inbox.c.received_at,
    )
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.received_at < bindparam("before"),
        (inbox.c.state == bindparam("state")) | (bindparam("state") == ""),
    )
    .order_by(inbox.c.received_at.desc())
    .limit(bindparam("limit"))
)
_REPLAY = Statement(
    update(inbox)
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("id"),
        inbox.c.state == "dead",
    )
    .values(
        state="new", attempts=1, replays=inbox.c.replays + 1, ending="", detail="", ended_at=null()
    )
    .returning(inbox.c.conv)
)
_REPLACE = Statement(
    update(inbox)
    .where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("id"),
        inbox.c.state == "new",
    )
    .values(body=bindparam("body"))
    .returning(inbox.c.id)
)
_SWEEP_JOURNAL = Statement(
    update(inbox)
    .where(
        inbox.c.state == "done",
        inbox.c.ended_at < bindparam("before"),
        inbox.c.body != "{}",
    )
    .values(body="{}")
    .returning(inbox.c.id)
)
_SWEEP = Statement(
    delete(inbox).where(inbox.c.state == "done", inbox.c.ended_at < bindparam("before"))
)


@frozen
class Stored:
    """An event as it is kept."""

    event: Event
    conv: ConvId
    seq: int
    attempts: int
    state: str
    ending: str
    detail: str
    ended_at: int | None
    received_at: int


def ingest(
    event: Event,
    ids: tuple[str, str],
    at: int,
    body_hash: str = "",
    owner: str = "",
    known: Known | None = None,
) -> Script[Ingested]:
    """Store a message-like event: number it, write the person's line, wake the conversation.

    `ids` are fresh ids for a conversation and a line, used if they are needed. An `owner` takes the
    conversation in the same breath if nobody works on it and nothing waits in it. What was said
    before is read, but where what is `known` of it still holds.
    """
    conv_id, line_id = ids
    lines = int(event.kind in ("message", "command"))
    place: Params = {"tenant": event.tenant, "at": at, "lines": lines}
    history: tuple[Line, ...] = ()
    rows: list[Row] = []
    if owner:
        mine = {**arrivals.key(event), **place, "key": event.conv, "new_owner": owner}
        rows = yield Ask(_SEIZE, mine)
    claimed = bool(rows)
    if claimed:
        (seq, n, _), where = rows[0][:3], conversation(rows[0][3:])
        if known and known.still(where, seq, n - lines + 1):
            history = known.lines
        else:  # before the new line is written, which then waits for no one who reads lines
            history = yield from conversations.history(event.tenant, where.id, seq)
    else:
        before, open_now = yield from arrivals.meet(event, body_hash)
        if before:
            return before
        if open_now is None and owner:
            first = conversations.First(owner=owner, lines=lines)
            where, claimed = (yield from conversations.open_(event, conv_id, 1, at, first)), True
            seq = n = 1
        else:
            where = open_now or (yield from conversations.open_(event, conv_id, 1, at))
            place["id"] = where.id
            ((seq, n, epoch),) = yield Ask(_ENTER, place)
            yield Ask(_WAKE, {"tenant": event.tenant, "id": where.id, "at": at})
            where = replace(where, epoch=epoch)
    yield from store(event, (where.id, seq), at, body_hash, attempts=int(claimed))
    said = (yield from _say(event, where.id, line_id, (seq, n), at)) if lines else None
    if event.trust is Trust.OUTSIDE:
        where = replace(where, tainted=True)
    return Ingested(
        event=event.id, conv=where, seq=seq, claimed=claimed, history=history, said=said
    )


def _say(event: Event, conv_id: str, id_: str, place: tuple[int, int], at: int) -> Script[Line]:
    """Write the person's line at (number, position); one from outside taints the conversation."""
    said = Line(
        id=id_,
        seq=place[0],
        n=place[1],
        turn=event.id,
        role="user",
        text=event.text,
        at=from_us(at),
        attachments=event.attachments,
    )
    if event.trust is Trust.OUTSIDE:
        said = yield from conversations.taint(event.tenant, conv_id, said)
    yield from conversations.write(event.tenant, conv_id, said)
    return said


def ingest_control(
    event: Event, conv_id: str, at: int, detail: str, body_hash: str = ""
) -> Script[Ingested | None]:
    """Store an event that this very transaction decides; None when it was not seen before."""
    before = yield from arrivals.seen(event, body_hash)
    if before:
        return before
    end = (Ending.DECIDED.value, detail)
    yield from store(event, (conv_id, 0), at, body_hash, end)
    return None


def ignore(event: Event, at: int, why: str) -> Script[None]:
    """Store an event that nobody will answer, with the reason."""
    before = yield from arrivals.seen(event, "")
    if not before:
        yield from store(event, ("", 0), at, "", (Ending.IGNORED.value, why))


def store(
    event: Event,
    place: tuple[str, int],
    at: int,
    body_hash: str,
    end: tuple[str, str] | None = None,
    attempts: int = 0,
) -> Script[None]:
    """Write the row at (conversation, number), with its (ending, detail) if it has ended."""
    yield Ask(
        _STORE,
        {
            "id": event.id,
            "tenant": event.tenant,
            "channel": event.channel,
            "account": event.account,
            "ext_id": event.ext_id,
            "kind": event.kind,
            "conv": place[0],
            "seq": place[1],
            "person": event.sender.person,
            "body": event_body(event),
            "body_hash": body_hash,
            "state": "done" if end else "new",
            "ending": end[0] if end else "",
            "detail": end[1] if end else "",
            "attempts": attempts,
            "at": to_us(event.at),
            "received_at": at,
            "ended_at": at if end else None,
        },
    )


def get(tenant: str, id_: str) -> Script[Stored | None]:
    """One event."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return _stored(rows[0]) if rows else None


def recent(tenant: str, before: int, state: str, limit: int) -> Script[list[Stored]]:
    """Events, latest first; `state` "" is any, "dead" the dead letters."""
    params: Params = {"tenant": tenant, "before": before, "state": state, "limit": limit}
    rows = yield Ask(_RECENT, params)
    return [_stored(row) for row in rows]


def replay(tenant: str, id_: str, at: int) -> Script[bool]:
    """Put a dead letter back in its place; False when it is not a dead letter.

    It counts as tried once, so that what its first life journaled and did is not done again. Its
    conversation passes over a number: whoever lets it go meanwhile sees that something came.
    """
    rows = yield Ask(_REPLAY, {"tenant": tenant, "id": id_})
    if not rows:
        return False
    yield Ask(_ENTER, {"tenant": tenant, "id": rows[0][0], "at": at, "lines": 0})
    yield Ask(_WAKE, {"tenant": tenant, "id": rows[0][0], "at": at})
    return True


def wake(tenant: str, conv_id: str, at: int) -> Script[None]:
    """Let an idle conversation be claimed."""
    yield Ask(_WAKE, {"tenant": tenant, "id": conv_id, "at": at})


def reword(event: Event, original: str) -> Script[bool]:
    """Give a waiting event its edited text; False when it is already being worked on."""
    rows = yield Ask(_REPLACE, {"tenant": event.tenant, "id": original, "body": event_body(event)})
    return bool(rows)


@restartable
def sweep(forget_text_before: int, forget_before: int) -> Script[int]:
    """Empty old events to tombstones, and drop tombstones past their time; returns how many."""
    emptied = yield Ask(_SWEEP_JOURNAL, {"before": forget_text_before})
    yield Ask(_SWEEP, {"before": forget_before})
    return len(emptied)


def event_of(row: Row) -> Event:
    """The event of the columns `EVENT`."""
    body = loads(row[7])
    if not body:  # a tombstone: only its key is left
        body = {"conv": "", "sender": ["", "", row[10]], "place": ["", "", "", True], "text": ""}
    return event_from(row[:7], body)


def _stored(row: Row) -> Stored:
    return Stored(
        event=event_of(row),
        conv=ConvId(row[12]),
        seq=row[8],
        attempts=row[9],
        state=row[13],
        ending=row[14],
        detail=row[15],
        ended_at=row[16],
        received_at=row[17],
    )
