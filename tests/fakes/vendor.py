"""A service outside, with the three ways in which real ones make an effect happen once, or do not.

It keeps a book of what really happened there, which no crash of ours undoes. How it behaves
towards a call is a `Fate`; a test sets one, the simulation draws one for each call. `tools_of`
makes the tools that speak to it: one per policy, once performed unasked and once asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from bot.core.canonical import Json
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext

WINDOW_S = 24 * 3600
READS = ("note_read", "page_read")
AUTO = ("keyed_auto", "readback_auto", "none_auto")
ASKED = ("keyed_ask", "readback_ask", "none_ask", "pay")


class Fate(StrEnum):
    """What becomes of a call."""

    DONE = "done"
    REFUSED = "refused"
    """Definitely not done, and no use in trying again."""
    BUSY = "busy"
    """Definitely not done; try again in a moment."""
    LOST = "lost"
    """It never arrived, and the caller cannot know."""
    SILENT = "silent"
    """Done, and the answer is lost."""
    LATE = "late"
    """Done, and the answer comes when nobody waits any more."""
    BLIND = "blind"
    """Done, the answer is lost, and for a while nobody can be asked about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that really happened outside."""

    effect: str
    key: str
    tool: str
    arguments: Mapping[str, Json]
    at: float
    """Seconds of the clock that the test lives by."""


async def _at_once(_: str) -> float:
    return 0.0


@dataclass
class Vendor:
    """The service."""

    fate: Callable[[str], Fate] = lambda tool: Fate.DONE
    delay: Callable[[str], Awaitable[float]] = _at_once
    """Waits where a real call would: `out` on the way there, `back` on the way back."""
    time: Callable[[], float] = lambda: 0.0
    elsewhere: Callable[[Awaitable[str]], "asyncio.Future[str]"] = asyncio.ensure_future
    """Runs the vendor's own work, which goes on when the caller dies."""
    book: list[Record] = field(default_factory=list)
    blind: set[str] = field(default_factory=set)
    calls: int = 0

    def of(self, effect: str) -> list[Record]:
        """What happened for one effect."""
        return [record for record in self.book if record.effect == effect]

    async def post(self, policy: Policy, tool: str, ctx: ToolContext, args: "Words") -> Outcome:
        """One call, with everything that may happen to it."""
        self.calls += 1
        fate = self.fate(tool)
        if fate is Fate.REFUSED:
            await self.delay("back")
            raise VendorRefused("The service refused this.")
        if fate is Fate.BUSY:
            await self.delay("back")
            raise VendorRefused("The service is busy.", retry_after_s=1.0)
        if fate is Fate.LOST:
            await self.delay("back")
            raise VendorUnknown
        made = self.elsewhere(self._arrive(policy, tool, ctx, args))
        ref = await asyncio.shield(made)
        if fate is Fate.BLIND:
            self.blind.add(str(ctx.effect))
        if fate in (Fate.SILENT, Fate.BLIND):
            await self.delay("back")
            raise VendorUnknown
        await asyncio.sleep(90) if fate is Fate.LATE else await self.delay("back")
        return Outcome(state=EffectState.SENT, vendor_ref=ref, url=f"https://vendor.example/{ref}")

    async def _arrive(self, policy: Policy, tool: str, ctx: ToolContext, args: "Words") -> str:
        await self.delay("out")
        if policy is Policy.KEYED:
            for number, record in enumerate(self.book):
                if record.key == ctx.key:
                    return f"ref{number}"
        given = args.model_dump(mode="json")
        self.book.append(
            Record(effect=str(ctx.effect), key=ctx.key, tool=tool, arguments=given, at=self.time())
        )
        return f"ref{len(self.book) - 1}"

    async def find(self, effect: Effect) -> Outcome | None:
        """Look one up."""
        await self.delay("back")
        if effect.id in self.blind:
            self.blind.discard(effect.id)
            raise VendorUnknown("The service does not answer.")
        found = self.of(effect.id)
        return Outcome(state=EffectState.SENT, vendor_ref="found") if found else None


class Words(BaseModel):
    """What all of these tools take."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2000)


def _tool(vendor: Vendor, name: str, policy: Policy, risk: Risk) -> Tool:
    async def perform(ctx: ToolContext, args: Words) -> Outcome:
        """Say something outside. Example: {"text": "We are open."}"""
        return await vendor.post(policy, name, ctx, args)

    async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
        return await vendor.find(effect)

    return Tool(
        name=name,
        arguments=Words,
        perform=perform,
        find=find if policy is Policy.READBACK else None,
        risk=risk,
        policy=policy,
        window_s=WINDOW_S if policy is Policy.KEYED else 0,
    )


def _reading(name: str, outside: bool) -> Tool:
    async def perform(ctx: ToolContext, args: Words) -> Outcome:
        """Read something. Example: {"text": "opening hours"}"""
        return Outcome(state=EffectState.SENT, data=f"{name} says: {args.text}")

    return Tool(name=name, arguments=Words, perform=perform, risk=Risk.READ, outside=outside)


def tools_of(vendor: Vendor) -> dict[str, Tool]:
    """Every tool of this vendor by name."""
    found = {"note_read": _reading("note_read", False), "page_read": _reading("page_read", True)}
    for policy in Policy:
        for way in ("auto", "ask"):
            name = f"{policy.value}_{way}"
            found[name] = _tool(vendor, name, policy, Risk.WRITE)
    found["pay"] = _tool(vendor, "pay", Policy.KEYED, Risk.MONEY)
    return found
