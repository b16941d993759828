"""Where each kind of message goes that agents post unasked: one place of a platform for each kind.

What changes stands in the audit, in the same commit.
"""

from sqlalchemy import bindparam, delete, select

from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables_platforms import bulletin
from bot.store.upsert import insert_over

_KEYS = ("tenant", "channel", "kind")
_PUT = Statement(lambda: insert_over(bulletin, *_KEYS, "place", "name", "at"))
_LIST = Statement(
    lambda: (
        select(bulletin.c.channel, bulletin.c.kind, bulletin.c.place, bulletin.c.name)
        .where(bulletin.c.tenant == bindparam("tenant"))
        .order_by(bulletin.c.channel, bulletin.c.kind)
    )
)
_REMOVE = Statement(
    lambda: (
        delete(bulletin)
        .where(*(bulletin.c[name] == bindparam(name) for name in _KEYS))
        .returning(bulletin.c.kind)
    )
)


@frozen
class Bulletin:
    """One kind of message, and where it goes."""

    kind: str
    channel: str
    """The platform, such as `slack`."""
    place: str
    """The platform's id of the place; what stands in the settings may be its name."""
    name: str = ""
    """What people call the place."""
    is_set: bool = False
    """Whether it stands in the settings, where alone it is changed."""


def listed(tenant: str) -> Script[list[Bulletin]]:
    """A tenant's, by platform and kind."""
    return [_bulletin(row) for row in (yield Ask(_LIST, {"tenant": tenant}))]


@restartable
def put(tenant: str, item: Bulletin, at: int, actor: str) -> Script[None]:
    """Write one, over the one before of this kind and platform."""
    keys = {"tenant": tenant, "channel": item.channel, "kind": item.kind}
    yield Ask(_PUT, {**keys, "place": item.place, "name": item.name, "at": at})
    told = {"channel": item.channel, "place": item.place, "name": item.name}
    yield from audit.note(tenant, at, actor, "bulletin.changed", item.kind, told)


@restartable
def remove(tenant: str, channel: str, kind: str, at: int, actor: str) -> Script[bool]:
    """Delete one; False when there is none."""
    if not (yield Ask(_REMOVE, {"tenant": tenant, "channel": channel, "kind": kind})):
        return False
    yield from audit.note(tenant, at, actor, "bulletin.removed", kind, {"channel": channel})
    return True


def _bulletin(row: Row) -> Bulletin:
    channel, kind, place, name = row
    return Bulletin(kind=kind, channel=channel, place=place, name=name)
