"""The last message that was heard in each place of a platform."""

from sqlalchemy import and_, bindparam, select

from bot.store.script import Ask, Script, Statement
from bot.store.tables import conv, inbox

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
