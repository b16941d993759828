"""What moved, or may have moved, money on a person's behalf: the ground of the limits."""

from collections.abc import Mapping

from sqlalchemy import bindparam, func, select

from bot.core.canonical import Json
from bot.store.rows import loads
from bot.store.script import Ask, Script, Statement, one_of
from bot.store.tables import effect

COUNTED = (
    *("stripe_invoice", "stripe_refund", "stripe_payment_link", "stripe_checkout"),
    *("stripe_subscription_start", "stripe_subscription_change"),
)
"""The tools whose sums count. What is under way counts, and what nobody knows the end of."""
_SINCE = Statement(
    lambda: select(effect.c.id, effect.c.arguments).where(
        effect.c.tenant == bindparam("tenant"),
        func.coalesce(effect.c.person, "") == bindparam("person"),
        effect.c.started_at >= bindparam("since"),
        one_of(effect.c.state, "sending", "sent", "in_doubt"),
        one_of(effect.c.tool, *COUNTED),
        effect.c.sandbox == 0,
    )
)


def since(tenant: str, person: str, at: int) -> Script[list[tuple[str, Mapping[str, Json]]]]:
    """Effect and arguments of each since a time; an empty person: those of nobody, as a clock's."""
    rows = yield Ask(_SINCE, {"tenant": tenant, "person": person, "since": at})
    return [(str(row[0]), loads(str(row[1]))) for row in rows]
