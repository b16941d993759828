"""The vault's rows in memory, and a fuse that stops the world at a chosen write."""

from dataclasses import dataclass, field

from bot.vault import Dek, Slot


class Crash(Exception):
    """The process died here."""


@dataclass
class Rows:
    """Data keys and values in memory; dies at its `fuse`-th write, before or after it."""

    deks: dict[str, Dek] = field(default_factory=dict)
    values: dict[tuple[str, str], tuple[Slot, str]] = field(default_factory=dict)
    fuse: int = -1
    late: bool = False
    writes: int = 0

    def _burn(self, late: bool) -> None:
        if late == self.late:
            self.fuse -= 1
            if self.fuse == 0:
                raise Crash

    async def get(self, tenant):
        return next((d for d in self.deks.values() if d.tenant == tenant and d.active), None)

    async def by_id(self, tenant, id):
        found = self.deks.get(id)
        return found if found and found.tenant == tenant else None

    async def put(self, dek, was):
        self._burn(False)
        if was is None:
            if dek.id in self.deks or await self.get(dek.tenant):
                return False
        elif self.deks.get(was.id) != was:
            return False
        self.deks[dek.id] = dek
        self.writes += 1
        self._burn(True)
        return True

    async def list(self, after, limit):
        return [self.deks[id_] for id_ in sorted(self.deks) if id_ > after][:limit]

    async def delete(self, tenant):
        self.deks = {id_: d for id_, d in self.deks.items() if d.tenant != tenant}

    async def batch(self, tenant, after, limit):
        start = (after.provider, after.row_id) if after else ("", "")
        found = [self.values[k] for k in sorted(self.values) if k > start]
        return [item for item in found if item[0].tenant == tenant][:limit]

    async def swap(self, slot, was, new, sealed):
        self._burn(False)
        key = (slot.provider, slot.row_id)
        if self.values.get(key) != (slot, was):
            return False
        self.values[key] = (new, sealed)
        self._burn(True)
        return True
