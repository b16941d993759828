"""What became of requests to delete somebody's data, by a code that only they were told.

A row is nobody's: it names no account and no tenant, so that it may be kept and shown.
"""

from sqlalchemy import bindparam, select, update

from bot.core.times import from_us
from bot.frozen import frozen
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_connections import oauth_deletion
from bot.store.upsert import insert_over

_NAMES = ("code", "provider", "state", "removed", "asked_at", "done_at")
_BEGIN = Statement(lambda: insert_over(oauth_deletion, *_NAMES))
_DONE = Statement(
    lambda: (
        update(oauth_deletion)
        .where(oauth_deletion.c.code == bindparam("code_hash"))
        .values(state="done", removed=bindparam("count"), done_at=bindparam("at"))
    )
)
_OF = Statement(
    lambda: select(*(oauth_deletion.c[name] for name in _NAMES)).where(
        oauth_deletion.c.code == bindparam("code_hash")
    )
)


@frozen
class Deletion:
    """One request and what came of it."""

    provider: str
    state: str
    """under way, or done."""
    removed: int
    asked: str
    done: str


@restartable
def begin(code: str, provider: str, at: int) -> Script[None]:
    """Write down that it was asked for."""
    yield Ask(
        _BEGIN,
        {
            "code": code,
            "provider": provider,
            "state": "under way",
            "removed": 0,
            "asked_at": at,
            "done_at": 0,
        },
    )


@restartable
def done(code: str, count: int, at: int) -> Script[None]:
    """Write down that it is done, and how many connections it ended."""
    yield Ask(_DONE, {"code_hash": code, "count": count, "at": at})


def of(code: str) -> Script[Deletion | None]:
    """What became of one."""
    rows = yield Ask(_OF, {"code_hash": code})
    if not rows:
        return None
    _, provider, state, removed, asked, finished = rows[0]
    return Deletion(
        provider=provider,
        state=state,
        removed=removed,
        asked=f"{from_us(asked):%Y-%m-%d %H:%M} UTC",
        done=f"{from_us(finished):%Y-%m-%d %H:%M} UTC" if finished else "",
    )
