"""Our program with two clocks inside: `python -m bench.watched OUT` is `bot run`, watched.

It notes the processor time that the whole process uses between a webhook's request and its answer,
and how much each round of the loop takes. On a machine that others use as well these say what the
wall clock does not: how much of our own work stands before an acknowledgement. At SIGUSR1 both are
written to OUT as JSON, in milliseconds, and forgotten.
"""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.cli.main import main
from bot.wiring.listeners import Listeners

ACKS: list[float] = []
ROUNDS: list[float] = []


def watch() -> None:
    """Put the clocks in."""
    really, once = Listeners._webhook, asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]

    async def webhook(self: Listeners, request: web.Request) -> web.StreamResponse:
        began = time.process_time()
        try:
            return await really(self, request)
        finally:
            ACKS.append((time.process_time() - began) * 1000)

    def run_once(self: Any) -> None:
        began = time.thread_time()
        once(self)
        ROUNDS.append((time.thread_time() - began) * 1000)

    Listeners._webhook = webhook  # type: ignore[method-assign]
    asyncio.BaseEventLoop._run_once = run_once  # type: ignore[attr-defined]


def tell(out: Path) -> None:
    """Write what was noted."""
    out.write_text(json.dumps({"acks": ACKS, "rounds": ROUNDS}))
    ACKS.clear()
    ROUNDS.clear()


if __name__ == "__main__":
    file = Path(sys.argv[1])
    signal.signal(signal.SIGUSR1, lambda *_: tell(file))
    watch()
    sys.exit(main(["run"]))
