"""Rows of the vault: wrapped data keys, sealed values. What is in them only the vault can read."""

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from bot.frozen import frozen
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables import dek, sealed
from bot.store.upsert import insert_over

_KEY = (
    dek.c.id,
    dek.c.tenant,
    dek.c.kek,
    dek.c.wrapped,
    dek.c.uses,
    dek.c.active,
    dek.c.created_at,
)
_NAMES = tuple(column.name for column in _KEY)
_ACTIVE = Statement(
    lambda: select(*_KEY).where(dek.c.tenant == bindparam("tenant"), dek.c.active == 1).limit(1)
)
_OF_ID = select(*_KEY).where(dek.c.tenant == bindparam("tenant"), dek.c.id == bindparam("id"))
_BY_ID = Statement(lambda: _OF_ID)
_HOLD = Statement(lambda: _OF_ID.with_for_update())
_INSERT = Statement(lambda: insert(dek).values({name: bindparam(name) for name in _NAMES}))
_UPDATE = Statement(
    lambda: (
        update(dek)
        .where(dek.c.tenant == bindparam("tenant"), dek.c.id == bindparam("id"))
        .values(
            kek=bindparam("new_kek"),
            wrapped=bindparam("new_wrapped"),
            uses=bindparam("new_uses"),
            active=bindparam("new_active"),
        )
    )
)
_LIST = Statement(
    lambda: (
        select(*_KEY)
        .where(dek.c.id > bindparam("after"))
        .order_by(dek.c.id)
        .limit(bindparam("limit"))
    )
)
_ANY = Statement(lambda: select(dek.c.id).limit(1))
_DELETE = Statement(lambda: delete(dek).where(dek.c.tenant == bindparam("tenant")))
_VALUE = (sealed.c.provider, sealed.c.owner, sealed.c.field, sealed.c.version, sealed.c.value)
_GET = Statement(
    lambda: select(sealed.c.version, sealed.c.value).where(
        sealed.c.tenant == bindparam("tenant"),
        sealed.c.provider == bindparam("provider"),
        sealed.c.owner == bindparam("owner"),
        sealed.c.field == bindparam("field"),
    )
)
_PUT = Statement(
    lambda: insert_over(
        sealed, "tenant", "provider", "owner", "field", "version", "value", "updated_at"
    )
)
_SWAP = Statement(
    lambda: (
        update(sealed)
        .where(
            sealed.c.tenant == bindparam("tenant"),
            sealed.c.provider == bindparam("provider"),
            sealed.c.owner == bindparam("owner"),
            sealed.c.field == bindparam("field"),
            sealed.c.version == bindparam("was_version"),
            sealed.c.value == bindparam("was"),
        )
        .values(version=bindparam("new_version"), value=bindparam("new_value"))
        .returning(sealed.c.version)
    )
)
_BATCH = Statement(
    lambda: (
        select(*_VALUE)
        .where(
            sealed.c.tenant == bindparam("tenant"),
            or_(
                sealed.c.provider > bindparam("provider"),
                and_(
                    sealed.c.provider == bindparam("provider"),
                    or_(
                        sealed.c.owner > bindparam("owner"),
                        and_(
                            sealed.c.owner == bindparam("owner"),
                            sealed.c.field > bindparam("field"),
                        ),
                    ),
                ),
            ),
        )
        .order_by(sealed.c.provider, sealed.c.owner, sealed.c.field)
        .limit(bindparam("limit"))
    )
)
_FORGET = Statement(
    lambda: delete(sealed).where(
        sealed.c.tenant == bindparam("tenant"),
        sealed.c.provider == bindparam("provider"),
        sealed.c.owner == bindparam("owner"),
    )
)
_OF_PROVIDERS = Statement(
    lambda: (
        select(*_VALUE)
        .where(sealed.c.tenant == bindparam("tenant"), sealed.c.field == bindparam("field"))
        .order_by(sealed.c.provider)
    )
)


@frozen
class KeyRow:
    """One wrapped data key."""

    id: str
    tenant: str
    kek: str
    wrapped: str
    uses: int
    active: int
    created_at: int


@frozen
class ValueRow:
    """One sealed value."""

    provider: str
    owner: str
    field: str
    version: int
    value: str


def active(tenant: str) -> Script[KeyRow | None]:
    """The data key that seals."""
    rows = yield Ask(_ACTIVE, {"tenant": tenant})
    return _key(rows[0]) if rows else None


def are_there() -> Script[bool]:
    """Whether any tenant has a data key, which only its master key opens."""
    return bool((yield Ask(_ANY, {})))


def by_id(tenant: str, id_: str) -> Script[KeyRow | None]:
    """Any data key of a tenant."""
    rows = yield Ask(_BY_ID, {"tenant": tenant, "id": id_})
    return _key(rows[0]) if rows else None


@restartable
def put(new: KeyRow, was: KeyRow | None) -> Script[bool]:
    """Replace the row that still equals `was`; insert when that is None and none is active."""
    if was is None:
        if new.active and (yield from active(new.tenant)):
            return False
        params = {name: getattr(new, name) for name in _NAMES}
        yield Ask(_INSERT, params)
        return True
    rows = yield Ask(_HOLD, {"tenant": was.tenant, "id": was.id})
    if not rows or _key(rows[0]) != was:
        return False
    yield Ask(
        _UPDATE,
        {
            "tenant": was.tenant,
            "id": was.id,
            "new_kek": new.kek,
            "new_wrapped": new.wrapped,
            "new_uses": new.uses,
            "new_active": new.active,
        },
    )
    return True


def listed(after: str, limit: int) -> Script[list[KeyRow]]:
    """Everybody's data keys, in the order of their ids."""
    rows = yield Ask(_LIST, {"after": after, "limit": limit})
    return [_key(row) for row in rows]


@restartable
def delete_all(tenant: str) -> Script[None]:
    """Remove a tenant's data keys: its secrets can never be read again."""
    yield Ask(_DELETE, {"tenant": tenant})


def value(tenant: str, provider: str, owner: str, field: str) -> Script[tuple[int, str] | None]:
    """A sealed value and its version."""
    params = {"tenant": tenant, "provider": provider, "owner": owner, "field": field}
    rows = yield Ask(_GET, params)
    return (rows[0][0], rows[0][1]) if rows else None


@restartable
def write(tenant: str, row: ValueRow, at: int) -> Script[None]:
    """Write a sealed value over the one before."""
    yield Ask(
        _PUT,
        {
            "tenant": tenant,
            "provider": row.provider,
            "owner": row.owner,
            "field": row.field,
            "version": row.version,
            "value": row.value,
            "updated_at": at,
        },
    )


def forget(tenant: str, provider: str, owner: str) -> Script[None]:
    """Delete all that is sealed for one owner who never comes back under this name."""
    yield Ask(_FORGET, {"tenant": tenant, "provider": provider, "owner": owner})


@restartable
def swap(tenant: str, row: ValueRow, was_version: int, was: str) -> Script[bool]:
    """Write a value if the old one is still there."""
    rows = yield Ask(
        _SWAP,
        {
            "tenant": tenant,
            "provider": row.provider,
            "owner": row.owner,
            "field": row.field,
            "was_version": was_version,
            "was": was,
            "new_version": row.version,
            "new_value": row.value,
        },
    )
    return bool(rows)


def batch(tenant: str, after: tuple[str, str, str], limit: int) -> Script[list[ValueRow]]:
    """A tenant's values behind (provider, owner, field)."""
    provider, owner, field = after
    rows = yield Ask(
        _BATCH,
        {"tenant": tenant, "provider": provider, "owner": owner, "field": field, "limit": limit},
    )
    return [_value(row) for row in rows]


def of_field(tenant: str, field: str) -> Script[list[ValueRow]]:
    """All values of one field, such as every model provider's key."""
    rows = yield Ask(_OF_PROVIDERS, {"tenant": tenant, "field": field})
    return [_value(row) for row in rows]


def _key(row: Row) -> KeyRow:
    return KeyRow(**dict(zip(_NAMES, row, strict=True)))


def _value(row: Row) -> ValueRow:
    return ValueRow(provider=row[0], owner=row[1], field=row[2], version=row[3], value=row[4])
