"""What the floors ask of one another. Each port is owned by who calls it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.agent import Agent
from bot.core.canonical import Json
from bot.core.effect import Effect, Outcome
from bot.core.event import Event
from bot.core.ids import AgentName, ConvId, PersonId, ScheduleId, TenantId, make_id
from bot.core.model import ModelReply, ModelRequest, Usage
from bot.core.route import Explanation
from bot.core.schedule import Schedule, ScheduleState
from bot.frozen import field, frozen


class Clock(Protocol):
    """Time and chance, so that a test can hold both still."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def chance(self, size: int) -> bytes:
        """Random bytes."""


def new_id(clock: Clock, prefix: str) -> str:
    """A fresh id of the house."""
    return make_id(prefix, clock.now(), clock.chance(10))


class Performer(Protocol):
    """Does an effect: a tool, or a channel's send."""

    async def perform(self, effect: Effect) -> Outcome:
        """Do it. Never raises for what a vendor does: that is an Outcome."""

    async def find(self, effect: Effect) -> Outcome | None:
        """Look up whether it was done; None when it surely was not."""


OnText = Callable[[str], None]


class Model(Protocol):
    """A language model behind the one door."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelReply:
        """Ask once; `on_text` gets pieces of the answer as they come.

        Raises OperatorError (key, settings, unreachable) or VendorError (the provider failed);
        the message is written for the person and names the next step.
        """

    def reserve(self, request: ModelRequest) -> Usage:
        """The most that this call can cost; `micros` None when the price is unknown."""


class Agents(Protocol):
    """The team, as it stands now."""

    def get(self, tenant: TenantId, name: str) -> Agent | None: ...

    def all(self, tenant: TenantId) -> Sequence[Agent]: ...


class Inbox(Protocol):
    """The one door: everything that happens outside enters here."""

    async def accept(self, event: Event) -> "Accepted":
        """Store it durably, once. Return after the commit: acknowledge only then."""


@frozen
class Accepted:
    """An event that is safe."""

    event: str
    conv: ConvId
    duplicate: bool = False
    """It was here before; nothing was stored."""
    same: bool = True
    """For a duplicate: it said the same as the first time."""
    queued: bool = False
    """It waits for a place among the open turns."""
    reply: str = ""
    """What a control event is answered with, for the vendor's own response."""


class Routes(Protocol):
    """Who would answer this, and why."""

    async def explain(self, event: Event) -> Explanation: ...


@frozen
class Memo:
    """One remembered thing."""

    id: str
    text: str
    source: str
    """Where it came from, in words."""
    trusted: bool
    person: PersonId | None
    agent: AgentName
    at: datetime
    conv: str = ""
    event: str = ""
    """The event in whose turn it was kept; its files are named in `source`."""


class Memory(Protocol):
    """What an agent keeps about a person."""

    async def remember(self, tenant: TenantId, memo: Memo) -> None: ...

    async def recall(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, query: str
    ) -> Sequence[Memo]: ...

    async def forget(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, memo: str
    ) -> bool: ...


class Schedules(Protocol):
    """The clock's book."""

    async def add(self, schedule: Schedule) -> None: ...

    async def list(self, tenant: TenantId, conv: ConvId | None = None) -> Sequence[Schedule]: ...

    async def change(
        self, tenant: TenantId, schedule: ScheduleId, state: ScheduleState
    ) -> Schedule | None:
        """Pause, resume or cancel; None when there is no such schedule."""

    def plan(self, words: str, zone: str, now: datetime) -> tuple[str, datetime]:
        """Turn plain words into a trigger and its first time; Invalid when not understood."""


@frozen
class Page:
    """What an outside address answered."""

    url: str
    """After redirects."""
    status: int
    media_type: str
    body: bytes
    text: str = ""
    """Readable text, when the body is HTML or text."""
    title: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in small letters."""


class Fetcher(Protocol):
    """The one fetcher of outside addresses."""

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int = 2_000_000,
        timeout_s: float = 15.0,
    ) -> Page:
        """Fetch one address; Invalid when it is not one that may be asked.

        VendorRefused when surely nothing was sent, VendorUnknown when the answer is missing.
        """


@frozen
class House:
    """What the house lends to its own tools."""

    memory: Memory
    schedules: Schedules
    fetcher: Fetcher
    agents: Agents


class Live(Protocol):
    """What people who watch a conversation see while it happens. Never waits, never fails."""

    def is_watched(self, tenant: TenantId, conv: ConvId, turn: str) -> bool:
        """Whether somebody wants the text of this conversation as it comes."""

    def begin(self, tenant: TenantId, conv: ConvId, turn: str, attempt: int) -> None:
        """A turn starts (again): watchers drop an earlier draft of it."""

    def text(self, tenant: TenantId, conv: ConvId, turn: str, delta: str) -> None:
        """A piece of the answer."""

    def activity(self, tenant: TenantId, conv: ConvId, turn: str, text: str) -> None:
        """What is being done, in plain words; empty when it is over."""

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        """The turn is over and committed; `line` is its message as the API shows it, or empty."""

    def tell(self, tenant: TenantId, conv: ConvId, what: str, data: Mapping[str, Json]) -> None:
        """Anything else: `approval`, `state`, `message`, `error`."""
