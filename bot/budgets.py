"""Money for thinking: reserved before a call, settled after it, stopped at the limit.

Sums are read from the ledger once a day and tenant and kept in memory after that; where other
processes spend as well, they are read again after `fresh_s`, and for nearly every call once little
is left. What is known here and not yet written stays counted. A model whose price nobody knows is
refused where a budget is set, because a budget that cannot be counted is none.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.errors import BudgetReached, OperatorError
from bot.core.ids import PersonId, TenantId
from bot.core.model import Usage
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.frozen import frozen
from bot.store import spends
from bot.store.script import Database

NEAR = 0.8
"""From this part of a budget on, sums that others add to are read again and again."""
NEAR_FRESH_S = 0.1


@dataclass(slots=True)
class _Day:
    start: datetime
    read_at: dict[tuple[str, str], float] = field(default_factory=dict)
    spent: dict[tuple[str, str], int] = field(default_factory=dict)
    allowed: dict[tuple[str, str], int] = field(default_factory=dict)
    """What an owner allowed beyond the limit."""
    reserved: dict[tuple[str, str], int] = field(default_factory=dict)


@frozen
class Hold:
    """A reservation; give it back with `settle`."""

    keys: tuple[tuple[str, str], ...]
    micros: int


class Budgets:
    """Counts what models cost against the limits of the day (UTC)."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        tenant_micros: int | None,
        person_micros: int | None,
        *,
        fresh_s: float = math.inf,
    ) -> None:
        self._db = db
        self._clock = clock
        self._limits = {"tenant": tenant_micros, "person": person_micros}
        self._fresh_s = fresh_s
        self._day = _Day(start=self._midnight())

    @property
    def limited(self) -> bool:
        """Whether any budget is set."""
        return any(limit is not None for limit in self._limits.values())

    async def reserve(self, tenant: TenantId, person: PersonId | None, most: Usage) -> Hold | None:
        """Hold the most that a call can cost.

        Raises BudgetReached, or OperatorError when nobody knows the price.
        """
        if not self.limited:
            return None
        if most.micros is None:
            raise OperatorError(
                "A budget is set, but the price of this model is not known. "
                "State it in [models.price], or choose another model."
            )
        if self._midnight() != self._day.start:
            self._day = _Day(start=self._midnight())
        keys = self._keys(tenant, person)
        while stale := [key for key in keys if not self._is_fresh(key)]:
            await self._load(stale[0], tenant)
        for key in keys:  # from here on nothing waits, so no other call comes in between
            limit = self._limits[key[0]]
            used = self._used(key)
            if limit is not None and used + most.micros > limit:
                whose = "this workspace" if key[0] == "tenant" else "you"
                raise BudgetReached(
                    f"The budget of {whose} for today is used up: "
                    f"{used / 1e6:.2f} of {limit / 1e6:.2f} USD."
                )
        for key in keys:
            self._day.reserved[key] = self._day.reserved.get(key, 0) + most.micros
        return Hold(keys=keys, micros=most.micros)

    def settle(self, hold: Hold | None, usage: Usage | None) -> None:
        """Give a reservation back and count what was really spent."""
        if hold is None:
            return
        for key in hold.keys:
            self._day.reserved[key] = max(0, self._day.reserved.get(key, 0) - hold.micros)
            if usage and key in self._day.spent:
                self._day.spent[key] += usage.micros or 0

    def forget(self) -> None:
        """Read the sums again: an owner allowed more."""
        self._day = _Day(start=self._midnight())

    def _keys(self, tenant: TenantId, person: PersonId | None) -> tuple[tuple[str, str], ...]:
        keys: list[tuple[str, str]] = [("tenant", tenant)]
        if person:
            keys.append(("person", f"{tenant}/{person}"))
        return tuple(key for key in keys if self._limits[key[0]] is not None)

    async def _load(self, key: tuple[str, str], tenant: TenantId) -> None:
        day = self._day
        day.read_at[key] = self._clock.monotonic()
        who = "*" if key[0] == "tenant" else key[1].split("/", 1)[1]
        since = to_us(day.start)
        total = await self._db.read(spends.total(tenant, who, since))
        allowed = await self._db.read(spends.allowed(tenant, since))
        day.spent[key] = max(total.micros, day.spent.get(key, 0))
        day.allowed[key] = allowed

    def _used(self, key: tuple[str, str]) -> int:
        day = self._day
        return day.spent[key] + day.reserved.get(key, 0) - day.allowed[key]

    def _is_fresh(self, key: tuple[str, str]) -> bool:
        if key not in self._day.spent:
            return False
        is_near = self._used(key) >= NEAR * (self._limits[key[0]] or 0)
        often = is_near and self._fresh_s < math.inf
        lasts_s = NEAR_FRESH_S if often else self._fresh_s
        return self._clock.monotonic() - self._day.read_at[key] < lasts_s

    def _midnight(self) -> datetime:
        now = self._clock.now()
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
