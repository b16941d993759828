"""The program around the chats: its start, its memory, what it costs when nobody speaks."""

import time
import urllib.error
from collections.abc import Mapping, Sequence

from bench import machine
from bench.scale import Scale
from bench.sides import OURS, Failed, Side, Yard
from bench.table import Row, at_most, paced, times

NO_MODEL = {"BOT_MODELS_DEFAULT": "", "OPENAI_API_KEY": "", "BOT_ENDPOINT_OPENAI": ""}
"""No account anywhere: the offline model answers, and no model library is ever loaded."""
POLL_S = 0.002


def start(yard: Yard, scale: Scale) -> Sequence[Row]:
    """From the spawn on an empty folder to the first message that is safe on the disk."""
    took: dict[str, list[float]] = {"F": [], "ours": [], "again": []}
    for _ in range(scale.starts):
        for name in ("F", "ours"):
            side, seconds = _first_ack(yard, name)
            took[name].append(seconds)
            side.kill()
            if name == "ours":
                again, seconds = _first_ack(yard, "ours", side)
                took["again"].append(seconds)
                again.kill()
    first = min(_first_answer(yard) for _ in range(scale.starts))
    pace = yard.pace()
    best = {name: min(all_) for name, all_ in took.items()}
    usual = {name: sorted(all_)[len(all_) // 2] for name, all_ in took.items()}
    return (
        Row(
            what="cold start to the first durable ack, s",
            ours=f"{best['ours']:.2f}",
            plain=f"{best['F']:.2f}",
            ratio=times(best["ours"], best["F"], "F"),
            goal=paced(0.5, pace),
            ok=at_most(best["ours"], 0.5 * pace),
        ),
        Row(
            what="the same, median of all starts, s",
            ours=f"{usual['ours']:.2f}",
            plain=f"{usual['F']:.2f}",
        ),
        Row(what="start on its own earlier folder, s", ours=f"{best['again']:.2f}"),
        Row(
            what="very first answer, asked as the port opens, s",
            ours=f"{first:.2f}",
            goal=paced(0.3, pace),
            ok=at_most(first, 0.3 * pace),
        ),
    )


def _first_answer(yard: Yard) -> float:
    """Seconds from the first question of a fresh process to its answer, by LiteLLM's settings."""
    side = yard.start("ours")
    asked = time.perf_counter()
    side.post(
        "/v1/chat/completions",
        {"model": "bri", "messages": [{"role": "user", "content": "hello"}]},
    )
    took = time.perf_counter() - asked
    side.kill()
    return took


def _first_ack(yard: Yard, name: str, earlier: Side | None = None) -> tuple[Side, float]:
    began = time.perf_counter()
    side = yard.launch(name, folder=earlier.folder if earlier else None)
    while time.perf_counter() - began < 30:
        if side.process.poll() is not None:
            raise Failed(side.said())
        try:
            side.post("/v1/messages", {"text": "hello"})
            return side, time.perf_counter() - began
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_S)
    raise Failed(f"{name} did not start: {side.said()}")


def memory(yard: Yard, scale: Scale) -> Sequence[Row]:
    """Memory before the first turn, and with the model library loaded and one tool called."""
    quiet = yard.start("ours", NO_MODEL)
    time.sleep(3.0 if scale.starts > 1 else 0.1)
    before = machine.rss_kb(quiet.pid) / 1024
    quiet.stop()
    early = yard.start("ours")
    at_once = machine.rss_kb(early.pid) / 1024
    early.stop()
    held: dict[str, float] = {}
    for name in ("L", *OURS):
        side = yard.start(name)
        said = {"text": "please use the tool", "tools": name == "L"}
        side.load(kind="chat", turns=1, name="tool", **said)
        side.load(kind="chat", turns=5, name="after")
        side.rest()
        held[name] = machine.rss_kb(side.pid) / 1024
        side.stop()
    more = held["ours"] - held["L"]
    return (
        Row(
            what="memory before the first turn, no model set, MB",
            ours=f"{before:.0f}",
            goal="≤ 100",
            ok=at_most(before, 100),
        ),
        Row(what="the same at ready, a model set, MB", ours=f"{at_once:.0f}"),
        Row(
            what="memory with LiteLLM and a tool call made, MB",
            ours=f"{held['ours']:.0f}",
            litellm=f"{held['L']:.0f}",
            ratio=f"L {more:+.0f}",
            goal="≤ L + 45",
            ok=at_most(more, 45),
        ),
        Row(
            what="direct: memory with a tool call made, MB",
            ours=f"{held['direct']:.0f}",
            litellm=f"{held['L']:.0f}",
            ratio=f"L {held['direct'] - held['L']:+.0f}",
        ),
    )


def idle(yard: Yard, scale: Scale) -> Sequence[Row]:
    """CPU when nobody speaks, after the start has settled."""
    sides: Mapping[str, Side] = {
        "no model": yard.start("ours", NO_MODEL),
        "model": yard.start("ours"),
        "L": yard.start("L"),
    }
    sides["model"].load(kind="chat", turns=2, name="idle")
    for side in sides.values():
        side.rest()
    before = {name: machine.cpu_s(side.pid) for name, side in sides.items()}
    time.sleep(scale.idle_s)
    used = {
        name: (machine.cpu_s(side.pid) - before[name]) / scale.idle_s * 100
        for name, side in sides.items()
    }
    for side in sides.values():
        side.stop()
    return (
        Row(
            what="CPU when idle, %",
            ours=f"{used['model']:.2f}",
            litellm=f"{used['L']:.2f}",
            goal="≤ 0.5",
            ok=at_most(used["model"], 0.5),
        ),
        Row(what="the same without a model, %", ours=f"{used['no model']:.2f}"),
    )
