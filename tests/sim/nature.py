"""What a seed does to the engine: a disk, a vendor, channels and a model that misbehave.

Each has its own stream of chance, so that a change to one leaves the others as they were. Nature
is stormy until `calm()`; then everything works, and what is unfinished must come to its end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bot.core.errors import OperatorError, VendorUnknown
from bot.core.model import ModelRequest
from tests.fakes.model import Answer, Call, call, last_words, say
from tests.fakes.vendor import ASKED, AUTO, READS, Fate

FATES = (
    (Fate.DONE, 55),
    (Fate.REFUSED, 8),
    (Fate.BUSY, 8),
    (Fate.LOST, 8),
    (Fate.SILENT, 12),
    (Fate.LATE, 4),
    (Fate.BLIND, 5),
)
ON_CHANNEL = ((Fate.DONE, 90), (Fate.REFUSED, 3), (Fate.LOST, 3), (Fate.SILENT, 4))
DELAYS_S = (0.0, 0.0, 0.001, 0.01, 0.1, 0.5)


@dataclass
class Nature:
    """The streams of one seed."""

    seed: int
    storm: bool = True
    faults: float = 1.0
    """How often the disk fails, as a factor."""
    made: int = 0
    disk: Random = field(init=False)
    vendor: Random = field(init=False)
    mind: Random = field(init=False)
    people: Random = field(init=False)
    death: Random = field(init=False)

    def __post_init__(self) -> None:
        for name in ("disk", "vendor", "mind", "people", "death"):
            setattr(self, name, Random(f"{self.seed}:{name}"))

    def calm(self) -> None:
        """From now on everything works."""
        self.storm = False

    # The disk.

    def delay_s(self) -> float:
        """How long a commit or a read takes; now and then seconds."""
        if self.storm and self.disk.random() < 0.004 * self.faults:
            return self.disk.uniform(0.5, 6.0)
        return self.disk.random() * 0.003

    def commit(self) -> str:
        """What becomes of a commit."""
        if not self.storm:
            return "ok"
        drawn = self.disk.random() / (self.faults or 1e-9)
        return "refused" if drawn < 0.008 else "silent" if drawn < 0.016 else "ok"

    # The vendor and the channels.

    def fate(self, tool: str) -> Fate:
        """What becomes of a call of a tool, or of a channel's send."""
        if not self.storm:
            return Fate.DONE
        table = FATES if tool in (*AUTO, *ASKED) else ON_CHANNEL
        return self.vendor.choices([f for f, _ in table], [w for _, w in table])[0]

    async def delay(self, _: str) -> float:
        """On the way there, or back; less than the engine waits before it looks something up."""
        span = self.vendor.choice(DELAYS_S)
        await asyncio.sleep(span)
        return span

    # The model.

    async def think(self, request: ModelRequest) -> Answer:
        """Answer, or ask for tools, or fail."""
        mind = self.mind
        await asyncio.sleep(mind.choice((0.0, 0.01, 0.2, 1.5)))
        since = next(
            n for n, message in enumerate(reversed(request.messages)) if message.role == "user"
        )
        told = last_words(request)
        if since > 6 or (since and mind.random() < 0.5):
            return say(f"So it is. {self._next()}")
        if told.startswith("[outcome]") and mind.random() < 0.85:
            return say(f"Noted. {self._next()}")
        return self._choose()

    def _choose(self) -> Answer:
        mind = self.mind
        drawn = mind.random()
        if drawn < 0.30:
            return say(f"Hello. {self._next()}")
        if drawn < 0.38:
            return call(self._given(mind.choice(READS)))
        if drawn < 0.60:
            return call(self._given(mind.choice(AUTO)), text=mind.choice(("", "One moment.")))
        if drawn < 0.80:
            return call(*(self._given(name) for name in self._some(ASKED)))
        if drawn < 0.88:
            return call(*(self._given(name) for name in self._some((*AUTO, *ASKED, *READS))))
        if drawn < 0.92:
            broken: Sequence[Call] = (
                ("none_auto", "{broken"),
                ("none_auto", {"text": 7}),
                ("no_such_tool", {}),
                ("keyed_ask", {"text": "", "more": 1}),
            )
            return call(mind.choice(broken))
        if drawn < 0.95:
            return call(("hand_off", {"agent": mind.choice(("bri", "kelly", "nobody"))}))
        if drawn < 0.97:
            return say("")
        failures = (VendorUnknown("The model hangs."), OperatorError("No key."), RuntimeError("x"))
        return mind.choice(failures) if self.storm else say("All is well again.")

    def _some(self, names: Sequence[str]) -> list[str]:
        return self.mind.choices(names, k=self.mind.randint(1, 3))

    def _given(self, name: str) -> Call:
        return name, {"text": f"words {self._next()}"}

    def _next(self) -> int:
        self.made += 1
        return self.made
