"""Wrong codes: who guessed, on which channel, and when. A repeat of an event is one guess."""

from sqlalchemy import bindparam, delete, func, select

from bot.core.event import Event
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_sms import code_miss
from bot.store.upsert import insert_once

_ADD = Statement(
    lambda: insert_once(code_miss, "tenant", "channel", "account", "sender", "event", "at")
)
_SINCE = Statement(
    lambda: select(func.count()).where(
        *(code_miss.c[name] == bindparam(name) for name in ("tenant", "channel", "account")),
        code_miss.c.sender == bindparam("sender"),
        code_miss.c.at >= bindparam("since"),
    )
)
_FORGET = Statement(
    lambda: delete(code_miss).where(
        code_miss.c.tenant == bindparam("tenant"), code_miss.c.at < bindparam("before")
    )
)
KEPT_US = 400 * 86_400 * 1_000_000
"""No question stays open for so long."""


def _who(event: Event) -> dict[str, str | int | bytes | None]:
    return {
        "tenant": event.tenant,
        "channel": event.channel,
        "account": event.account,
        "sender": event.sender.ext_id,
    }


@restartable
def add(event: Event, at: int) -> Script[None]:
    """Write down a wrong code, once for each event, and forget the oldest."""
    yield Ask(_ADD, {**_who(event), "event": event.ext_id, "at": at})
    yield Ask(_FORGET, {"tenant": event.tenant, "before": at - KEPT_US})


def since(event: Event, at: int) -> Script[int]:
    """How many wrong codes this sender wrote since then."""
    rows = yield Ask(_SINCE, {**_who(event), "since": at})
    return int(rows[0][0])
