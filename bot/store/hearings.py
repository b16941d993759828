"""What was said in a voice note: written into its event and its line, marked as from outside."""

from collections.abc import Sequence

from sqlalchemy import bindparam, update

from bot.core.event import Event
from bot.core.model import ModelMessage
from bot.store import conversations, inbox, spends
from bot.store.rows import messages_to_json as raw_text
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import message

_WRITE = Statement(
    lambda: (
        update(message)
        .where(
            message.c.tenant == bindparam("tenant"),
            message.c.conv == bindparam("conv_id"),
            message.c.turn == bindparam("of_turn"),
            message.c.role == "user",
        )
        .values(text=bindparam("words"), raw=bindparam("mark"))
    )
)
_MARK = raw_text((ModelMessage(role="user"),))


@restartable
def hear(
    event: Event, conv_id: str, text: str, costs: Sequence[spends.Cost], at: int
) -> Script[None]:
    """Keep an event with what was heard and what it cost; `text`, if any, is the line from now on,
    and taints the conversation."""
    yield from inbox.reword(event, event.id)
    for cost in costs:
        yield from spends.charge(event.tenant, cost, at)
    if text:
        yield from conversations.soil(event.tenant, conv_id)
        yield Ask(
            _WRITE,
            {
                "tenant": event.tenant,
                "conv_id": conv_id,
                "of_turn": event.id,
                "words": text,
                "mark": _MARK,
            },
        )
