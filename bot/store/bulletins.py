"""Where each kind of message goes that agents post unasked: one place of a platform for each kind.

A row of `saved_chat` like a person's own chat, under the kind's name where that has a person: no
person's id begins so. What changes stands in the audit, in the same commit.
"""

from sqlalchemy import bindparam, delete, select

from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables_house import saved_chat
from bot.store.upsert import insert_over

_MARK = "kind:"
_KEYS = ("tenant", "person", "channel")
_PUT = Statement(
    lambda: insert_over(saved_chat, *_KEYS, "account", "place", "thread", "name", "at")
)
_LIST = Statement(
    lambda: (
        select(saved_chat.c.person, saved_chat.c.channel, saved_chat.c.place, saved_chat.c.name)
        .where(
            saved_chat.c.tenant == bindparam("tenant"),
            saved_chat.c.person.like(f"{_MARK}%"),
        )
        .order_by(saved_chat.c.channel, saved_chat.c.person)
    )
)
_REMOVE = Statement(
    lambda: (
        delete(saved_chat)
        .where(*(saved_chat.c[name] == bindparam(name) for name in _KEYS))
        .returning(saved_chat.c.person)
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
    keys = {"tenant": tenant, "person": f"{_MARK}{item.kind}", "channel": item.channel}
    where = {"account": "", "place": item.place, "thread": "", "name": item.name}
    yield Ask(_PUT, {**keys, **where, "at": at})
    told = {"channel": item.channel, "place": item.place, "name": item.name}
    yield from audit.note(tenant, at, actor, "bulletin.changed", item.kind, told)


@restartable
def remove(tenant: str, channel: str, kind: str, at: int, actor: str) -> Script[bool]:
    """Delete one; False when there is none."""
    keys = {"tenant": tenant, "person": f"{_MARK}{kind}", "channel": channel}
    if not (yield Ask(_REMOVE, {**keys})):
        return False
    yield from audit.note(tenant, at, actor, "bulletin.removed", kind, {"channel": channel})
    return True


def _bulletin(row: Row) -> Bulletin:
    person, channel, place, name = row
    return Bulletin(kind=person.removeprefix(_MARK), channel=channel, place=place, name=name)
