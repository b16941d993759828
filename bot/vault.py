"""Secrets at rest: sealed for one place, opened only there.

Two floors of keys. A master key (KEK) comes from the settings or from a file in the home folder
and wraps the data keys (DEK), one per tenant at a time, which seal the values with AES-256-GCM.
Whom and what a value belongs to is bound into it, so a text moved to another row, field, tenant
or version does not open. Two more keys, wrapped alike, serve look-ups by value and the audit log.

It does no database I/O: rows go through the ports `Keys` and `Values`, which the store fills in.
Every reason why a value does not open gives the same error. Lengths are not hidden.
Limits: NIST SP 800-38D, section 8.3 (2^32 encryptions under one key with random nonces).
"""

import base64
import binascii
import hmac
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.core.errors import Conflict, OperatorError, SettingsError
from bot.core.ids import TenantId
from bot.core.ports import Clock, new_id
from bot.core.secret import Secret
from bot.frozen import frozen
from bot.keyring import KEY_BYTES, Kek, Ring

log = logging.getLogger(__name__)

MAX_USES = 2**30
MAX_AGE = timedelta(days=90)
"""A data key older, or used more often, gives way to a new one at the next sealing."""
BLOCK = 1024
"""Uses are counted ahead in blocks, so that few sealings write a row; a crash loses the rest."""
TRUSTED_S = 60.0
"""How long this process uses a data key without asking again whether it is still the active one."""
PAGE = 500
LOOKUP, AUDIT = TenantId("house:lookup"), TenantId("house:audit")
"""Stand where a tenant stands, in the rows of the house's own two keys."""
_VERSION = "v1"
_NONCE_BYTES = 12
_TRIES = 20


class SecretUnreadable(OperatorError):
    """A stored secret cannot be opened. Connect the service again."""


class KeyDamaged(SettingsError):
    """A data key is damaged, and its master key is the right one. Restore it from a backup."""


@frozen
class Slot:
    """The one place where a sealed value belongs."""

    tenant: TenantId
    provider: str
    owner: str
    field: str
    row_id: str
    row_version: int
    """Grows with every rewriting, so that an old text put back does not open."""


@frozen
class Dek:
    """One data key, wrapped, as its row keeps it."""

    id: str
    tenant: TenantId
    kek: str
    """The id of the master key that wraps it."""
    wrapped: str = field(repr=False)
    uses: int = 0
    active: bool = True
    """The one that seals; the others only open."""
    created_at: datetime


class Keys(Protocol):
    """The rows of data keys, kept by the store."""

    async def get(self, tenant: TenantId) -> Dek | None:
        """The active one of a tenant."""
        ...

    async def by_id(self, tenant: TenantId, id: str) -> Dek | None:
        """Any of a tenant's."""
        ...

    async def put(self, dek: Dek, was: Dek | None) -> bool:
        """Replace the row that still equals `was`, or insert where that is None.

        False, and nothing written, when the row has changed, or when an active one would be
        inserted beside another of the same tenant.
        """
        ...

    async def list(self, after: str, limit: int) -> Sequence[Dek]:
        """All tenants' rows with ids greater than `after`, in the order of their ids."""
        ...

    async def delete(self, tenant: TenantId) -> None:
        """Remove all of a tenant's."""
        ...


class Values(Protocol):
    """The rows of sealed values, kept by the store."""

    async def batch(
        self, tenant: TenantId, after: Slot | None, limit: int
    ) -> Sequence[tuple[Slot, str]]:
        """A tenant's values behind `after`, in an order that rewriting does not change."""
        ...

    async def swap(self, slot: Slot, was: str, new: Slot, sealed: str) -> bool:
        """Write the new version and text if the row still holds the old ones."""
        ...


@frozen
class Resealed:
    """What one pass over a tenant's values did."""

    done: int
    unreadable: tuple[Slot, ...]


@dataclass(slots=True)
class _Held:
    """A tenant's active key in the hands of this process."""

    dek: str
    left: int
    until: float


class Vault:
    """Seals and opens. `start` comes first."""

    def __init__(self, ring: Ring, keys: Keys, clock: Clock) -> None:
        self._ring = ring
        self._keys = keys
        self._clock = clock
        self._open_keys: dict[tuple[TenantId, str], AESGCM] = {}
        self._held: dict[TenantId, _Held] = {}
        self._derived: dict[tuple[TenantId, str], bytes] = {}
        self._roots: dict[TenantId, bytes] = {}
        self._proven: set[str] = set()
        """Master keys that opened, or wrapped, a data key here: they are the right ones."""

    async def start(self) -> None:
        """Refuse to serve with a wrong master key; make the house's own keys the first time.

        Raises SettingsError, which names the key that is missing. One damaged row is not taken
        for a wrong key: a master key that opens any of its rows is the right one.
        """
        wrong = dict[str, SettingsError]()
        async for dek in self._all():
            if dek.kek not in self._proven:
                try:
                    self._unwrap(dek)
                except SettingsError as error:
                    wrong[dek.kek] = error
        for kek in wrong.keys() - self._proven:
            raise wrong[kek]
        for name in (LOOKUP, AUDIT):
            self._roots[name] = await self._root(name)

    async def seal(self, slot: Slot, secret: Secret) -> str:
        """Return the stored form, `v1.dek.nonce.ciphertext`, that only `slot` opens."""
        dek = await self._active(slot.tenant)
        nonce = self._clock.chance(_NONCE_BYTES)
        key = self._open_keys[slot.tenant, dek]
        body = key.encrypt(nonce, secret.reveal().encode(), _bound(slot, dek))
        return f"{_VERSION}.{dek}.{_text(nonce)}.{_text(body)}"

    async def open(self, slot: Slot, sealed: str) -> Secret:
        """Return the secret. Raises SecretUnreadable, whatever is wrong with it."""
        try:
            version, dek, nonce, body = sealed.split(".")
            if version != _VERSION:
                raise ValueError(version)
            key = await self._key(slot.tenant, dek)
            return Secret(key.decrypt(_bytes(nonce), _bytes(body), _bound(slot, dek)).decode())
        except (ValueError, LookupError, InvalidTag, SettingsError):
            ids = {"tenant": slot.tenant, "provider": slot.provider, "field": slot.field}
            raise SecretUnreadable(**ids) from None

    def lookup(self, purpose: str, text: str) -> str:
        """A keyed hash, to find a token or a code by its value. Equal for equal texts."""
        return hmac.digest(self._derive(LOOKUP, purpose), text.encode(), "sha256").hex()

    def audit_key(self, tenant: TenantId) -> bytes:
        """The key that chains a tenant's audit log."""
        return self._derive(AUDIT, tenant)

    async def adopt(self, ring: Ring) -> int:
        """Use a ring with a new first key from now on and wrap every data key with it."""
        self._ring = ring
        return await self.rewrap()

    async def rewrap(self) -> int:
        """Wrap every data key with the first master key; return how many were not. Values stay.

        May stop anywhere and run again; the old master key is free when `kek_counts` lacks it.
        """
        done = 0
        async for dek in self._all():
            if dek.kek != self._ring.primary.id:
                try:
                    done += await self._keys.put(self._wrap(dek, self._unwrap(dek)), dek)
                except KeyDamaged as error:  # it stays as it is, for a backup to mend
                    log.error(error.message)
        return done

    async def kek_counts(self) -> dict[str, int]:
        """How many data keys each master key still wraps."""
        return dict(Counter([dek.kek async for dek in self._all()]))

    async def rotate(self, tenant: TenantId) -> None:
        """Give a tenant a new data key; `reseal` then moves its values over."""
        for _ in range(_TRIES):
            dek = await self._keys.get(tenant)
            if dek is None or await self._keys.put(replace(dek, active=False), dek):
                break
        self._held.pop(tenant, None)
        await self._active(tenant)

    async def reseal(self, tenant: TenantId, values: Values) -> Resealed:
        """Seal again, each once, the values that another than the active key seals.

        May stop anywhere and run again: a value is readable before and after its own swap.
        """
        active = await self._active(tenant)
        done, unreadable = 0, list[Slot]()
        after: Slot | None = None
        while batch := await values.batch(tenant, after, PAGE):
            for slot, sealed in batch:
                if sealed.split(".")[1:2] == [active]:
                    continue
                try:
                    secret = await self.open(slot, sealed)
                except SecretUnreadable:
                    unreadable.append(slot)
                    continue
                new = replace(slot, row_version=slot.row_version + 1)
                done += await values.swap(slot, sealed, new, await self.seal(new, secret))
            after = batch[-1][0]
        return Resealed(done=done, unreadable=tuple(unreadable))

    async def shred(self, tenant: TenantId) -> None:
        """Make everything sealed for a tenant unreadable for ever, wherever copies of it lie."""
        await self._keys.delete(tenant)
        self._held.pop(tenant, None)
        for known in [known for known in self._open_keys if known[0] == tenant]:
            del self._open_keys[known]

    async def _active(self, tenant: TenantId) -> str:
        """Take one use of the tenant's active key; make, replace and count keys as needed."""
        held = self._held.get(tenant)
        if held and held.left and self._clock.monotonic() < held.until:
            held.left -= 1
            return held.dek
        for _ in range(_TRIES):
            dek = await self._keys.get(tenant) or await self._create(tenant)
            if dek is None:
                continue
            if self._is_worn(dek):
                await self._keys.put(replace(dek, active=False), dek)
                continue
            try:
                self._open_keys[tenant, dek.id] = AESGCM(self._unwrap(dek))
            except KeyDamaged as error:
                log.error("%s A new one seals from now on.", error.message)
                await self._keys.put(replace(dek, active=False), dek)
                continue
            if await self._keys.put(replace(dek, uses=dek.uses + BLOCK), dek):
                until = self._clock.monotonic() + TRUSTED_S
                self._held[tenant] = _Held(dek=dek.id, left=BLOCK - 1, until=until)
                return dek.id
        raise Conflict("Too many processes seal for this workspace at once. Repeat.", tenant=tenant)

    def _is_worn(self, dek: Dek) -> bool:
        return dek.uses + BLOCK > MAX_USES or self._clock.now() - dek.created_at >= MAX_AGE

    async def _create(self, tenant: TenantId) -> Dek | None:
        """A new active key; None when another process was faster."""
        dek = Dek(
            id=new_id(self._clock, "dek"),
            tenant=tenant,
            kek="",
            wrapped="",
            created_at=self._clock.now(),
        )
        dek = self._wrap(dek, self._clock.chance(KEY_BYTES))
        return dek if await self._keys.put(dek, None) else None

    async def _root(self, name: TenantId) -> bytes:
        """A key of the house itself, which never changes: what it made is looked up for ever."""
        dek = await self._keys.get(name) or await self._create(name) or await self._keys.get(name)
        if dek is None:
            raise Conflict("The house's own key could not be made. Start again.")
        return self._unwrap(dek)

    def _derive(self, root: TenantId, purpose: str) -> bytes:
        if (root, purpose) not in self._derived:
            info = _joined("switchboard", _VERSION, root, purpose)
            kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
            self._derived[root, purpose] = kdf.derive(self._roots[root])
        return self._derived[root, purpose]

    async def _key(self, tenant: TenantId, dek: str) -> AESGCM:
        """An opened data key. Raises LookupError when this tenant has none of that id."""
        known = self._open_keys.get((tenant, dek))
        if known is None:
            row = await self._keys.by_id(tenant, dek)
            if row is None:
                raise LookupError(dek)
            known = self._open_keys[tenant, dek] = AESGCM(self._unwrap(row))
        return known

    def _wrap(self, dek: Dek, key: bytes) -> Dek:
        kek = self._ring.primary
        nonce = self._clock.chance(_NONCE_BYTES)
        body = AESGCM(kek.key).encrypt(nonce, key, _bound_dek(dek, kek))
        self._proven.add(kek.id)
        return replace(dek, kek=kek.id, wrapped=f"{_text(nonce)}.{_text(body)}")

    def _unwrap(self, dek: Dek) -> bytes:
        """The key itself. Raises SettingsError without its master key, KeyDamaged with it."""
        kek = self._ring.get(dek.kek)
        if kek is None:
            raise SettingsError(
                f"The stored secrets were sealed under the master key {dek.kek}, which is not "
                f"here; here is {self._ring}. Put it back into BOT_MASTER_KEY or the file "
                "master.key, behind the one you use now."
            )
        try:
            nonce, body = dek.wrapped.split(".")
            key = AESGCM(kek.key).decrypt(_bytes(nonce), _bytes(body), _bound_dek(dek, kek))
            self._proven.add(kek.id)
            return key
        except (ValueError, InvalidTag):
            if kek.id in self._proven:
                raise KeyDamaged(
                    f"The data key {dek.id} is damaged; the master key {kek.id} is the right one. "
                    "What it sealed stays closed: restore its row from a backup, or connect again."
                ) from None
            raise SettingsError(
                f"The master key {kek.id} is not the one that the stored secrets were sealed "
                "under. Put the right one into BOT_MASTER_KEY or the file master.key."
            ) from None

    async def _all(self) -> AsyncIterator[Dek]:
        after = ""
        while page := await self._keys.list(after, PAGE):
            for dek in page:
                yield dek
            after = page[-1].id


def _joined(*parts: str) -> bytes:
    """The parts, each behind its length, so that no two lists of parts give the same bytes."""
    raw = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)


def _bound(slot: Slot, dek: str) -> bytes:
    where = (slot.tenant, slot.provider, slot.owner, slot.field, slot.row_id)
    return _joined(_VERSION, *where, dek, str(slot.row_version))


def _bound_dek(dek: Dek, kek: Kek) -> bytes:
    return _joined("dek", _VERSION, dek.tenant, dek.id, kek.id)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The bytes of base64url text. ValueError for any text but the one that `_text` makes."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if _text(raw) != text:
        raise ValueError("not the one spelling")
    return raw
