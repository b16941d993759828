"""Seats: how many turns are open in this process at a time, and whose they are.

A seat is somebody's from the moment an event is stored for it. Where several tenants are known
here, none takes the last eighth of the seats: whoever comes beside a tenant with very many messages
finds one free and waits for none of them to end.
"""

from collections import Counter
from collections.abc import Callable

from bot.frozen import frozen
from bot.store.recent import Recent

SPARE = 8
"""One seat in so many is left to other tenants."""


@frozen
class Seats:
    """How many turns may be open, and the name under which this process claims."""

    owner: str
    count: int = 1000
    stop_elsewhere: Callable[[str], bool] = lambda conv: False
    """Asks other processes to stop a turn; False when there are none."""
    offer: Callable[[], object] = lambda: None
    """Tells other processes that something waits which no seat is free for here."""
    recent: Recent | None = None
    """Where turns leave what was said; None: nowhere."""


class Sitting:
    """Who sits, and who waits for a seat."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._sits: Counter[str] = Counter()
        self._known: set[str] = set()
        self._left: frozenset[str] = frozenset()
        """Tenants that had their share when somebody last looked: others of theirs may wait."""
        self._is_full = False

    @property
    def turns_away(self) -> bool:
        """Whether there is somebody who gets no seat."""
        return (
            self._sits.total() >= self._count or max(self._sits.values(), default=0) >= self._share
        )

    def may(self, tenant: str) -> bool:
        """Whether who comes may sit down at once; those that wait go first."""
        self._known.add(tenant)
        is_free = self._sits[tenant] < self._share and self._sits.total() < self._count
        return is_free and not self.waits(tenant)

    def waits(self, tenant: str) -> bool:
        """Whether somebody of this tenant may wait for a seat."""
        return self._is_full or tenant in self._left

    def take(self, tenant: str) -> None:
        """Sit down."""
        self._known.add(tenant)
        self._sits[tenant] += 1

    def leave(self, tenant: str) -> None:
        """Get up."""
        self._sits[tenant] -= 1
        if not self._sits[tenant]:
            del self._sits[tenant]

    def look(self) -> tuple[int, frozenset[str]]:
        """How many may sit down, whoever they are, and the tenants of which none may."""
        share, sits = self._share, self._sits
        room = self._count - sits.total()
        self._is_full = room <= 0
        self._left = frozenset(tenant for tenant, many in sits.items() if many >= share)
        left = (share - many for many in sits.values() if many < share)
        return max(0, min((room, share, *left))), self._left

    @property
    def _share(self) -> int:
        """The most that one tenant takes."""
        return self._count - (self._count // SPARE if len(self._known) > 1 else 0)
