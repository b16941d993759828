"""How often: buckets of messages per sender, agent and channel, tenant.

Kept in memory: a restart forgives, which costs nothing that matters. The sender's bucket stands
before the first commit, so that a flood never reaches the disk; the others are asked by the router
and the person is told when one is empty. Nothing is dropped silently. What the processes of one
database tell each other of it: docs/decisions/0008.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.ports import Clock
from bot.frozen import frozen


@frozen
class Rate:
    """So many in so long, with bursts up to the whole."""

    count: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Buckets:
    """Token buckets by key; a full one is forgotten."""

    def __init__(self, clock: Clock, max_keys: int = 50_000) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def take(self, key: tuple[str, ...], rate: Rate) -> float:
        """Take one; return 0.0, or the seconds to wait when there is none."""
        return self._take(key, rate, self._clock.monotonic())

    def _take(self, key: tuple[str, ...], rate: Rate, now: float) -> float:
        if rate.count <= 0:
            return 0.0
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room()
            bucket = self._buckets[key] = _Bucket(float(rate.count), now)
        speed = rate.count / rate.seconds
        bucket.level = min(float(rate.count), bucket.level + (now - bucket.at) * speed)
        bucket.at = now
        if bucket.level < 1.0:
            return (1.0 - bucket.level) / speed
        bucket.level -= 1.0
        return 0.0

    def take_all(self, rates: Mapping[tuple[str, ...], Rate]) -> float:
        """Take one of each, or none: the longest wait when any is empty."""
        now = self._clock.monotonic()
        wait = max([self._wait(key, rate, now) for key, rate in rates.items()], default=0.0)
        if wait <= 0.0:
            for key, rate in rates.items():
                self._take(key, rate, now)
        return wait

    def charge(self, rates: Mapping[tuple[str, ...], Rate]) -> None:
        """Take one of each though there be none: it was taken elsewhere."""
        for key, rate in rates.items():
            if self.take(key, rate) > 0:
                bucket = self._buckets[key]
                bucket.level = max(-float(rate.count), bucket.level - 1.0)

    def wait(self, key: tuple[str, ...], rate: Rate) -> float:
        """Seconds until there is one to take; 0.0 when there is. Takes nothing."""
        return self._wait(key, rate, self._clock.monotonic())

    def _wait(self, key: tuple[str, ...], rate: Rate, now: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None or rate.count <= 0:
            return 0.0
        speed = rate.count / rate.seconds
        level = min(float(rate.count), bucket.level + (now - bucket.at) * speed)
        return 0.0 if level >= 1.0 else (1.0 - level) / speed

    def _make_room(self) -> None:
        """Drop the older half when there are too many; their owners start anew."""
        if len(self._buckets) >= self._max_keys:
            for key in list(self._buckets)[: self._max_keys // 2]:
                del self._buckets[key]
