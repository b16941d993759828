"""Tenants, people, and the codes by which a stranger on a channel becomes one of them.

The first tenant and its owner are made at the first start. A stranger is told a pairing code of
40 bits, good for an hour, for them alone, once; an owner enters it. How a person then signs in is
`bot/credentials.py`. Identity is always a channel's stable id, never a name that somebody chose.
Each change is audited in its own commit.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role, Tenant
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.frozen import frozen
from bot.leaving import leave
from bot.limits import Buckets, Rate
from bot.store import audit, logins
from bot.store import people as rows
from bot.store.people import Identity
from bot.store.script import Database, Script, restartable

PAIRING_LASTS = timedelta(hours=1)
PAIRING_TRIES = Rate(count=5, seconds=3600)
"""Wrong codes that one person may enter."""
CODE_CHARS = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: 32 signs, none mistaken for another; 8 of them are 40 bits."""
_READ_AS = str.maketrans("OIL", "011", " -")


@frozen
class Change:
    """What an owner changes of a person; None leaves it."""

    name: str | None = None
    role: Role | None = None
    email: str | None = None
    zone: str | None = None


class People:
    """Who is who."""

    def __init__(self, db: Database, clock: Clock, key: bytes, changed: Callable[[], None]) -> None:
        """`key` hashes secrets; `changed` is called when what somebody may do has changed."""
        self._db = db
        self._clock = clock
        self._key = key
        self._changed = changed
        self._tries = Buckets(clock)

    async def ensure_first(self) -> tuple[Tenant, Person]:
        """Return the house's own tenant and its owner; make them at the first start."""
        tenant = TenantId(new_id(self._clock, "ten"))
        owner = self._new(tenant, "Owner", Role.OWNER)
        return await self._db.write(_ensure_first("Home", owner, to_us(self._clock.now())))

    async def tenants(self) -> list[Tenant]:
        """Every tenant; the first is the house's own."""
        return await self._db.read(rows.tenants())

    async def is_first(self, id_: TenantId) -> bool:
        """Whether this is the house's own tenant, whose owners answer for the whole of it."""
        tenants = await self.tenants()
        return bool(tenants) and tenants[0].id == id_

    async def check_first(self, id_: TenantId) -> None:
        """Raises Forbidden for another tenant: what concerns the whole house is the first one's."""
        if not await self.is_first(id_):
            raise Forbidden(
                "Only an owner of the first tenant may do this: it concerns all of them."
            )

    async def tenant(self, id_: TenantId) -> Tenant:
        """One tenant. Raises NotFound."""
        found = await self._db.read(rows.tenant_of(id_))
        if not found:
            raise NotFound("There is no such tenant.")
        return found

    async def add_tenant(self, name: str, owner: str, actor: str) -> tuple[Tenant, Person]:
        """Make a tenant and its first owner."""
        tenant = TenantId(new_id(self._clock, "ten"))
        person = self._new(tenant, owner, Role.OWNER)
        at = to_us(self._clock.now())
        return await self._db.write(_add_tenant(name, person, at, actor))

    async def list(self, tenant: TenantId) -> list[Person]:
        """Everyone in a tenant."""
        return await self._db.read(rows.listed(tenant))

    async def get(self, tenant: TenantId, id_: str) -> Person:
        """One person. Raises NotFound."""
        found = await self._db.read(rows.get(tenant, id_))
        if not found:
            raise _nobody()
        return found

    async def find(self, tenant: TenantId, who: Identity) -> Person | None:
        """The person whom a channel knows by this id; None for a stranger."""
        return await self._db.read(rows.find(tenant, who))

    async def identities(self, tenant: TenantId) -> dict[str, Sequence[Identity]]:
        """Person's id → what channels call them."""
        found: dict[str, Sequence[Identity]] = {}
        for person, who in await self._db.read(rows.identities(tenant)):
            found[person] = (*found.get(person, ()), who)
        return found

    async def add(self, tenant: TenantId, name: str, role: Role, email: str, actor: str) -> Person:
        """Add a person."""
        person = replace(self._new(tenant, name, role), email=email)
        await self._db.write(_add(person, to_us(self._clock.now()), actor))
        return person

    async def change(self, tenant: TenantId, id_: str, change: Change, actor: str) -> Person:
        """Change a person. Raises NotFound, Invalid, Conflict (the last owner stays one)."""
        if change.zone is not None:
            _check_zone(change.zone)
        at = to_us(self._clock.now())
        person = await self._db.write(_change(tenant, id_, change, at, actor))
        self._changed()
        return person

    async def remove(self, tenant: TenantId, id_: str, actor: str) -> None:
        """Remove a person; nothing opens for them from that commit on, and nothing of theirs runs.

        Raises as `change`.
        """
        await self._db.write(_remove(tenant, id_, to_us(self._clock.now()), actor))
        self._changed()

    async def pairing_code(self, tenant: TenantId, who: Identity) -> str:
        """A code for a stranger to show to an owner; empty when an earlier one still holds."""
        now = self._clock.now()
        code = _code(self._clock.chance(5))
        opened = await self._db.write(
            rows.open_pairing(
                tenant,
                who,
                hash_of(self._key, "pairing", f"{tenant}:{code}"),
                to_us(now),
                to_us(now + PAIRING_LASTS),
            )
        )
        return code if opened else ""

    async def pair(
        self, tenant: TenantId, code: str, actor: PersonId, *, name: str = "", person: str = ""
    ) -> Person:
        """Admit the stranger who was told this code, as somebody new or as `person`.

        Raises NotFound when the code is unknown, late or used, LimitReached after five of those.
        """
        tries = (tenant, actor)
        if wait := self._tries.wait(tries, PAIRING_TRIES):
            raise LimitReached(
                f"Too many wrong codes. Wait {wait / 60:.0f} minutes and enter it again."
            )
        read = code.upper().translate(_READ_AS)
        hashed = hash_of(self._key, "pairing", f"{tenant}:{read}")
        new = self._new(tenant, name, Role.MEMBER)
        at = to_us(self._clock.now())
        paired = await self._db.write(_pair(hashed, new, person, at, f"person:{actor}"))
        if paired is None:
            self._tries.take(tries, PAIRING_TRIES)
            raise NotFound(
                "This code is not right, or its hour is over. The stranger gets a new one by"
                " writing again."
            )
        return paired

    async def match(self, tenant: TenantId, who: Identity, email: str) -> bool:
        """Know a stranger as the one member with this e-mail address; False when that is nobody.

        Only for an address that the channel vouches for, where an owner trusts it with that. An
        owner is never known so, and whoever is known stays who they are.
        """
        at = to_us(self._clock.now())
        matched = await self._db.write(_match(tenant, who, email, at))
        if matched:
            self._changed()
        return matched

    async def know(self, tenant: TenantId, id_: str, who: Identity, actor: str) -> Person:
        """Know somebody of a platform as this person, as an owner says. Raises NotFound."""
        person = await self._db.write(_know(tenant, id_, who, to_us(self._clock.now()), actor))
        self._changed()
        return person

    def _new(self, tenant: TenantId, name: str, role: Role) -> Person:
        return Person(
            id=PersonId(new_id(self._clock, "per")),
            tenant=tenant,
            name=name,
            role=role,
            created_at=self._clock.now(),
        )


def hash_of(key: bytes, purpose: str, secret: str) -> str:
    """The keyed hash under which a secret is kept, different for each purpose.

    Any text has one: bytes of a header that are no UTF-8 arrive as half pairs.
    """
    text = f"{purpose}|{secret}".encode(errors="surrogatepass")
    return hmac.digest(key, text, hashlib.sha256).hex()


def _code(chance: bytes) -> str:
    number = int.from_bytes(chance, "big")
    return "".join(_ALPHABET[(number >> (5 * i)) & 31] for i in range(CODE_CHARS))


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("This is no time zone. Name one such as Europe/Madrid.") from None


def _nobody() -> NotFound:
    return NotFound("There is no such person here.")


@restartable
def _ensure_first(name: str, owner: Person, at: int) -> Script[tuple[Tenant, Person]]:
    found = yield from rows.tenants()
    if not found:
        return (yield from _add_tenant(name, owner, at, "house"))
    first = yield from rows.first_owner(found[0].id)
    if first is None:  # every owner was taken out by hand: the house needs one
        first = replace(owner, tenant=found[0].id)
        yield from _add(first, at, "house")
    return found[0], first


@restartable
def _add_tenant(name: str, owner: Person, at: int, actor: str) -> Script[tuple[Tenant, Person]]:
    tenant = yield from rows.add_tenant(owner.tenant, name, at)
    yield from audit.note(tenant.id, at, actor, "tenant.added", tenant.id, {"name": name})
    yield from _add(owner, at, actor)
    return tenant, owner


@restartable
def _add(person: Person, at: int, actor: str) -> Script[None]:
    yield from rows.add(person)
    details = {"name": person.name, "role": person.role.value}
    yield from audit.note(person.tenant, at, actor, "person.added", person.id, details)


@restartable
def _change(tenant: TenantId, id_: str, change: Change, at: int, actor: str) -> Script[Person]:
    if change.role is Role.MEMBER:
        yield from _keep_an_owner(tenant, id_)
    person = yield from rows.hold(tenant, id_)
    if person is None:
        raise _nobody()
    new = replace(
        person,
        name=person.name if change.name is None else change.name,
        role=person.role if change.role is None else change.role,
        email=person.email if change.email is None else change.email,
        zone=person.zone if change.zone is None else change.zone,
    )
    changed = yield from rows.change(new)
    if changed is None:
        raise _nobody()
    details = {
        name: str(getattr(new, name))
        for name in ("name", "role", "email", "zone")
        if getattr(new, name) != getattr(person, name)
    }
    if not details:
        return changed
    yield from audit.note(tenant, at, actor, "person.changed", id_, details)
    return changed


@restartable
def _remove(tenant: TenantId, id_: str, at: int, actor: str) -> Script[None]:
    yield from _keep_an_owner(tenant, id_)
    person = yield from rows.get(tenant, id_)
    if person is None:
        raise _nobody()
    yield from rows.remove(tenant, id_, at)
    yield from logins.close_all(tenant, id_, at)
    left = yield from leave(tenant, id_, at)
    yield from audit.note(tenant, at, actor, "person.removed", id_, {"name": person.name, **left})


def _keep_an_owner(tenant: TenantId, leaving: str) -> Script[None]:
    """Owners are held before anybody else, so that two who change them do it one after the other.

    Raises Conflict where nobody else is one.
    """
    owners = yield from rows.hold_owners(tenant)
    if owners == [leaving]:
        raise Conflict("This is the only owner. Make somebody else an owner first.")


@restartable
def _pair(hashed: str, new: Person, known: str, at: int, actor: str) -> Script[Person | None]:
    person: Person | None = None
    if known:
        person = yield from rows.get(new.tenant, known)
        if person is None:
            raise _nobody()
    who = yield from rows.spend_pairing(new.tenant, hashed, at)
    if who is None:
        return None
    if person is None:
        person = replace(new, name=new.name or who.name or who.ext_id)
        yield from _add(person, at, actor)
    yield from rows.know(new.tenant, who, person.id, at)
    details = {"channel": who.channel, "account": who.account, "ext_id": who.ext_id}
    yield from audit.note(new.tenant, at, actor, "person.paired", person.id, details)
    return person


@restartable
def _know(tenant: TenantId, id_: str, who: Identity, at: int, actor: str) -> Script[Person]:
    person = yield from rows.get(tenant, id_)
    if person is None:
        raise _nobody()
    yield from rows.know(tenant, who, person.id, at)
    details = {"channel": who.channel, "account": who.account, "ext_id": who.ext_id}
    yield from audit.note(tenant, at, actor, "person.linked", person.id, details)
    return person


@restartable
def _match(tenant: TenantId, who: Identity, email: str, at: int) -> Script[bool]:
    wanted = email.strip().casefold()
    everyone = yield from rows.listed(tenant)
    fitting = [person for person in everyone if wanted and _address(person) == wanted]
    if len(fitting) != 1 or fitting[0].role is not Role.MEMBER:
        return False
    (person,) = fitting
    for other, known in (yield from rows.identities(tenant)):
        is_here = (known.channel, known.account) == (who.channel, who.account)
        if is_here and (known.ext_id == who.ext_id or other == person.id):
            return False
    yield from rows.know(tenant, who, person.id, at)
    details = {"channel": who.channel, "account": who.account, "ext_id": who.ext_id, "by": wanted}
    yield from audit.note(
        tenant, at, f"channel:{who.channel}", "person.matched", person.id, details
    )
    return True


def _address(person: Person) -> str:
    return person.email.strip().casefold()
