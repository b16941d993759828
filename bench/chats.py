"""Chats through `/v1/chat/completions`: latency, CPU, throughput, a crowd, memory over many turns.

Every row takes the sides in turn, round after round, and keeps the best of each: a noisy
neighbour only ever adds. The model is the stub, at 0 ms unless the row says otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench import direct, machine
from bench.house import NO_MODEL
from bench.load import Plan, Seen
from bench.model_client import measure
from bench.scale import SIDES, Scale
from bench.sides import Yard, play
from bench.table import Row, at_most, paced, times

ALL = (*SIDES, "direct")


def added_latency(yard: Yard, scale: Scale) -> Sequence[Row]:
    """One person, one thing at a time; what the stub itself takes is subtracted."""
    seen: dict[str, list[Seen]] = {name: [] for name in (*ALL, "long", "stub", "built in")}
    quiet = yard.start("ours", NO_MODEL)
    for n in range(scale.rounds):
        words: dict[str, Any] = {"kind": "chat", "turns": scale.turns, "warm": 3}
        words["name"] = f"latency{n}"
        for name in ALL:
            seen[name].append(yard.kept(name).load(**words, renew=10))
        seen["long"].append(yard.kept("ours").load(**{**words, "warm": 45, "name": f"long{n}"}))
        seen["built in"].append(quiet.load(**words, renew=10, answer="offline model"))
        seen["stub"].append(play(Plan(port=yard.stub_port, pid=yard.stub_pid, **words)))
    quiet.stop()
    own = min(each.p50_ms for each in seen["stub"])
    p50 = {name: min(each.p50_ms for each in all_) - own for name, all_ in seen.items()}
    p99 = {name: min(each.p99_ms for each in all_) - own for name, all_ in seen.items()}
    even = p99["ours"] / p50["ours"]
    return (
        _row(
            "added latency p50, ms",
            p50,
            "{:.2f}",
            ratio=times(p50["ours"], p50["L"], "L"),
            goal="≤ 1.5 × L",
            ok=at_most(p50["ours"], 1.5 * p50["L"]),
        ),
        _row(
            "added latency p99, ms",
            p99,
            "{:.2f}",
            ratio=f"{even:.2f} × own p50",
            goal="≤ 2 × own p50",
            ok=at_most(even, 2),
        ),
        Row(
            what="p50 with 80 lines of history, ms",
            ours=f"{p50['long']:.2f}",
            litellm=f"{p50['L']:.2f}",
            ratio=times(p50["long"], p50["L"], "L"),
        ),
        *_own_cpu(yard, scale, seen),
        *direct.latency(p50, p99),
        *direct.cpu(_turn_ms(seen), measure(yard, scale, "direct")),
    )


def _turn_ms(seen: Mapping[str, Sequence[Seen]]) -> Mapping[str, float]:
    """CPU of a turn, at its best."""
    return {
        name: min(each.cpu_s / each.done for each in seen[name]) * 1000
        for name in (*ALL, "built in")
    }


def _own_cpu(yard: Yard, scale: Scale, seen: Mapping[str, Sequence[Seen]]) -> Sequence[Row]:
    """CPU of a turn beside that of its model call, alone in a process of its own."""
    turn = _turn_ms(seen)
    same = measure(yard, scale, "ours")
    plain = measure(yard, scale, "L")
    own, usual = turn["ours"] - same, turn["ours"] - plain
    pace = yard.pace()
    return (
        _row("CPU of a turn, ms", turn, "{:.2f}"),
        Row(
            what="CPU of the model client alone, ms",
            ours=f"{same:.2f}",
            litellm=f"{plain:.2f}",
        ),
        Row(
            what="own CPU beside the model client, ms",
            ours=f"{own:.2f}",
            plain=f"{turn['F']:.2f}",
            litellm=f"{turn['L'] - plain:.2f}",
            ratio=f"{usual:.2f} beside L's call",
            goal=paced(1, pace),
            ok=at_most(own, pace),
        ),
        Row(what="CPU of a turn of the built-in model, ms", ours=f"{turn['built in']:.2f}"),
    )


def throughput(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Turns a second on one core, with many conversations in a closed loop."""
    seen: dict[str, list[Seen]] = {name: [] for name in ALL}
    for n in range(scale.rounds):
        for name in ALL:
            words = {"conversations": scale.many, "seconds": scale.seconds, "warm": 1}
            seen[name].append(yard.kept(name).load(kind="chat", name=f"rate{n}", **words))
    rate = {name: max(each.done / each.seconds for each in all_) for name, all_ in seen.items()}
    cpu = {name: min(each.cpu_s / each.done for each in all_) for name, all_ in seen.items()}
    own = cpu["ours"] * 1000 - measure(yard, scale, "ours")
    return (
        _row(
            f"turns/s a core, {scale.many} conversations",
            rate,
            "{:.0f}",
            ratio=times(rate["ours"], rate["L"], "L"),
            goal="≥ 0.8 × L",
            ok=rate["ours"] >= 0.8 * rate["L"],
        ),
        _row("CPU of a turn, ms", {name: value * 1000 for name, value in cpu.items()}, "{:.2f}"),
        Row(
            what="own CPU beside the model client, ms",
            ours=f"{own:.2f}",
            goal=paced(1, yard.pace()),
            ok=at_most(own, yard.pace()),
        ),
        *direct.rate(scale.many, rate, cpu),
    )


def crowd(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Hundreds of conversations with a model that takes half a second."""
    seen: dict[str, list[Seen]] = {name: [] for name in ALL}
    each_kb: dict[str, list[float]] = {name: [] for name in ALL}
    most: dict[str, int] = {}
    for n in range(scale.crowd_rounds):
        for name in ALL:
            side = yard.kept(name)
            side.rest()
            before = machine.rss_kb(side.pid)
            machine.forget_peak(side.pid)
            yard.most_at_once()
            words = {"conversations": scale.crowd, "turns": 2, "text": "delay 500"}
            seen[name].append(side.load(kind="chat", name=f"crowd{n}", **words))
            most[name] = max(yard.most_at_once(), most.get(name, 0))
            each_kb[name].append((machine.peak_kb(side.pid) - before) / scale.crowd)
    p99 = {name: min(each.p99_ms for each in all_) for name, all_ in seen.items()}
    # Of a heap that has grown already, a later round takes less: the first one counts.
    memory = {name: all_[0] for name, all_ in each_kb.items()}
    done = {name: all_[0].done for name, all_ in seen.items()}
    lost = sum(each.lost for each in seen["ours"])
    return (
        _row(
            f"answered, {scale.crowd} conversations of 2",
            done,
            "{:.0f}",
            goal="all",
            ok=not lost and all(each.done == 2 * scale.crowd for each in seen["ours"]),
        ),
        _row(
            "p99, model at 500 ms, ms",
            p99,
            "{:.0f}",
            ratio=times(p99["ours"], p99["L"], "L"),
            goal="≤ 1.2 × L",
            ok=at_most(p99["ours"], 1.2 * p99["L"]),
        ),
        _row(
            "memory of a conversation at the peak, kB",
            memory,
            "{:.0f}",
            ratio=f"L {memory['ours'] - memory['L']:+.0f}",
            goal="≤ L + 50",
            ok=at_most(memory["ours"] - memory["L"], 50),
        ),
        *direct.crowd(scale.crowd, seen["direct"], p99, memory, most["direct"]),
    )


def growth(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Memory over thousands of turns, after as many that fill what is meant to be kept."""
    grown: dict[str, float] = {}
    held: dict[str, float] = {}
    for name in ("L", "ours"):
        side = yard.kept(name)
        words: dict[str, Any] = {"kind": "chat", "conversations": scale.many, "renew": 10}
        side.load(**words, turns=max(1, scale.growth // scale.many // 2), name="fill")
        before = machine.rss_kb(side.pid)
        side.load(**words, turns=-(-scale.growth // scale.many), name="grow")
        held[name] = machine.rss_kb(side.pid) / 1024
        grown[name] = (held[name] - before / 1024) / (before / 1024) * 100
    return (
        _row(
            f"memory grown over {scale.growth} turns, %",
            grown,
            "{:+.2f}",
            goal="≤ 1",
            ok=at_most(grown["ours"], 1),
        ),
        _row("memory then, MB", held, "{:.0f}"),
    )


def burst(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Messages all at once: how long until the last one is acknowledged, durably."""
    seen: dict[str, list[Seen]] = {name: [] for name in SIDES}
    for n in range(2):
        for name in SIDES:
            side = yard.kept(name)
            words = {"conversations": scale.burst, "name": f"burst{n}"}
            seen[name].append(side.load(kind="burst", **words))
            side.rest()
    pace = yard.pace()
    last = {name: min(each.max_ms for each in all_) / 1000 for name, all_ in seen.items()}
    lost = sum(each.lost for each in seen["ours"])
    wrong = next((each.wrong[0] for each in seen["ours"] if each.wrong), "")
    return (
        _row(
            f"last durable ack of {scale.burst} at once, s",
            last,
            "{:.2f}",
            ratio=f"{lost} refused: {wrong[:40]}" if lost else times(last["ours"], last["L"], "L"),
            goal=paced(1, pace),
            ok=not lost and at_most(last["ours"], pace),
        ),
    )


def _row(
    what: str,
    values: Mapping[str, float],
    form: str,
    *,
    ratio: str = "",
    goal: str = "",
    ok: bool | None = None,
) -> Row:
    """A row of one number for each side."""
    cell = {name: form.format(value) for name, value in values.items()}
    return Row(
        what=what,
        ours=cell["ours"],
        plain=cell.get("F", ""),
        litellm=cell.get("L", ""),
        ratio=ratio,
        goal=goal,
        ok=ok,
    )
