"""A named agent: who it is, what it may use, where it lives, what it may spend."""

from bot.core.ids import AgentName
from bot.core.model import Task
from bot.frozen import field, frozen


@frozen
class Limits:
    """Caps of one turn, each ending in a plain message."""

    steps: int = 12
    """Model calls."""
    depth: int = 3
    """Hand-offs in a row."""
    tokens: int = 60_000
    money_micros: int = 1_000_000
    """Millionths of a US dollar."""
    wall_s: float = 300.0
    per_minute: int = 0
    """Messages to this agent, per channel and minute; 0 is no limit."""
    per_hour: int = 0
    per_day: int = 0


@frozen
class Agent:
    """One agent of the team, as a turn pins it."""

    name: AgentName
    title: str
    """What it does, in a few words, for lists."""
    prompt: str
    version: str
    """A hash of its text; a turn keeps the version it began with."""
    model: str = ""
    task: Task = Task.REASON
    tools: tuple[str, ...] = ()
    """Names, or `group.*`; with those of `more`."""
    more: tuple[str, ...] = ()
    """Those of them that are described to the model only when it asks for them."""
    channels: tuple[str, ...] = ()
    """Where it may be spoken to; empty means everywhere."""
    addresses: tuple[str, ...] = ()
    """Its e-mail addresses and numbers."""
    policy: dict[str, str] = field(default_factory=dict)
    """Tool name → auto, ask or deny; may narrow what the tenant allows, never widen it."""
    schedule: str = ""
    lead: AgentName | None = None
    """Its place in the team chart; hand-offs follow it."""
    limits: Limits = Limits()
    emoji: str = ""
