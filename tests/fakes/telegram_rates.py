"""How fast Telegram may be written to, counted over windows that slide.

About 1 message a second in a chat (short bursts pass), 20 a minute in a group, 30 a second in all;
edits and drafts count.
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this (read 2026-11-21)
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """So many in so many seconds."""

    count: int
    seconds: float


CHAT = (Window(3, 1.0), Window(12, 10.0))
"""One a second, with a little burst."""
GROUP = (Window(20, 60.0),)
ALL = (Window(30, 1.0),)


class Rates:
    """Counts what was sent."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[Hashable, deque[float]] = defaultdict(deque)

    def take(self, chat: int, is_group: bool) -> float:
        """Count one; returns how many seconds too early it is, 0 when it is in time."""
        now = self._clock()
        wait = max(
            self._early(chat, (*CHAT, *GROUP) if is_group else CHAT, now), self._early("", ALL, now)
        )
        if wait == 0:
            self._sent[chat].append(now)
            self._sent[""].append(now)
        return wait

    def _early(self, key: Hashable, windows: Sequence[Window], now: float) -> float:
        sent, wait = self._sent[key], 0.0
        while sent and now - sent[0] > max(each.seconds for each in windows):
            sent.popleft()
        for each in windows:
            recent = [at for at in sent if now - at < each.seconds]
            if len(recent) >= each.count:
                wait = max(wait, recent[-each.count] + each.seconds - now)
        return wait
