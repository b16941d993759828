"""The real clock and real chance. Tests and the simulation pass their own."""

import secrets
import threading
import time
from datetime import UTC, datetime

STOCK = 4096
"""Random bytes taken from the kernel at once; asking it costs ten times what an id needs."""
SMALL = 10
"""What is no longer than this names things; keys, nonces and tokens are never of the stock."""


class SystemClock:
    """Time of this machine."""

    def __init__(self) -> None:
        self._stock, self._used = b"", 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def chance(self, size: int) -> bytes:
        """Random bytes, never the same twice; from any thread."""
        if size > SMALL:
            return secrets.token_bytes(size)
        with self._lock:
            if self._used + size > len(self._stock):
                self._stock, self._used = secrets.token_bytes(STOCK), 0
            start, self._used = self._used, self._used + size
            return self._stock[start : self._used]
