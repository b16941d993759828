"""Places in a transcript: where a watcher that was away has to begin reading again."""

from sqlalchemy import bindparam, func, select

from bot.store.script import Ask, Script, Statement
from bot.store.tables import inbox, message

_SEQ = Statement(
    select(inbox.c.seq).where(
        inbox.c.tenant == bindparam("tenant"),
        inbox.c.id == bindparam("turn"),
        inbox.c.conv == bindparam("conv"),
    )
)
_BEFORE = Statement(
    select(func.max(message.c.n)).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.seq > 0,
        message.c.seq <= bindparam("seq"),
        (message.c.turn != bindparam("turn")) | (message.c.role == "user"),
    )
)


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
