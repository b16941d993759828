"""A deed of the clock: what to say to whom, and when."""

from datetime import datetime
from enum import StrEnum

from bot.core.ids import AgentName, ConvId, PersonId, ScheduleId, TenantId
from bot.frozen import frozen


class ScheduleState(StrEnum):
    """Whether it fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


@frozen
class Schedule:
    """One schedule, as stored."""

    id: ScheduleId
    tenant: TenantId
    words: str
    """As the person said it: `every weekday at 9`."""
    trigger: str
    """A cron line of five fields, or an instant as ISO 8601."""
    zone: str
    """IANA time zone that the words are meant in."""
    prompt: str
    """What the agent is told when it fires."""
    agent: AgentName
    person: PersonId | None
    conv: ConvId
    state: ScheduleState
    next_at: datetime | None
    last_at: datetime | None = None
    tainted: bool = False
    version: int = 1
    created_at: datetime
