"""Tenants, people, what channels call them, and the codes that let a stranger in.

Nothing here decides who may do what: that is read by who calls. A removed person's row stays, so
that old lines and audit entries keep their name; everything that opens a door for them is deleted
in the same transaction (see `bot/store/logins.py` for doors). Every lookup names its tenant.
"""

from sqlalchemy import bindparam, delete, insert, select, update

from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role, Tenant
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store.script import Ask, Row, Script, Statement, Value, restartable
from bot.store.tables_people import identity, pairing, person, tenant

PERSON = (
    person.c.id,
    person.c.tenant,
    person.c.name,
    person.c.role,
    person.c.email,
    person.c.zone,
    person.c.created_at,
)
_MINE = (person.c.tenant == bindparam("tenant"), person.c.removed_at.is_(None))
_TENANTS = Statement(
    lambda: select(tenant.c.id, tenant.c.name, tenant.c.created_at).order_by(
        tenant.c.created_at, tenant.c.id
    )
)
_TENANT = Statement(
    lambda: select(tenant.c.id, tenant.c.name, tenant.c.created_at).where(
        tenant.c.id == bindparam("id")
    )
)
_ADD_TENANT = Statement(
    lambda: insert(tenant).values({name: bindparam(name) for name in ("id", "name", "created_at")})
)
_ADD = Statement(
    lambda: insert(person).values(
        {
            name: bindparam(name)
            for name in ("tenant", "id", "name", "role", "email", "zone", "created_at")
        }
    )
)
_GET = Statement(lambda: select(*PERSON).where(*_MINE, person.c.id == bindparam("id")))
_HOLD = Statement(
    lambda: select(*PERSON).where(*_MINE, person.c.id == bindparam("id")).with_for_update()
)
_LIST = Statement(lambda: select(*PERSON).where(*_MINE).order_by(person.c.created_at, person.c.id))
_NAMES = Statement(
    lambda: select(person.c.id, person.c.name).where(person.c.tenant == bindparam("tenant"))
)
_CHANGE = Statement(
    lambda: (
        update(person)
        .where(*_MINE, person.c.id == bindparam("id"))
        .values(
            name=bindparam("new_name"),
            role=bindparam("new_role"),
            email=bindparam("new_email"),
            zone=bindparam("new_zone"),
        )
        .returning(*PERSON)
    )
)
_OWNERS = Statement(
    lambda: (
        select(person.c.id)
        .where(*_MINE, person.c.role == "owner")
        .order_by(person.c.created_at, person.c.id)
    )
)
_HOLD_OWNERS = Statement(
    lambda: (
        select(person.c.id)
        .where(*_MINE, person.c.role == "owner")
        .order_by(person.c.id)
        .with_for_update()
    )
)
_FIRST_OWNER = Statement(
    lambda: (
        select(*PERSON)
        .where(*_MINE, person.c.role == "owner")
        .order_by(person.c.created_at, person.c.id)
        .limit(1)
    )
)
_REMOVE = Statement(
    lambda: (
        update(person)
        .where(*_MINE, person.c.id == bindparam("id"))
        .values(removed_at=bindparam("at"))
        .returning(person.c.id)
    )
)
_FORGET_IDENTITIES = Statement(
    lambda: delete(identity).where(
        identity.c.tenant == bindparam("tenant"), identity.c.person == bindparam("id")
    )
)
_WHO = (
    identity.c.tenant == bindparam("tenant"),
    identity.c.channel == bindparam("channel"),
    identity.c.account == bindparam("account"),
    identity.c.ext_id == bindparam("ext_id"),
)
_FIND = Statement(
    lambda: (
        select(*PERSON)
        .join(identity, (identity.c.tenant == person.c.tenant) & (identity.c.person == person.c.id))
        .where(*_WHO, person.c.removed_at.is_(None))
    )
)
_FIND_BESIDE = Statement(
    lambda: (
        select(identity.c.account, *PERSON)
        .join(identity, (identity.c.tenant == person.c.tenant) & (identity.c.person == person.c.id))
        .where(_WHO[0], _WHO[1], _WHO[3], person.c.removed_at.is_(None))
    )
)
_FORGET_IDENTITY = Statement(lambda: delete(identity).where(*_WHO))
_KNOW = Statement(
    lambda: insert(identity).values(
        {
            name: bindparam(name)
            for name in ("tenant", "channel", "account", "ext_id", "person", "name", "created_at")
        }
    )
)
_IDENTITIES = Statement(
    lambda: (
        select(
            identity.c.person,
            identity.c.channel,
            identity.c.account,
            identity.c.ext_id,
            identity.c.name,
        )
        .where(identity.c.tenant == bindparam("tenant"))
        .order_by(identity.c.created_at)
    )
)
_OPEN_PAIRING = Statement(
    lambda: select(pairing.c.code_hash).where(
        pairing.c.tenant == bindparam("tenant"),
        pairing.c.channel == bindparam("channel"),
        pairing.c.account == bindparam("account"),
        pairing.c.ext_id == bindparam("ext_id"),
        pairing.c.state == "open",
        pairing.c.expires_at > bindparam("now"),
    )
)
_ADD_PAIRING = Statement(
    lambda: insert(pairing).values(
        {
            name: bindparam(name)
            for name in (
                "tenant",
                "code_hash",
                "channel",
                "account",
                "ext_id",
                "name",
                "expires_at",
            )
        }
    )
)
_SPEND_PAIRING = Statement(
    lambda: (
        update(pairing)
        .where(
            pairing.c.tenant == bindparam("tenant"),
            pairing.c.code_hash == bindparam("code_hash"),
            pairing.c.state == "open",
            pairing.c.expires_at > bindparam("now"),
        )
        .values(state="used")
        .returning(pairing.c.channel, pairing.c.account, pairing.c.ext_id, pairing.c.name)
    )
)
_SWEEP_PAIRINGS = Statement(
    lambda: delete(pairing).where(pairing.c.expires_at < bindparam("before"))
)


@frozen
class Identity:
    """One person on one channel, as the channel knows them."""

    channel: str
    account: str
    ext_id: str
    name: str = ""


def person_of(row: Row) -> Person:
    """The person of the columns `PERSON`."""
    return Person(
        id=PersonId(row[0]),
        tenant=TenantId(row[1]),
        name=row[2],
        role=Role(row[3]),
        email=row[4],
        zone=row[5],
        created_at=from_us(row[6]),
    )


def tenants() -> Script[list[Tenant]]:
    """Every tenant, oldest first: the first is the house's own."""
    rows = yield Ask(_TENANTS, {})
    return [_tenant(row) for row in rows]


def tenant_of(id_: str) -> Script[Tenant | None]:
    """One tenant."""
    rows = yield Ask(_TENANT, {"id": id_})
    return _tenant(rows[0]) if rows else None


def add_tenant(id_: str, name: str, at: int) -> Script[Tenant]:
    """Write a new tenant."""
    yield Ask(_ADD_TENANT, {"id": id_, "name": name, "created_at": at})
    return Tenant(id=TenantId(id_), name=name, created_at=from_us(at))


def add(item: Person) -> Script[None]:
    """Write a new person."""
    yield Ask(
        _ADD,
        {
            "tenant": item.tenant,
            "id": item.id,
            "created_at": to_us(item.created_at),
            **_changeable(item),
        },
    )


def get(tenant_id: str, id_: str) -> Script[Person | None]:
    """One person who was not removed."""
    rows = yield Ask(_GET, {"tenant": tenant_id, "id": id_})
    return person_of(rows[0]) if rows else None


def hold(tenant_id: str, id_: str) -> Script[Person | None]:
    """One person, whom nobody else changes before this script has ended."""
    rows = yield Ask(_HOLD, {"tenant": tenant_id, "id": id_})
    return person_of(rows[0]) if rows else None


def listed(tenant_id: str) -> Script[list[Person]]:
    """Everyone who was not removed, oldest first."""
    rows = yield Ask(_LIST, {"tenant": tenant_id})
    return [person_of(row) for row in rows]


def names(tenant_id: str) -> Script[dict[str, str]]:
    """Id → name of everyone, those who were removed as well."""
    rows = yield Ask(_NAMES, {"tenant": tenant_id})
    return {row[0]: row[1] for row in rows}


def change(item: Person) -> Script[Person | None]:
    """Give a person the name, role, mail and zone of `item`; None when there is none such."""
    values = {f"new_{name}": value for name, value in _changeable(item).items()}
    rows = yield Ask(_CHANGE, {"tenant": item.tenant, "id": item.id, **values})
    return person_of(rows[0]) if rows else None


def owners(tenant_id: str) -> Script[list[str]]:
    """The ids of the owners."""
    rows = yield Ask(_OWNERS, {"tenant": tenant_id})
    return [row[0] for row in rows]


def hold_owners(tenant_id: str) -> Script[list[str]]:
    """The ids of the owners, of whom nobody else makes fewer before this script has ended."""
    rows = yield Ask(_HOLD_OWNERS, {"tenant": tenant_id})
    return [row[0] for row in rows]


def first_owner(tenant_id: str) -> Script[Person | None]:
    """The owner who has been here longest."""
    rows = yield Ask(_FIRST_OWNER, {"tenant": tenant_id})
    return person_of(rows[0]) if rows else None


def remove(tenant_id: str, id_: str, at: int) -> Script[bool]:
    """Mark a person as gone and forget what channels call them; False when not here."""
    rows = yield Ask(_REMOVE, {"tenant": tenant_id, "id": id_, "at": at})
    yield Ask(_FORGET_IDENTITIES, {"tenant": tenant_id, "id": id_})
    return bool(rows)


def find(tenant_id: str, who: Identity) -> Script[Person | None]:
    """The person whom a channel knows by this stable id.

    Several apps may be in one workspace, where an id is one person's whichever app tells it: whom
    another of them knows is known, unless they know different ones.
    """
    rows = yield Ask(_FIND, _who(tenant_id, who))
    if rows:
        return person_of(rows[0])
    keys = {"tenant": tenant_id, "channel": who.channel, "ext_id": who.ext_id}
    rows = yield Ask(_FIND_BESIDE, keys)
    there = workspace_of(who.account)
    found = {row[1]: row[1:] for row in rows if workspace_of(row[0]) == there}
    return person_of(next(iter(found.values()))) if len(found) == 1 else None


def workspace_of(account: str) -> str:
    """The workspace of an account: `app:APP/WORKSPACE` of an installed app, else itself."""
    return account.rpartition("/")[2] if account.startswith("app:") else account


def know(tenant_id: str, who: Identity, person_id: str, at: int) -> Script[None]:
    """Tie a channel's stable id to a person, in place of whomever it meant before."""
    yield Ask(_FORGET_IDENTITY, _who(tenant_id, who))
    values: dict[str, Value] = {"person": person_id, "name": who.name, "created_at": at}
    yield Ask(_KNOW, {**_who(tenant_id, who), **values})


def identities(tenant_id: str) -> Script[list[tuple[str, Identity]]]:
    """Every person's id with one of their identities."""
    rows = yield Ask(_IDENTITIES, {"tenant": tenant_id})
    return [
        (row[0], Identity(channel=row[1], account=row[2], ext_id=row[3], name=row[4]))
        for row in rows
    ]


@restartable
def open_pairing(
    tenant_id: str, who: Identity, code_hash: str, now: int, expires: int
) -> Script[bool]:
    """Keep a code for a stranger; False when an earlier one of theirs is still open."""
    rows = yield Ask(_OPEN_PAIRING, {**_who(tenant_id, who), "now": now})
    if rows:
        return False
    yield Ask(_SWEEP_PAIRINGS, {"before": now})
    values: dict[str, Value] = {
        "code_hash": code_hash,
        "name": who.name,
        "expires_at": expires,
    }
    yield Ask(_ADD_PAIRING, {**_who(tenant_id, who), **values})
    return True


def spend_pairing(tenant_id: str, code_hash: str, now: int) -> Script[Identity | None]:
    """Use a code, once; None when it is unknown, late or used."""
    rows = yield Ask(_SPEND_PAIRING, {"tenant": tenant_id, "code_hash": code_hash, "now": now})
    if not rows:
        return None
    channel, account, ext_id, name = rows[0]
    return Identity(channel=channel, account=account, ext_id=ext_id, name=name)


def _tenant(row: Row) -> Tenant:
    return Tenant(id=TenantId(row[0]), name=row[1], created_at=from_us(row[2]))


def _changeable(item: Person) -> dict[str, str]:
    return {"name": item.name, "role": item.role.value, "email": item.email, "zone": item.zone}


def _who(tenant_id: str, who: Identity) -> dict[str, str]:
    return {
        "tenant": tenant_id,
        "channel": who.channel,
        "account": who.account,
        "ext_id": who.ext_id,
    }
