"""What the sandbox performed: effects that would have been sent, had an account been connected."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from bot.core.effect import Effect
from bot.store.effects import COLUMNS, effect_of
from bot.store.script import Ask, Script, Statement
from bot.store.tables import effect

_LISTED = Statement(
    lambda: (
        select(*COLUMNS)
        .where(
            effect.c.tenant == bindparam("tenant"),
            effect.c.kind == "tool",
            effect.c.sandbox == 1,
            effect.c.state == "sent",
        )
        .order_by(effect.c.started_at.desc())
        .limit(bindparam("limit"))
    )
)


def listed(tenant: str, limit: int) -> Script[Sequence[Effect]]:
    """A tenant's sandboxed effects, latest first."""
    rows = yield Ask(_LISTED, {"tenant": tenant, "limit": limit})
    return [effect_of(row) for row in rows]
