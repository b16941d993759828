"""What platforms brought: the last message of each place, and what was kept of one."""

from collections.abc import Iterable, Mapping

from sqlalchemy import and_, bindparam, select

from bot.core.canonical import Json
from bot.core.event import Event, Kind
from bot.store import inbox as events
from bot.store import transcript
from bot.store.script import Ask, Script, Statement
from bot.store.tables import conv, inbox

LINES = 200
"""How far back a message is looked for in a conversation."""
LOOKED_AT = 2_000
"""Messages that are looked through, the newest first."""
_HEARD = Statement(
    lambda: (
        select(conv.c.place, conv.c.thread, inbox.c.ext_id)
        .select_from(
            inbox.join(conv, and_(conv.c.tenant == inbox.c.tenant, conv.c.id == inbox.c.conv))
        )
        .where(
            inbox.c.tenant == bindparam("tenant"),
            inbox.c.channel == bindparam("channel"),
            inbox.c.account == bindparam("account"),
            inbox.c.kind == "message",
        )
        .order_by(inbox.c.received_at.desc())
        .limit(LOOKED_AT)
    )
)


def heard(tenant: str, channel: str, account: str, places: int) -> Script[list[tuple[str, str]]]:
    """Thread (or place, where there is none) and the newest message's own id, of so many places."""
    rows = yield Ask(_HEARD, {"tenant": tenant, "channel": channel, "account": account})
    newest: dict[str, str] = {}
    for place, thread, ext_id in rows:
        newest.setdefault(thread or place, ext_id)
    return list(newest.items())[:places]


def was_heard(event: Event) -> bool:
    """Whether a platform brought it."""
    return event.kind == Kind.MESSAGE and not event.payload.get("about")


def before(tenant: str, conv_id: str, turn: str) -> Script[Mapping[str, Json]]:
    """What its channel kept of the message that a turn answers, else of the last one before it.

    Empty where there is none. It stays the same, whatever is said after the turn began.
    """
    found = yield from events.get(tenant, turn)
    if found and was_heard(found.event):
        return found.event.payload
    at = yield from transcript.before_turn(tenant, conv_id, turn)
    lines = (yield from transcript.earlier(tenant, conv_id, "", at + 1, LINES)) if at else []
    said = (each.line.turn for each in reversed(lines) if each.line.role == "user")
    return (yield from first(tenant, said)) or {}


def first(tenant: str, turns: Iterable[str]) -> Script[Mapping[str, Json] | None]:
    """What its channel kept of the first of these messages that a platform brought, if one was."""
    for turn in turns:
        found = yield from events.get(tenant, turn)
        if found and was_heard(found.event):
            return found.event.payload
    return None
