"""Codes that were drawn for questions which are not open yet, though they may be shown by now.

A row holds a code for one turn, or for one question whether something was done, whichever process
drew it; for a day, which is longer than any turn. An open question holds its code itself.
"""

from typing import Final

from sqlalchemy import bindparam, delete, select

from bot.store.script import Ask, Script, Statement
from bot.store.tables import code_drawn
from bot.store.upsert import insert_once

HELD_US: Final = 86_400 * 1_000_000
_HOLD = Statement(lambda: insert_once(code_drawn, "tenant", "code", "holder", "at"))
_HOLDER = Statement(
    lambda: select(code_drawn.c.holder).where(
        code_drawn.c.tenant == bindparam("tenant"), code_drawn.c.code == bindparam("code")
    )
)
_FORGET = Statement(
    lambda: delete(code_drawn).where(
        code_drawn.c.tenant == bindparam("tenant"), code_drawn.c.at < bindparam("before")
    )
)


def hold(tenant: str, code: str, holder: str, at: int) -> Script[bool]:
    """Hold a code; False when it is another's. Forgets the oldest."""
    yield Ask(_FORGET, {"tenant": tenant, "before": at - HELD_US})
    yield Ask(_HOLD, {"tenant": tenant, "code": code, "holder": holder, "at": at})
    return (yield from holder_of(tenant, code)) == holder


def holder_of(tenant: str, code: str) -> Script[str]:
    """For whom a code was drawn; empty: for nobody."""
    rows = yield Ask(_HOLDER, {"tenant": tenant, "code": code})
    return str(rows[0][0]) if rows else ""
