"""A person's deed at a played Stripe, brought to its end as the ledger of effects does it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import BotError, VendorUnknown
from bot.core.ids import EffectId, TenantId
from bot.core.secret import Secret
from bot.core.tool import Tool, ToolContext
from bot.fetch.client import WebFetcher
from tests.fakes.clock import StillClock
from tests.fakes.stripe_server import StripeServer
from tests.tools.kit import context, effect, house
from tools.payments._settings import Ceilings, Held, Past, Till

ATTEMPTS = 4


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Desk:
    """Where a deed is asked for."""

    stripe: StripeServer
    key: Secret | None = None
    account: str = ""
    """Whose the key is; empty: it does not say."""
    kept: dict[str, Json] = field(default_factory=dict)
    past: list[Past] = field(default_factory=list)
    ceilings: Ceilings = Ceilings()
    later: timedelta = timedelta()
    dies_at: int = -1
    """Which keeping of progress kills the process; it has not been kept then."""
    keeps_first: bool = False
    """The process dies after that was kept."""

    def context(self) -> ToolContext:
        """The context of the next call, in a process that may be new."""
        clock = StillClock()
        clock.at += self.later
        return context(
            house(),
            clock=clock,
            settings=self.till(),
            progress=dict(self.kept),
            save=self.save,
            effect=EffectId("eff_1"),
        )

    def till(self) -> Till:
        """What the tools are lent."""

        async def held(tenant: TenantId) -> Held | None:
            key = self.key
            name = f"stripe:{self.account or key.reveal()}" if key else ""
            return Held(key=key, name=name, mark=key.reveal()) if key else None

        async def past(tenant: TenantId, person: str, since: int) -> Sequence[Past]:
            return self.past

        return Till(
            held=held,
            past=past,
            fetcher=WebFetcher(allow=own_addresses(self.stripe.base)),
            base=self.stripe.base,
            ceilings=self.ceilings,
        )

    async def save(self, progress: Mapping[str, Json]) -> None:
        """Keep progress, or die."""
        dies = self.dies_at == 0
        self.dies_at -= 1
        if dies and not self.keeps_first:
            raise Killed
        self.kept = dict(progress)
        if dies:
            raise Killed

    async def full(self, tool: Tool, **values: Any) -> dict[str, Json]:
        """The arguments as they are when a person is asked."""
        args = tool.arguments.model_validate(values)
        if tool.complete is not None:
            args = await tool.complete(self.context(), args)
        return args.model_dump(mode="json", exclude_none=True)

    async def bring(self, tool: Tool, plain: Mapping[str, Json], *, looks: bool = False) -> Outcome:
        """Call; look when the answer is missing; call again. `looks`: a crash went before."""
        assert tool.policy is Policy.READBACK and tool.find is not None
        args = tool.arguments.model_validate(plain)
        for _ in range(ATTEMPTS):
            if looks:
                try:
                    found = await tool.find(self.context(), effect(tool, plain))
                except BotError as error:
                    return Outcome(state=EffectState.IN_DOUBT, error=error.message)
                if found:
                    return found
            try:
                return await tool.perform(self.context(), args)
            except VendorUnknown:
                looks = True
            except BotError as error:
                wait = getattr(error, "retry_after_s", None)
                return Outcome(state=EffectState.FAILED, error=error.message, retry_after_s=wait)
        return Outcome(state=EffectState.IN_DOUBT)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk before a played Stripe that heard nothing it should not have heard."""
    async with StripeServer() as server:
        yield Desk(server, key=Secret(server.key))
        assert server.mistakes == []


def writes(stripe: StripeServer) -> list[str]:
    """The calls that did something or tried to, in order."""
    return [each.call for each in stripe.requests if each.call.startswith("POST")]
