"""What a tool is: a declaration and up to three functions.

A tool file declares `TOOLS`, a tuple of `Tool`. `perform` does the deed, `find` looks up whether
it was done, `preview` shows what will be done. The docstring of `perform` is what a model reads.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Protocol, Self

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.ids import AgentName, ConvId, EffectId, EventId, PersonId, TenantId
from bot.core.model import ToolCall
from bot.frozen import field, frozen

if TYPE_CHECKING:
    from bot.core.ports import Clock, House


class Risk(StrEnum):
    """What a call can do."""

    READ = "read"
    WRITE = "write"
    MONEY = "money"


class Arguments(Protocol):
    """The typed arguments of a tool; every pydantic model fits."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]: ...
    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...
    def model_dump(self, *, mode: str = ..., exclude_none: bool = ...) -> dict[str, Any]: ...


@frozen
class ToolContext:
    """Who calls, by which account, and what the house lends. Identity comes from here alone."""

    tenant: TenantId
    conv: ConvId
    turn: EventId
    agent: AgentName
    person: PersonId | None
    clock: "Clock"
    house: "House"
    effect: EffectId | None = None
    connection: str = ""
    key: str = ""
    """The idempotency key for the vendor: the same on every attempt."""
    zone: str = "UTC"
    tainted: bool = False
    settings: object = None
    """The tool file's own settings: an instance of its `Settings`."""
    progress: Mapping[str, Json] = field(default_factory=dict)
    save: Callable[[Mapping[str, Json]], Awaitable[None]] | None = None
    """Keeps what repeatable earlier calls left, before the last, visible one."""


# `Any` below: each tool knows the type of its own arguments; the gate validates before calling.
Perform = Callable[[ToolContext, Any], Awaitable[Outcome]]
Find = Callable[[ToolContext, Effect], Awaitable[Outcome | None]]
Preview = Callable[[Any], Card]
Complete = Callable[[ToolContext, Any], Awaitable[Arguments]]
Spread = Callable[[Any], Sequence[ToolCall]]


@frozen
class Tool:
    """One thing an agent can do."""

    name: str
    """Letters, digits, underscore."""
    arguments: type[Arguments]
    perform: Perform
    risk: Risk = Risk.READ
    policy: Policy = Policy.NONE
    provider: str = ""
    """The connection it needs; without one the sandbox performs it."""
    needs: tuple[str, ...] = ()
    """What the account there must have granted. Empty: no account is lent to this tool."""
    egress: bool = False
    """Carries words out to an address that the model composes, or undoes a yes."""
    outside: bool = False
    """Its results are other people's words: data, never instruction."""
    window_s: int = 0
    """How long the vendor remembers a key, in seconds."""
    rests_on: Callable[[ToolContext, Any], tuple[Policy, int]] | None = None
    """`policy` and `window_s` of a call, where those depend on what a tenant has connected."""
    version: int = 1
    """Raised only when arguments change their meaning."""
    find: Find | None = None
    preview: Preview | None = None
    complete: Complete | None = None
    """Says in full what the arguments name (ids, sizes, hashes), before anybody is asked."""
    spread: Spread | None = None
    """The calls of other tools that a call of this one stands for; itself it does nothing."""
    by_colleagues: bool = False
    """Those calls hold a brief: whoever in the team has the tool makes the call of it."""
    by_hand: bool = False
    """A person does it, and the yes says that it is done; so no other call stands for it."""
    saying: str = ""
    """What the person reads while it runs, such as `reading a page`."""

    @property
    def description(self) -> str:
        """What a model reads."""
        return cleandoc(self.perform.__doc__ or self.name)
