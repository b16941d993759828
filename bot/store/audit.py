"""Audit rows, written in the commit of what they tell of, and the chain that seals them.

A row is a fact of one transaction; sealing gives each tenant's rows gapless numbers and a MAC over
the row and the MAC before it, a moment later. Nothing updates or deletes a row: triggers refuse.
"""

from collections.abc import Mapping

from sqlalchemy import bindparam, insert, select

from bot.core.canonical import Json
from bot.frozen import frozen
from bot.store.rows import dumps
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.settled import settled
from bot.store.tables import audit, audit_seal

_NOTE = Statement(
    lambda: (
        insert(audit)
        .values(
            {
                name: bindparam(name)
                for name in ("tenant", "at", "actor", "action", "target", "details", "event")
            }
        )
        .inline()
    )  # or its number comes back, which nobody asks for
)
_COLUMNS = (
    audit.c.seq,
    audit.c.tenant,
    audit.c.at,
    audit.c.actor,
    audit.c.action,
    audit.c.target,
    audit.c.details,
    audit.c.event,
)
_LIST = Statement(
    lambda: (
        select(*_COLUMNS, audit_seal.c.seq, audit_seal.c.mac)
        .outerjoin(
            audit_seal,
            (audit_seal.c.audit == audit.c.seq) & (audit_seal.c.tenant == audit.c.tenant),
        )
        .where(audit.c.tenant == bindparam("tenant"), audit.c.seq > bindparam("after"))
        .order_by(audit.c.seq)
        .limit(bindparam("limit"))
    )
)
_OF_EVENT = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(audit.c.tenant == bindparam("tenant"), audit.c.event == bindparam("event"))
        .order_by(audit.c.seq)
    )
)
_UNSEALED = Statement(
    lambda: (
        select(*_COLUMNS).where(audit.c.seq > bindparam("after")).order_by(audit.c.seq).limit(500)
    )
)
_SETTLED = Statement(lambda: select(settled()))
_LAST_SEALED = Statement(
    lambda: select(audit_seal.c.audit).order_by(audit_seal.c.audit.desc()).limit(1)
)
_HEAD = Statement(
    lambda: (
        select(audit_seal.c.seq, audit_seal.c.mac)
        .where(audit_seal.c.tenant == bindparam("tenant"))
        .order_by(audit_seal.c.seq.desc())
        .limit(1)
    )
)
_SEAL_AT = Statement(
    lambda: select(audit_seal.c.mac).where(
        audit_seal.c.tenant == bindparam("tenant"), audit_seal.c.seq == bindparam("seq")
    )
)
_SEAL = Statement(
    lambda: insert(audit_seal).values(
        {name: bindparam(name) for name in ("tenant", "seq", "audit", "mac")}
    )
)


@frozen
class Entry:
    """One line of the book."""

    seq: int
    tenant: str
    at: int
    actor: str
    action: str
    target: str
    details: str
    event: str

    def canonical(self) -> str:
        """What the MAC covers, besides the MAC before."""
        return dumps(
            [
                self.seq,
                self.tenant,
                self.at,
                self.actor,
                self.action,
                self.target,
                self.details,
                self.event,
            ]
        )


def note(  # noqa: PLR0913 (a line of the book has as many columns)
    tenant: str,
    at: int,
    actor: str,
    action: str,
    target: str,
    details: Mapping[str, Json] | None = None,
    event: str = "",
) -> Script[None]:
    """Write one line, inside the transaction that it tells of."""
    yield Ask(
        _NOTE,
        {
            "tenant": tenant,
            "at": at,
            "actor": actor,
            "action": action,
            "target": target,
            "details": dumps(details) if details else "",
            "event": event,
        },
    )


def entries(
    tenant: str, after: int, limit: int
) -> Script[list[tuple[Entry, int | None, str | None]]]:
    """Lines after a number, each with its seal's number and MAC (None when not sealed yet)."""
    rows = yield Ask(_LIST, {"tenant": tenant, "after": after, "limit": limit})
    return [(_entry(row), row[8], row[9]) for row in rows]


def of_event(tenant: str, event: str) -> Script[list[Entry]]:
    """Every line about one event."""
    rows = yield Ask(_OF_EVENT, {"tenant": tenant, "event": event})
    return [_entry(row) for row in rows]


def unsealed() -> Script[list[Entry]]:
    """The oldest lines without a seal, all tenants, at most 500.

    Where several write, a lower number may be committed later: it waits for those who write now.
    """
    yield Ask(_SETTLED, {})
    last = yield Ask(_LAST_SEALED, {})
    rows = yield Ask(_UNSEALED, {"after": last[0][0] if last else 0})
    return [_entry(row) for row in rows]


def last_sealed() -> Script[int]:
    """The last row that has a seal, whoever's: no row up to it is still to be sealed."""
    rows = yield Ask(_LAST_SEALED, {})
    return rows[0][0] if rows else 0


def seal_at(tenant: str, seq: int) -> Script[str]:
    """The MAC of a tenant's seal; empty when there is none of that number."""
    rows = yield Ask(_SEAL_AT, {"tenant": tenant, "seq": seq})
    return rows[0][0] if rows else ""


def head(tenant: str) -> Script[tuple[int, str]]:
    """The last sealed number and MAC of a tenant; (0, "") before the first."""
    rows = yield Ask(_HEAD, {"tenant": tenant})
    return (rows[0][0], rows[0][1]) if rows else (0, "")


@restartable
def seal(seals: list[tuple[str, int, int, str]]) -> Script[None]:
    """Write seals: tenant, number, audit row, MAC."""
    for tenant, seq, row, mac in seals:
        yield Ask(_SEAL, {"tenant": tenant, "seq": seq, "audit": row, "mac": mac})


def _entry(row: tuple[object, ...]) -> Entry:
    seq, tenant, at, actor, action, target, details, event = row[:8]
    return Entry(
        seq=int(str(seq)),
        tenant=str(tenant),
        at=int(str(at)),
        actor=str(actor),
        action=str(action),
        target=str(target),
        details=str(details),
        event=str(event),
    )
