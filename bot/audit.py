"""Sealing the book: gapless numbers per tenant, and a MAC over each row and the MAC before it.

Rows are written in the commit of what they tell of and sealed within a second. The heads go into
the log each minute and at the end: only a copy elsewhere can show that the tail was cut off.
"""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.canonical import Json
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.fleet import Peers
from bot.store import audit as rows
from bot.store.audit import Entry
from bot.store.script import Database

log = logging.getLogger(__name__)

PAGE = 500
LEASE = "seal_audit"
HEADS_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a check of a tenant's book found."""

    rows: int
    unsealed: int
    first_bad: int | None
    """The number of the first row that is not as it was sealed; None when all are."""
    why: str = ""

    def to_json(self) -> dict[str, Json]:
        """As the API shows it."""
        problems: list[Json] = [self.why] if self.why else []
        return {
            "ok": self.first_bad is None and not self.why,
            "rows": self.rows,
            "unsealed": self.unsealed,
            "first_bad": self.first_bad,
            "problems": problems,
        }


class Sealer:
    """Seals and checks."""

    def __init__(
        self, db: Database, clock: Clock, key: Callable[[TenantId], bytes], peers: Peers
    ) -> None:
        self._db = db
        self._peers = peers
        self._clock = clock
        self._key = key
        self._heads: dict[str, tuple[int, str]] = {}
        self._told_at = clock.monotonic()

    async def seal(self) -> int:
        """Seal what is not sealed yet, unless another process does it; returns how many rows."""
        if not await self._peers.take(LEASE):
            return 0
        done = 0
        while entries := await self._db.read(rows.unsealed()):
            await self._db.write(rows.seal(await self._chain(entries)))
            done += len(entries)
            if len(entries) < PAGE:
                break
        if self._clock.monotonic() - self._told_at > HEADS_EVERY_S:
            self.tell_heads()
        return done

    def tell_heads(self) -> None:
        """Write the heads of the chains into the log."""
        self._told_at = self._clock.monotonic()
        for tenant, (seq, mac) in self._heads.items():
            log.info("audit head", extra={"tenant": tenant, "seq": seq, "mac": mac})

    async def verify(self, tenant: TenantId) -> Verified:
        """Recompute the whole chain of a tenant."""
        key = self._key(tenant)
        mac, number, after, unsealed, count = "", 0, 0, 0, 0
        while page := await self._db.read(rows.entries(tenant, after, PAGE)):
            for entry, seq, stored in page:
                count += 1
                after = entry.seq
                if seq is None or stored is None:
                    unsealed += 1
                    continue
                number += 1
                mac = _mac(key, mac, number, entry)
                if seq != number or not hmac.compare_digest(mac, stored) or unsealed:
                    why = f"Row {entry.seq} is not as it was sealed."
                    return Verified(rows=count, unsealed=unsealed, first_bad=entry.seq, why=why)
        seq, _ = await self._db.read(rows.head(tenant))
        if seq != number:
            why = f"{seq} rows were sealed and {number} are there: some were removed."
            return Verified(rows=count, unsealed=unsealed, first_bad=number + 1, why=why)
        known = self._heads.get(tenant)
        if known and known[0] > seq:
            why = f"This process has sealed {known[0]} rows and {seq} are there."
            return Verified(rows=count, unsealed=unsealed, first_bad=seq + 1, why=why)
        return Verified(rows=count, unsealed=unsealed, first_bad=None)

    async def _chain(self, entries: list[Entry]) -> list[tuple[str, int, int, str]]:
        heads: dict[str, tuple[int, str]] = {}
        seals = []
        for entry in entries:
            if entry.tenant not in heads:
                heads[entry.tenant] = await self._db.read(rows.head(entry.tenant))
            seq, mac = heads[entry.tenant]
            mac = _mac(self._key(TenantId(entry.tenant)), mac, seq + 1, entry)
            heads[entry.tenant] = (seq + 1, mac)
            seals.append((entry.tenant, seq + 1, entry.seq, mac))
        self._heads.update(heads)
        return seals


def _mac(key: bytes, before: str, seq: int, entry: Entry) -> str:
    text = f"{before}|{seq}|{entry.canonical()}"
    return hmac.digest(key, text.encode(), "sha256").hex()
