"""Slack's channel, put together: `make(lent)` gives what the house listens to and sends through.

https://docs.slack.dev/apis/ (read 2026-11-21)
"""

from bot.platforms.lent import Lent
from channels.slack.agents import Agents
from channels.slack.settings import read


def make(lent: Lent) -> Agents:
    """The channel. Raises OperatorError, naming the setting that is missing."""
    return Agents(lent, read(lent))
