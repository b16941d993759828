"""Our program without its budgets for platforms: `python -m bench.unpaced run` is `bot run`.

A platform may be written to so often and no oftener, and the program keeps to that by waiting. Here
the played platforms bear everything, so that what is measured is the program and not the wait. What
may be dropped (drafts, typing) is dropped as ever.
"""

import sys

from bot.cli.main import main
from bot.platforms.pacing import Pace


async def at_once(self: Pace, place: str) -> None:
    """Wait for nothing."""


if __name__ == "__main__":
    Pace.turn = at_once  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
