"""A clock that stands still, with chance from a seed: keys must differ, and be the same again."""

from datetime import UTC, datetime
from random import Random

from tests.fakes.clock import StillClock


class SeededClock(StillClock):
    """Time and chance in a test's hands."""

    def __init__(self, seed: int = 7) -> None:
        super().__init__(datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
        self._random = Random(seed)

    def chance(self, size: int) -> bytes:
        """Bytes of the seed."""
        return self._random.randbytes(size)
