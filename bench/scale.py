"""How much is measured: the whole, or the least that still runs every line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.sides import Yard
from bench.table import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes of all benchmarks; a promise is only judged at the whole size."""

    rounds: int = 3
    turns: int = 200
    """At one conversation, in each round."""
    seconds: float = 3.0
    """Of throughput, in each round."""
    many: int = 64
    crowd: int = 512
    crowd_rounds: int = 2
    crowd_s: float = 4.0
    """Of each crowd on a platform."""
    lone: int = 9
    """Turns of one conversation on a platform."""
    burst: int = 2000
    acks: int = 200
    """Events a second."""
    acks_s: float = 10.0
    growth: int = 5000
    starts: int = 5
    idle_s: float = 10.0
    engine_rounds: int = 4
    engine_s: float = 2.0
    kills: int = 20
    messages: int = 50


WHOLE = Scale()
SMALL = Scale(
    rounds=1,
    turns=5,
    seconds=0.3,
    many=4,
    crowd=8,
    crowd_rounds=1,
    crowd_s=0.6,
    lone=1,
    burst=20,
    acks=20,
    acks_s=1.0,
    growth=20,
    starts=1,
    idle_s=0.5,
    engine_rounds=1,
    engine_s=0.3,
    kills=1,
    messages=6,
)

Bench = Callable[[Yard, Scale], Sequence[Row]]
SIDES = ("F", "L", "ours")
"""In the order in which each round takes them."""
