"""Bindings: the rules that say who answers. Matching them is the router's; here they are rows."""

from sqlalchemy import bindparam, delete, insert, select

from bot.core.ids import AgentName
from bot.core.route import Binding
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables import binding

_PARTS = ("agent", "channel", "workspace", "place", "thread", "person", "address")
_COLUMNS = (binding.c.id, *(binding.c[name] for name in _PARTS))
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(binding.c.tenant == bindparam("tenant"))
        .order_by(binding.c.created_at, binding.c.id)
    )
)
_SAME = Statement(
    lambda: select(binding.c.id).where(
        binding.c.tenant == bindparam("tenant"),
        *(binding.c[name] == bindparam(name) for name in _PARTS),
    )
)
_ADD = Statement(
    lambda: insert(binding).values(
        {name: bindparam(name) for name in ("tenant", "id", "created_at", *_PARTS)}
    )
)
_REMOVE = Statement(
    lambda: (
        delete(binding)
        .where(binding.c.tenant == bindparam("tenant"), binding.c.id == bindparam("id"))
        .returning(*_COLUMNS)
    )
)


def listed(tenant: str) -> Script[list[Binding]]:
    """A tenant's rules, oldest first."""
    rows = yield Ask(_LIST, {"tenant": tenant})
    return [_binding(row) for row in rows]


@restartable
def add(tenant: str, item: Binding, at: int) -> Script[bool]:
    """Write a rule; False when the very same one is there."""
    parts = {name: getattr(item, name) for name in _PARTS}
    rows = yield Ask(_SAME, {"tenant": tenant, **parts})
    if rows:
        return False
    yield Ask(_ADD, {"tenant": tenant, "id": item.id, "created_at": at, **parts})
    return True


def remove(tenant: str, id_: str) -> Script[Binding | None]:
    """Delete a rule and return it; None when there is none such."""
    rows = yield Ask(_REMOVE, {"tenant": tenant, "id": id_})
    return _binding(rows[0]) if rows else None


def _binding(row: Row) -> Binding:
    id_, agent, *parts = row
    return Binding(id=id_, agent=AgentName(agent), **dict(zip(_PARTS[1:], parts, strict=True)))
