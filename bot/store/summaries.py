"""Summaries as rows: what the beginning of a long conversation came to.

A row covers the lines from `first` to `last` and is never changed; the one with the greatest `last`
holds. Writing it, and what it cost, is one commit, and a second one for the same lines changes
nothing.
"""

from sqlalchemy import bindparam, func, select

from bot.core.canonical import Json
from bot.core.conversation import Conversation, Line
from bot.core.model import Usage
from bot.frozen import frozen
from bot.store import audit, spends
from bot.store.conversations import CONV, LINE, conversation, line
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables import conv, inbox, message
from bot.store.tables_memory import summary
from bot.store.upsert import insert_once

_NAMES = ("first", "last", "text", "model", "tainted", "at")
_COLUMNS = tuple(summary.c[name] for name in _NAMES)
_WRITE = Statement(
    lambda: insert_once(summary, "tenant", "conv", *_NAMES).returning(summary.c.last)
)
_OF = (summary.c.tenant == bindparam("tenant"), summary.c.conv == bindparam("conv"))
_LATEST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(*_OF, summary.c.last < bindparam("before"))
        .order_by(summary.c.last.desc())
        .limit(1)
    )
)
_AT = Statement(lambda: select(*_COLUMNS).where(*_OF, summary.c.last == bindparam("last")))
_CONV = Statement(
    lambda: select(*CONV).where(
        conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("conv")
    )
)
_LINES = Statement(
    lambda: (
        select(*LINE)
        .where(
            message.c.tenant == bindparam("tenant"),
            message.c.conv == bindparam("conv"),
            message.c.n > bindparam("after"),
        )
        .order_by(message.c.n)
        .limit(bindparam("limit"))
    )
)
_WAITING = Statement(
    lambda: select(func.min(inbox.c.seq)).where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.conv == bindparam("conv"),
        inbox.c.state == "new",
    )
)


@frozen
class Summary:
    """What a range of lines came to."""

    first: int
    last: int
    """Positions of the first and the last line that it covers."""
    text: str
    model: str
    """Who wrote it; `extract` when it was taken from the lines word by word."""
    tainted: bool
    """Text from outside was in the conversation: it is data, never instruction."""
    at: int


@frozen
class Uncovered:
    """A conversation with what its newest summary does not cover."""

    conv: Conversation
    summary: Summary | None
    lines: tuple[Line, ...]
    """By position; only lines of events that have ended."""

    def lines_by_event(self) -> list[Line]:
        """In the order in which a prompt shows them."""
        return sorted(self.lines, key=lambda line: (line.seq, line.n))


def latest(tenant: str, conv_id: str, before: int) -> Script[Summary | None]:
    """The summary that holds for a prompt whose own line stands at `before`."""
    rows = yield Ask(_LATEST, {"tenant": tenant, "conv": conv_id, "before": before})
    return _summary(rows[0]) if rows else None


def ending_at(tenant: str, conv_id: str, last: int) -> Script[Summary | None]:
    """The summary that covers up to exactly this line: the one that a prompt was laid from."""
    rows = yield Ask(_AT, {"tenant": tenant, "conv": conv_id, "last": last})
    return _summary(rows[0]) if rows else None


def uncovered(tenant: str, conv_id: str, limit: int) -> Script[Uncovered | None]:
    """What a conversation holds behind its newest summary, at most `limit` lines."""
    place: Params = {"tenant": tenant, "conv": conv_id}
    rows = yield Ask(_CONV, place)
    if not rows:
        return None
    where = conversation(rows[0])
    known = yield from latest(tenant, conv_id, 2**62)
    waiting = (yield Ask(_WAITING, place))[0][0]
    after = known.last if known else 0
    found = yield Ask(_LINES, {**place, "after": after, "limit": limit})
    lines = tuple(line(row) for row in found)
    if waiting is not None:
        lines = tuple(item for item in lines if item.seq < waiting)
    return Uncovered(conv=where, summary=known, lines=lines)


@restartable
def write(of: Conversation, made: Summary, usage: Usage | None) -> Script[bool]:
    """Keep a summary and what it cost, once; False when it was there already."""
    row: Params = {
        "tenant": of.tenant,
        "conv": of.id,
        "first": made.first,
        "last": made.last,
        "text": made.text,
        "model": made.model,
        "tainted": int(made.tainted),
        "at": made.at,
    }
    if not (yield Ask(_WRITE, row)):
        return False
    if usage is not None:
        cost = spends.Cost(
            id=f"sum:{of.id}:{made.last}",
            agent=of.agent or "",
            person=of.person,
            conv=of.id,
            model=made.model,
            usage=usage,
        )
        yield from spends.charge(of.tenant, cost, made.at)
    told: dict[str, Json] = {"first": made.first, "last": made.last, "model": made.model}
    yield from audit.note(of.tenant, made.at, "house", "conversation.summarised", of.id, told)
    return True


def _summary(row: Row) -> Summary:
    first, last, text, model, tainted, at = row
    return Summary(first=first, last=last, text=text, model=model, tainted=bool(tainted), at=at)
