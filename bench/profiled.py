"""Our program with a sampler inside: `python -m bench.profiled OUT` is `bot run`, watched.

From SIGUSR1 on, each millisecond of CPU that the process uses (the kernel's tick permitting) one
stack is noted; at the end they are written to OUT as JSON, innermost frame first. While the main
thread waits for its sockets it is the writer thread that works, so its stack is noted then.
"""

import json
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

from bot.cli.main import main

Stack = tuple[str, ...]
SEEN: Counter[Stack] = Counter()
DEPTH = 60


def stack_of(frame: FrameType | None) -> Stack:
    """File, line and function of each frame, innermost first."""
    found: list[str] = []
    while frame and len(found) < DEPTH:
        code = frame.f_code
        found.append(f"{code.co_filename}:{frame.f_lineno}:{code.co_name}")
        frame = frame.f_back
    return tuple(found)


def note(_: int, frame: FrameType | None) -> None:
    """Note who works."""
    if frame and frame.f_code.co_name == "select":
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, other in sys._current_frames().items():
            if names.get(ident) == "store":
                SEEN[(*stack_of(other), "thread:0:store")] += 1
                return
    SEEN[stack_of(frame)] += 1


def begin(_: int, __: FrameType | None) -> None:
    """Start sampling."""
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    signal.signal(signal.SIGPROF, note)
    signal.signal(signal.SIGUSR1, begin)
    try:
        code = main(["run"])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write_text(json.dumps([[list(stack), n] for stack, n in SEEN.items()]))
    sys.exit(code)
