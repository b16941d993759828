"""Who goes first when much happens at once: what waits for its acknowledgement, before new turns.

A platform that is not answered within seconds sends again, and again; a turn that opens a moment
later harms nobody. So turns set out one by one, each some rounds of the loop behind the one before:
whatever came in meanwhile is read, stored and answered in between. However many turns wait, an
acknowledgement waits for a few slices of them and not for all. A round in which nothing was done
ends the wait: then nobody is there to be let past.
"""

import asyncio
import math
from collections import deque

RUSH = 64
"""More events than this being stored at once are a rush: turns wait until it is acknowledged."""
RUSH_S = 2.0
"""How long they wait at most."""
ROUNDS = 12
"""Rounds of the loop between two turns that set out: about as many as one needs to be before its
model, so that a round holds a slice or two of them, and all that the sockets brought."""
QUIET_S = 0.00008
"""A round as short as this only asked the sockets; a slice of a turn takes several of it."""
MOMENT_S = 0.002
"""A turn that comes so long after the last one set out goes at once, and costs no round of its own:
about as long as a turn needs to be before its model."""


class Rush:
    """Lets turns set out."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        """`quiet_s` is the length of a round below which nothing was done in it."""
        self._quiet_s = quiet_s
        self._entering = 0
        """Events that are being stored at the moment."""
        self._calm = asyncio.Event()
        self._calm.set()
        self._over: asyncio.TimerHandle
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_stepping = False
        """Whether rounds are being counted for those who wait."""
        self._last = -math.inf
        """When a turn last set out; in the loop's time."""

    def enter(self) -> None:
        """An event is being stored."""
        self._entering += 1
        if self._entering > RUSH and self._calm.is_set():
            self._calm.clear()
            self._over = asyncio.get_running_loop().call_later(RUSH_S, self._calm_down)

    def entered(self) -> None:
        """An event is stored, or will not be."""
        self._entering -= 1
        if self._entering <= RUSH and not self._calm.is_set():
            self._over.cancel()
            self._calm_down()

    async def over(self) -> None:
        """Wait until there is no rush."""
        await self._calm.wait()

    async def turn(self) -> None:
        """Wait until this turn may set out; those that came first go first."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self._calm.is_set():
            now = loop.time()
            if now - self._last >= MOMENT_S:
                self._last = now
                return
        future = loop.create_future()
        self._waiting.append(future)
        if not self._is_stepping and self._calm.is_set():
            self._is_stepping = True
            self._step(ROUNDS)
        await future

    def _calm_down(self) -> None:
        self._calm.set()
        if self._waiting and not self._is_stepping:
            self._is_stepping = True
            self._next()

    def _step(self, left: int, began: float = -math.inf) -> None:
        """Go on after so many rounds, or after one in which nobody had anything to do."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if left and now - began >= self._quiet_s:
            loop.call_soon(self._step, left - 1, now)
        else:
            self._next()

    def _next(self) -> None:
        while self._waiting and self._calm.is_set():
            future = self._waiting.popleft()
            if not future.done():  # nobody waits any more where a turn was stopped
                future.set_result(None)
                self._last = asyncio.get_running_loop().time()
                self._step(ROUNDS)
                return
        self._is_stepping = False
