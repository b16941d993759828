"""What an arriving event meets: itself, if it came before, and the conversation it belongs to.

A key that was seen before stores nothing, for as long as its row (later: its tombstone) is kept.
"""

from sqlalchemy import and_, bindparam, literal_column, select

from bot.core.conversation import Conversation, Line
from bot.core.event import Event
from bot.core.ids import EventId
from bot.core.times import to_us
from bot.frozen import frozen
from bot.store import conversations
from bot.store.conversations import CONV, conversation
from bot.store.script import Ask, Row, Script, Statement
from bot.store.tables import conv, inbox

_FOUND = (inbox.c.id, inbox.c.conv, inbox.c.body_hash, inbox.c.seq)
IS_IT = and_(
    inbox.c.tenant == bindparam("tenant"),
    inbox.c.channel == bindparam("channel"),
    inbox.c.account == bindparam("account"),
    inbox.c.ext_id == bindparam("ext_id"),
)
_SEEN = Statement(lambda: select(*_FOUND).where(IS_IT))
_ONE = select(literal_column("1").label("n")).subquery("one")
_MET = Statement(
    lambda: (
        select(*_FOUND, *CONV)
        .select_from(
            _ONE.outerjoin(inbox, IS_IT).outerjoin(
                conv, and_(conv.c.tenant == bindparam("tenant"), conv.c.key == bindparam("key"))
            )
        )
        .order_by(conv.c.session.desc())
        .limit(1)
    )
)
"""Both in one statement: each is found by its key, and there is always a row."""


@frozen
class Ingested:
    """What became of an arriving event."""

    event: EventId
    conv: Conversation
    seq: int
    claimed: bool = False
    """The conversation is the owner's now, and `conv` has the epoch of the claim."""
    history: tuple[Line, ...] = ()
    """What was said before, where it is claimed."""
    said: Line | None = None
    """Its own line, where it is one."""
    duplicate: bool = False
    same: bool = True
    """For a duplicate: whether it said the same as the first time."""


def known(event: Event, body_hash: str) -> Script[tuple[str, str, bool] | None]:
    """Id and conversation of this event if it came before, and whether its body is the same."""
    rows = yield Ask(_SEEN, key(event))
    return (rows[0][0], rows[0][1], rows[0][2] == body_hash) if rows else None


def seen(event: Event, body_hash: str) -> Script[Ingested | None]:
    """What became of this event when it came before; None when it did not."""
    rows = yield Ask(_SEEN, key(event))
    return (yield from _again(event, rows[0], body_hash)) if rows else None


def meet(event: Event, body_hash: str) -> Script[tuple[Ingested | None, Conversation | None]]:
    """The same, and the session of its conversation that is open now."""
    rows = yield Ask(_MET, {**key(event), "key": event.conv})
    row = rows[0]
    if row[0] is not None:
        return (yield from _again(event, row, body_hash)), None
    there = row[len(_FOUND) :]
    return None, conversation(there) if there[0] is not None else None


def _again(event: Event, row: Row, body_hash: str) -> Script[Ingested]:
    id_, conv_id, old_hash, seq = row[: len(_FOUND)]
    found = yield from conversations.get(event.tenant, conv_id)
    if not found:
        found = yield from conversations.current(event.tenant, event.conv)
    if not found:
        where = yield from conversations.open_(event, f"{id_}-conv", 1, to_us(event.at))
    else:
        where = found[0]
    return Ingested(
        event=EventId(id_), conv=where, seq=seq, duplicate=True, same=old_hash == body_hash
    )


def key(event: Event) -> dict[str, str]:
    """What the house knows an event again by."""
    return {
        "tenant": event.tenant,
        "channel": event.channel,
        "account": event.account,
        "ext_id": event.ext_id,
    }
