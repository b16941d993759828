"""How fast a platform may be written to: one budget per place and token, shared by everything.

What must arrive (answers, cards) waits for its turn; what may be dropped (drafts, typing) goes only
while there is room to spare, so that it never takes the place of an answer. A platform that says
when to come again is obeyed by all.

Where several processes use one token, each takes an even part of its budget: docs/decisions/0008.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from bot.core.ports import Clock
from bot.limits import Buckets, Rate

SPARE = 0.5
"""The part of a budget that drafts may use."""
MAX_PLACES = 10_000
LEAST_S = 0.001
"""What is left of a wait after rounding may be too short for a clock to move."""
_ALL = ""

Among = Callable[[], int]
"""How many processes use a token, this one included."""


class Pace:
    """The budget of one token of one platform."""

    def __init__(self, clock: Clock, place: Rate, whole: Rate, among: Among = lambda: 1) -> None:
        """`place` is the budget of each place, `whole` that of all together."""
        self._clock = clock
        self._rates = place, whole
        self._among = among
        self._taken = Buckets(clock)
        self._spare = Buckets(clock)
        self._rest: OrderedDict[str, float] = OrderedDict()
        """Until when a place (or all, under the empty name) is to be left alone."""

    async def turn(self, place: str) -> None:
        """Wait until something that must arrive may be sent."""
        while True:
            wait = self._wait(place)
            if wait <= 0:
                return
            await asyncio.sleep(max(wait, LEAST_S))

    def spare(self, place: str) -> bool:
        """Take room for something that may be dropped; False when it is to be dropped."""
        if self._resting(place):
            return False
        drafts, whole = (
            Rate(count=max(1, int(rate.count * SPARE)), seconds=rate.seconds)
            for rate in self._shares()
        )
        if self._spare.take_all({("place", place): drafts, ("all",): whole}) > 0:
            return False
        return self._take(place) == 0

    def rest(self, seconds: float, place: str = _ALL) -> None:
        """Obey the platform: nothing more to this place (or at all) for so long."""
        until = self._clock.monotonic() + max(0.0, seconds)
        self._rest[place] = max(until, self._rest.get(place, 0.0))
        self._rest.move_to_end(place)
        while len(self._rest) > MAX_PLACES:
            self._rest.popitem(last=False)

    def _wait(self, place: str) -> float:
        return self._resting(place) or self._take(place)

    def _take(self, place: str) -> float:
        each, whole = self._shares()
        return self._taken.take_all({("place", place): each, ("all",): whole})

    def _shares(self) -> tuple[Rate, Rate]:
        """This process's part of both budgets."""
        many = self._among()
        place, whole = (share(rate, many) for rate in self._rates)
        return place, whole

    def _resting(self, place: str) -> float:
        now = self._clock.monotonic()
        return max(0.0, *(self._rest.get(name, 0.0) - now for name in (place, _ALL)))


def share(rate: Rate, many: int) -> Rate:
    """One of so many even parts; at least one at a time, then as much more slowly."""
    if many <= 1 or rate.count <= 0:
        return rate
    count = max(1, rate.count // many)
    return Rate(count=count, seconds=rate.seconds * many * count / rate.count)
