"""Who goes first when much happens at once: what waits for its acknowledgement, before new turns.

A platform that is not answered within seconds sends again, and again; a turn that opens a moment
later harms nobody. So turns set out one by one, each some rounds of the loop behind the one before:
whatever came in meanwhile is read, stored and answered in between. However many turns wait, an
acknowledgement waits for a few slices of them and not for all. A round in which nothing was done
ends the wait: then nobody is there to be let past.

No tenant waits for another one's rush. So many events of a tenant are stored at a time and the
rest stand at the door in their order, for what once is in the database's hands is written in the
order in which it came; turns set out turn and turn about; and a rush holds up the turns of whoever
makes it.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable

RUSH = 64
"""More events than this being stored at once are a rush: turns wait until it is acknowledged."""
ABREAST = 64
"""So many events of a tenant are in the database's hands at a time: what fills a commit, and what
another tenant's event may find before it."""
RUSH_S = 2.0
"""How long they wait at most, and how long at least there is no other rush after that."""
ROUNDS = 12
"""Rounds of the loop between two turns that set out: about as many as one needs to be before its
model, so that a round holds a slice or two of them, and all that the sockets brought."""
QUIET_S = 0.00008
"""A round as short as this only asked the sockets; a slice of a turn takes several of it."""
MOMENT_S = 0.002
"""A turn that comes so long after the last one set out goes at once, and costs no round of its own:
about as long as a turn needs to be before its model."""


class Rush:
    """Lets events be stored and turns set out."""

    def __init__(self, over: Callable[[], None] = lambda: None, quiet_s: float = QUIET_S) -> None:
        """`over` is called when turns that were held up may be claimed.

        `quiet_s` is the length of a round below which nothing was done in it.
        """
        self._over = over
        self._quiet_s = quiet_s
        self._entering: Counter[str] = Counter()
        """Events that are being stored or stand at the door, by tenant."""
        self._total = 0
        self._doors: dict[str, asyncio.Semaphore] = {}
        self._is_on = False
        """Whether there is a rush."""
        self._past = False
        """Whether an event of whom it does not hold up was stored meanwhile."""
        self._ends: asyncio.TimerHandle
        self._quiet_until = -math.inf
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Turns by tenant; whose turn it is stands first."""
        self._is_stepping = False
        """Whether rounds are being counted for those who wait."""
        self._last = -math.inf
        """When a turn last set out; in the loop's time."""

    async def enter(self, tenant: str) -> None:
        """Wait until an event may be stored; those of a tenant that came first go first."""
        self._entering[tenant] += 1
        self._total += 1
        if self._total > RUSH and not self._is_on:
            now = asyncio.get_running_loop().time()
            if now >= self._quiet_until:
                self._is_on = True
                self._ends = asyncio.get_running_loop().call_later(RUSH_S, self._give_up)
        try:
            door = self._doors.get(tenant)
            if door is None:
                door = self._doors[tenant] = asyncio.Semaphore(ABREAST)
            await door.acquire()
        except BaseException:
            self._count_off(tenant)
            raise

    def entered(self, tenant: str) -> None:
        """An event is stored, or will not be."""
        self._past = self._is_on and (self._past or not self.holds(tenant))
        self._doors[tenant].release()
        self._count_off(tenant)

    def holds(self, tenant: str) -> bool:
        """Whether this tenant's turns wait: there is a rush, and it has its share in it or more."""
        return self._is_on and self._entering[tenant] * len(self._entering) >= self._total

    def held(self) -> frozenset[str] | None:
        """The tenants whose turns are not to be claimed now; None: nobody's, as far as is known."""
        if not self._is_on:
            return frozenset()
        return frozenset(filter(self.holds, self._entering)) if self._past else None

    async def turn(self, tenant: str) -> None:
        """Wait until this turn may set out; those of a tenant that came first go first."""
        loop = asyncio.get_running_loop()
        if not self.holds(tenant) and all(map(self.holds, self._waiting)):
            now = loop.time()
            if now - self._last >= MOMENT_S:
                self._last = now
                return
        future = loop.create_future()
        self._waiting.setdefault(tenant, deque()).append(future)
        self._go_on()
        await future

    def _count_off(self, tenant: str) -> None:
        self._total -= 1
        self._entering[tenant] -= 1
        if not self._entering[tenant]:
            del self._entering[tenant], self._doors[tenant]
        if self._total <= RUSH and self._is_on:
            self._ends.cancel()
            self._calm_down()

    def _give_up(self) -> None:
        """It does not end: turns set out all the same, for as long at least."""
        self._quiet_until = asyncio.get_running_loop().time() + RUSH_S
        self._calm_down()

    def _calm_down(self) -> None:
        self._is_on = self._past = False
        self._over()
        if not self._is_stepping:
            self._is_stepping = True
            self._next()

    def _go_on(self) -> None:
        if not self._is_stepping and not all(map(self.holds, self._waiting)):
            self._is_stepping = True
            self._step(ROUNDS)

    def _step(self, left: int, began: float = -math.inf) -> None:
        """Go on after so many rounds, or after one in which nobody had anything to do."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if left and now - began >= self._quiet_s:
            loop.call_soon(self._step, left - 1, now)
        else:
            self._next()

    def _next(self) -> None:
        while future := self._take():
            if not future.done():  # nobody waits any more where a turn was stopped
                future.set_result(None)
                self._last = asyncio.get_running_loop().time()
                self._step(ROUNDS)
                return
        self._is_stepping = False

    def _take(self) -> "asyncio.Future[None] | None":
        """The first turn of the tenant whose turn it is, who then stands last."""
        tenant = next((each for each in self._waiting if not self.holds(each)), None)
        if tenant is None:
            return None
        turns = self._waiting.pop(tenant)
        future = turns.popleft()
        if turns:
            self._waiting[tenant] = turns
        return future
