"""The real clock and real chance. Tests and the simulation pass their own."""

import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """Time of this machine."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def chance(self, size: int) -> bytes:
        """Random bytes."""
        return secrets.token_bytes(size)
