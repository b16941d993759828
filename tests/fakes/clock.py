"""A clock that stands still until a test moves it, and chance that counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random


class StillClock:
    """Time and chance in a test's hands."""

    def __init__(self, at: datetime = datetime(2027, 3, 3, 10, 17, 5, tzinfo=UTC)) -> None:
        self.at = at
        self._count = 0

    def now(self) -> datetime:
        """The time that was set."""
        return self.at

    def monotonic(self) -> float:
        """Seconds that move with the time."""
        return self.at.timestamp()

    def chance(self, size: int) -> bytes:
        """Bytes that were never given before."""
        self._count += 1
        return self._count.to_bytes(size, "big")

    def move(self, **span: float) -> None:
        """Let time pass, as `timedelta` takes it."""
        self.at += timedelta(**span)


class LoopClock:
    """The time of the running event loop, and chance from a seed; for loops with virtual time."""

    def __init__(
        self, random: Random, at: datetime = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)
    ) -> None:
        self._random = random
        self._at = at

    def now(self) -> datetime:
        """The start and what passed since."""
        return self._at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds of the loop."""
        return asyncio.get_running_loop().time()

    def chance(self, size: int) -> bytes:
        """Bytes of the seed."""
        return self._random.randbytes(size)

    def leap(self, **span: float) -> None:
        """Let days pass without waking anybody in between."""
        self._at += timedelta(**span)
