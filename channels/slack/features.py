"""What Slack can show, as data for whoever renders.

https://docs.slack.dev/reference/block-kit/blocks (read 2026-11-21)
"""

from typing import Final

from bot.core.channel import Dialect, Features
from bot.core.effect import Policy

MAX_CHARS: Final = 3_000
"""Of one message: a section of blocks takes no more, and below an answer stand its buttons."""
FEATURES: Final = Features(
    dialect=Dialect.SLACK,
    max_chars=MAX_CHARS,
    buttons=True,
    forms=True,
    threads=True,
    media=True,
    draft_s=1.5,
    policy=Policy.READBACK,
)
