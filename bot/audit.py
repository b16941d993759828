"""Sealing the book: gapless numbers per tenant, and a MAC over each row and the MAC before it.

Rows are written in the commit of what they tell of and sealed within a second. The heads go into
the log each minute and at the end: only a copy elsewhere can show that the tail was cut off.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable

from bot.core.canonical import Json
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.fleet import Peers
from bot.frozen import frozen
from bot.store import audit as rows
from bot.store.audit import Entry
from bot.store.script import Database

log = logging.getLogger(__name__)

PAGE = 500
LEASE = "seal_audit"
HEADS_EVERY_S = 60.0


@frozen
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
        self._broken: dict[str, str] = {}
        """Tenants whose seals were changed under this process, and what is known of it."""
        self._told_at = clock.monotonic()
        self._turn = asyncio.Lock()
        self._round: asyncio.Task[int] | None = None

    async def seal(self) -> int:
        """Seal what is not sealed yet, unless another process does it; returns how many rows.

        One round at a time, and each to its end though whoever asked is cancelled: a row that is
        being sealed would be sealed a second time by the next.
        """
        async with self._turn:
            if self._round is not None and not self._round.done():
                await asyncio.wait([self._round])
            self._round = asyncio.create_task(self._seal())
            return await asyncio.shield(self._round)

    async def _seal(self) -> int:
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
        """Recompute the whole chain of a tenant, as far as it was sealed when this began."""
        known = self._heads.get(tenant, (0, ""))
        sealed, _ = await self._db.read(rows.head(tenant))
        last = await self._db.read(rows.last_sealed())
        walk = _Walk(self._key(tenant), last, known)
        after = 0
        while after <= last and (page := await self._db.read(rows.entries(tenant, after, PAGE))):
            for entry, seq, stored in page:
                if why := walk.step(entry, seq, stored):
                    return walk.found(entry.seq, why)
            after = page[-1][0].seq
        if sealed < known[0]:
            why = f"This process has sealed {known[0]} rows and {sealed} are there."
            return walk.found(sealed + 1, why)
        if walk.number < sealed:
            why = f"{sealed} rows were sealed and {walk.number} are there: some were removed."
            return walk.found(walk.number + 1, why)
        return walk.found(None, self._broken.get(tenant, ""))

    async def _chain(self, entries: list[Entry]) -> list[tuple[str, int, int, str]]:
        heads: dict[str, tuple[int, str]] = {}
        seals = []
        for entry in entries:
            if entry.tenant not in heads:
                heads[entry.tenant] = await self._head(entry.tenant)
            seq, mac = heads[entry.tenant]
            mac = _mac(self._key(TenantId(entry.tenant)), mac, seq + 1, entry)
            heads[entry.tenant] = (seq + 1, mac)
            seals.append((entry.tenant, seq + 1, entry.seq, mac))
        self._heads.update(heads)
        return seals

    async def _head(self, tenant: str) -> tuple[int, str]:
        """Where a chain goes on; says so when what this process sealed is no longer there."""
        head = await self._db.read(rows.head(tenant))
        known = self._heads.get(tenant)
        if known and (await self._db.read(rows.seal_at(tenant, known[0]))) != known[1]:
            self._broken[tenant] = f"What this process sealed up to row {known[0]} was changed."
            seq, mac = known
            log.error("audit broken", extra={"tenant": tenant, "seq": seq, "mac": mac})
        return head


class _Walk:
    """One pass along a tenant's chain."""

    def __init__(self, key: bytes, last: int, known: tuple[int, str]) -> None:
        """`last` is the last audit row that has a seal; `known` a head that is surely right."""
        self._key = key
        self._last = last
        self._known = known
        self._mac = ""
        self.number = self._rows = self._unsealed = 0

    def step(self, entry: Entry, seq: int | None, stored: str | None) -> str:
        """Look at the next row with its seal; what is wrong with it, if anything."""
        self._rows += 1
        if entry.seq > self._last:  # not sealed when the pass began
            self._unsealed += 1
            return ""
        if stored is None:
            return f"Row {entry.seq} was put in behind the seals."
        self.number += 1
        self._mac = _mac(self._key, self._mac, self.number, entry)
        is_ours = self.number != self._known[0] or hmac.compare_digest(self._mac, self._known[1])
        if is_ours and seq == self.number and hmac.compare_digest(self._mac, stored):
            return ""
        return f"Row {entry.seq} is not as it was sealed."

    def found(self, first_bad: int | None, why: str) -> Verified:
        """What the pass has found."""
        return Verified(rows=self._rows, unsealed=self._unsealed, first_bad=first_bad, why=why)


def _mac(key: bytes, before: str, seq: int, entry: Entry) -> str:
    text = f"{before}|{seq}|{entry.canonical()}"
    return hmac.digest(key, text.encode(), "sha256").hex()
