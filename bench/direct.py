"""Rows of the direct transport: the whole program, with models asked past LiteLLM, beside floor F.

Measured in the same rounds as the other sides (`chats.py`); here stand its rows and goals.
"""

from collections.abc import Mapping, Sequence

from bench.load import Seen
from bench.table import Row, at_most, times

Numbers = Mapping[str, float]


def latency(p50: Numbers, p99: Numbers) -> Sequence[Row]:
    """What a person waits for beside the model."""
    even = p99["direct"] / p50["direct"]
    return (
        Row(
            what="direct: added latency p50, ms",
            ours=f"{p50['direct']:.2f}",
            plain=f"{p50['F']:.2f}",
            ratio=times(p50["direct"], p50["F"], "F"),
            goal="≤ 3 × F",
            ok=at_most(p50["direct"], 3 * p50["F"]),
        ),
        Row(
            what="direct: added latency p99, ms",
            ours=f"{p99['direct']:.2f}",
            plain=f"{p99['F']:.2f}",
            ratio=f"{even:.2f} × own p50",
        ),
    )


def cpu(turn: Numbers, client: float) -> Sequence[Row]:
    """CPU of a turn, and of its model's client alone, in milliseconds."""
    return (
        Row(
            what="direct: CPU of a turn, ms",
            ours=f"{turn['direct']:.2f}",
            plain=f"{turn['F']:.2f}",
            ratio=times(turn["direct"], turn["F"], "F"),
        ),
        Row(what="direct: CPU of the model client alone, ms", ours=f"{client:.2f}"),
    )


def rate(many: int, rates: Numbers, cpu_s: Numbers) -> Sequence[Row]:
    """Turns a second on one core."""
    return (
        Row(
            what=f"direct: turns/s a core, {many} conversations",
            ours=f"{rates['direct']:.0f}",
            plain=f"{rates['F']:.0f}",
            ratio=times(rates["direct"], rates["F"], "F"),
            goal="≥ 0.3 × F",
            ok=rates["direct"] >= 0.3 * rates["F"],
        ),
        Row(
            what="direct: CPU of a turn, ms",
            ours=f"{cpu_s['direct'] * 1000:.2f}",
            plain=f"{cpu_s['F'] * 1000:.2f}",
        ),
    )


def crowd(
    many: int, seen: Sequence[Seen], p99: Numbers, memory: Numbers, most: int
) -> Sequence[Row]:
    """Hundreds at once; `most` is how many the model had before it at a time."""
    done, lost = min(each.done for each in seen), sum(each.lost for each in seen)
    return (
        Row(
            what=f"direct: answered, {many} conversations of 2",
            ours=f"{done}",
            goal="all",
            ok=not lost and done == 2 * many,
        ),
        Row(
            what="direct: before the model at once",
            ours=f"{most}",
            goal=f"{many}",
            ok=most == many,
        ),
        Row(
            what="direct: p99, model at 500 ms, ms",
            ours=f"{p99['direct']:.0f}",
            plain=f"{p99['F']:.0f}",
            ratio=times(p99["direct"], p99["F"], "F"),
            goal="≤ 1.4 × F",
            ok=at_most(p99["direct"], 1.4 * p99["F"]),
        ),
        Row(
            what="direct: memory of a conversation, kB",
            ours=f"{memory['direct']:.0f}",
            plain=f"{memory['F']:.0f}",
            goal="≤ 50",
            ok=at_most(memory["direct"], 50),
        ),
    )
