"""Where the time goes, printed short: one turn by function, and the imports of a start.

Not a measurement beside floors but the first look when a goal is missed. A sample is charged to
the innermost frame of ours or of a named library; what the standard library does is charged to
whoever called it.
"""

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.machine import PYTHON, ROOT, cpu_s, threads_cpu_s
from bench.scale import Scale
from bench.sides import Yard

LIBRARIES = ("litellm", "openai", "httpx", "aiohttp", "pydantic", "sqlalchemy")
OURS = ("bot", "agents", "tools", "scheduler", "channels")
SHOWN = 28


def profile(yard: Yard, scale: Scale) -> None:
    """Print both."""
    _turn(yard, scale)
    _imports()


def _turn(yard: Yard, scale: Scale) -> None:
    out = yard.folder / "samples.json"
    side = yard.start("ours", words=["-m", "bench.profiled", str(out)])
    side.load(kind="chat", turns=30, name="warm", renew=10)
    side.rest()
    threads = threads_cpu_s(side.pid)
    before = cpu_s(side.pid)
    side.process.send_signal(signal.SIGUSR1)
    seen = side.load(kind="chat", turns=scale.turns * 5, name="profile", renew=10)
    turn_us = (cpu_s(side.pid) - before) / seen.done * 1e6
    after = threads_cpu_s(side.pid)
    side.stop()
    samples = [(tuple(stack), n) for stack, n in json.loads(out.read_text())]
    total = sum(n for _, n in samples)
    print(f"\nOne turn: {turn_us:.0f} µs of CPU, {total} samples")
    for name, used in sorted(after.items(), key=lambda item: threads.get(item[0], 0) - item[1]):
        spent = (used - threads.get(name, 0)) / seen.done * 1e6
        if spent >= 1:
            print(f"  thread {name}: {spent:.0f} µs")
    parts: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for stack, n in samples:
        part, line = charge(stack)
        parts[part] += n
        lines[line] += n
    for title, counted in (("by part", parts), ("by function", lines)):
        print(f"  {title}")
        for name, n in counted.most_common(SHOWN):
            print(f"    {n / total * turn_us:7.0f} µs  {name}")


def charge(stack: Sequence[str]) -> tuple[str, str]:
    """The part of the program and the function that a sample is charged to."""
    library = next((lib for lib in ("litellm", "openai") if any(_is(f, lib) for f in stack)), "")
    for frame in stack:
        path, _, name = frame.split(":")
        for lib in LIBRARIES:
            if _is(frame, lib):
                part = library or lib
                return part, f"{lib}: {Path(path).name}:{name}" if not library else part
        if _is_ours(path):
            short = str(Path(path).relative_to(ROOT))
            return library or short, library or f"{short}:{frame.split(':')[1]} {name}"
    if stack and stack[-1].startswith("thread:0:"):
        return "writer thread", "writer thread"
    return "event loop", "event loop"


def _is(frame: str, library: str) -> bool:
    return f"/site-packages/{library}/" in frame


def _is_ours(path: str) -> bool:
    return path.startswith(tuple(f"{ROOT}/{top}/" for top in OURS))


def _imports() -> None:
    done = subprocess.run(
        [PYTHON, "-X", "importtime", "-c", "import bot.cli.run, bot.cli.shell, bot.app"],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    own: Counter[str] = Counter()
    total = 0
    for line in done.stderr.decode().splitlines()[1:]:
        alone, _, name = line.removeprefix("import time:").split("|")
        own[name.strip().split(".")[0]] += int(alone)
        total += int(alone)
    print(f"\nImports of a start: {total / 1000:.0f} ms, by top package")
    for name, took in own.most_common(14):
        print(f"    {took / 1000:7.1f} ms  {name}")
