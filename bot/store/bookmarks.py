"""How far a channel has read at its platform: one row for each list that it follows there."""

from sqlalchemy import bindparam, select

from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_platforms import bookmark
from bot.store.upsert import insert_over

_PUT = Statement(lambda: insert_over(bookmark, "tenant", "channel", "name", "value", "at"))
_GET = Statement(
    lambda: select(bookmark.c.value, bookmark.c.at).where(
        bookmark.c.tenant == bindparam("tenant"),
        bookmark.c.channel == bindparam("channel"),
        bookmark.c.name == bindparam("name"),
    )
)


@restartable
def put(tenant: str, channel: str, name: str, value: str, at: int) -> Script[None]:
    """Write one over what stood there."""
    keys = {"tenant": tenant, "channel": channel, "name": name}
    yield Ask(_PUT, {**keys, "value": value, "at": at})


def get(tenant: str, channel: str, name: str) -> Script[tuple[str, int] | None]:
    """One, and when it was written; None where there is none."""
    rows = yield Ask(_GET, {"tenant": tenant, "channel": channel, "name": name})
    return (str(rows[0][0]), int(rows[0][1])) if rows else None
