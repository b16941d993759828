"""Pages of a transcript, and where a watcher that was away has to begin reading again."""

from sqlalchemy import and_, bindparam, func, select

from bot.core.conversation import Line
from bot.frozen import frozen
from bot.store.conversations import LINE, line
from bot.store.script import Ask, Row, Script, Statement
from bot.store.tables import conv, feedback, inbox, message

_SEQ = Statement(
    lambda: select(inbox.c.seq).where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("turn"),
        inbox.c.conv == bindparam("conv"),
    )
)
_RATED = (
    select(*LINE, feedback.c.score, conv.c.tainted)
    .join(conv, and_(conv.c.id == message.c.conv, conv.c.tenant == message.c.tenant))
    .outerjoin(
        feedback,
        and_(feedback.c.message == message.c.id, feedback.c.person == bindparam("person")),
    )
    .where(message.c.tenant == bindparam("tenant"), message.c.conv == bindparam("conv"))
    .limit(bindparam("limit"))
)
_LINES = Statement(lambda: _RATED.where(message.c.n > bindparam("after")).order_by(message.c.n))
_EARLIER = Statement(
    lambda: _RATED.where(message.c.n < bindparam("before")).order_by(message.c.n.desc())
)
_SAYS = Statement(
    lambda: (
        select(message.c.id)
        .where(
            message.c.tenant == bindparam("tenant"),
            message.c.conv == bindparam("conv"),
            func.replace(message.c.text, bindparam("words"), "") != message.c.text,
        )
        .limit(1)
    )
)
_BEFORE = Statement(
    lambda: select(func.max(message.c.n)).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.seq > 0,
        message.c.seq <= bindparam("seq"),
        (message.c.turn != bindparam("turn")) | (message.c.role == "user"),
    )
)


@frozen
class Read:
    """A line as one person reads it."""

    line: Line
    score: int | None
    """What this person thought of it."""
    tainted: bool
    """Text from outside is in the conversation."""


def lines(tenant: str, conv_id: str, person: str, after: int, limit: int) -> Script[list[Read]]:
    """Lines after a position."""
    rows = yield Ask(
        _LINES,
        {"tenant": tenant, "conv": conv_id, "person": person, "after": after, "limit": limit},
    )
    return [_read(row) for row in rows]


def earlier(tenant: str, conv_id: str, person: str, before: int, limit: int) -> Script[list[Read]]:
    """The last lines before a position, oldest first."""
    rows = yield Ask(
        _EARLIER,
        {"tenant": tenant, "conv": conv_id, "person": person, "before": before, "limit": limit},
    )
    return [_read(row) for row in reversed(rows)]


def says(tenant: str, conv_id: str, words: str) -> Script[bool]:
    """Whether words stand in a conversation, letter by letter."""
    rows = yield Ask(_SAYS, {"tenant": tenant, "conv": conv_id, "words": words})
    return bool(words and rows)


def _read(row: Row) -> Read:
    return Read(line=line(row), score=row[13], tainted=bool(row[14]))


def before_turn(tenant: str, conv: str, turn: str) -> Script[int | None]:
    """The last position that was surely written before a turn's answer.

    None when the turn is not one of this conversation. Lines of later events may stand between
    this position and the answer: whoever begins here misses nothing.
    """
    params = {"tenant": tenant, "conv": conv, "turn": turn}
    rows = yield Ask(_SEQ, params)
    if not rows:
        return None
    rows = yield Ask(_BEFORE, {**params, "seq": rows[0][0]})
    return rows[0][0] or 0
