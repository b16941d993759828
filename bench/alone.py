"""The engine alone beside the loop that one writes first, each in a process of its own."""

import subprocess
from collections.abc import Sequence

from bench.machine import PYTHON, ROOT
from bench.scale import Scale
from bench.sides import Yard
from bench.table import Row

CONVERSATIONS = 16


def engine(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Turns a second at 16 conversations; both sides use all cores."""
    rates: dict[str, list[float]] = {"naive": [], "ours": []}
    for _ in range(scale.engine_rounds):
        for kind, found in rates.items():
            found.append(_rate(kind, scale.engine_s))
    best = {kind: max(found) for kind, found in rates.items()}
    return (
        Row(
            what=f"engine alone, {CONVERSATIONS} conversations, turns/s",
            ours=f"{best['ours']:.0f}",
            plain=f"{best['naive']:.0f} (naive)",
            ratio=f"{best['ours'] / best['naive']:.1f} × naive",
            goal="≥ 8 × naive",
            ok=best["ours"] >= 8 * best["naive"],
        ),
    )


def _rate(kind: str, seconds: float) -> float:
    words = [kind, "--seconds", str(seconds), "--conversations", str(CONVERSATIONS)]
    done = subprocess.run(
        [PYTHON, "-m", "bench.engine", *words],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    return float(done.stdout.split()[-1])
