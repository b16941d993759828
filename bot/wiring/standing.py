"""How the house is: what runs, what waits, what was spent, what keeps it from answering.

The answer of `/v1/status` and of `/ready`, put together from the parts; nothing is decided here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from agents.runtime.loader import Team
from agents.runtime.models import ModelDoor
from bot.core.canonical import Json
from bot.core.ids import TenantId
from bot.core.people import Person, Role
from bot.core.times import iso, to_us
from bot.extensions import Extension
from bot.frozen import frozen
from bot.home import Home
from bot.store import approvals, inbox, spends
from bot.version import version
from bot.web.said import API, TERMINAL, WEB
from bot.wiring.engine import Engine
from bot.wiring.listeners import Listeners

log = logging.getLogger(__name__)

LOOK_S = 2.0


@frozen
class Standing:
    """Says how the house is."""

    engine: Engine
    home: Home
    team: Team
    models: ModelDoor
    tenant: TenantId
    """The first one, whose agents must be there."""
    agents_dir: Path
    broken: Callable[[], str]
    """Why the database cannot be used; empty when it is well."""
    database: Callable[[], Awaitable[Mapping[str, Json]]]
    """What it is called, who works on it, what is wrong with it."""
    address: Callable[[], str]
    guests: Callable[[TenantId], Sequence[str]]
    """What is wrong with the servers whose tools a tenant may use."""
    extensions: Sequence[Extension] = ()
    listeners: Listeners
    payments: Callable[[Person], Mapping[str, Json]]
    """How a person's tenant is paid."""

    async def status(self, person: Person) -> Mapping[str, Json]:
        """The answer of `/v1/status`; what went wrong is for owners."""
        db, now = self.engine.db, self.engine.clock.now()
        tenant = person.tenant
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        spent = await db.read(spends.total(tenant, "*", to_us(midnight)))
        dead = await db.read(inbox.recent(tenant, to_us(now) + 1, "dead", 1000))
        model, offline = self.models.current()
        running, waiting = await self.engine.busy(tenant)
        is_owner = person.role is Role.OWNER
        troubles = await self.engine.troubles.shown(tenant) if is_owner else []
        return {
            "running_since": iso(self.home.since),
            "version": version(),
            "model": model,
            "offline": offline,
            "resting": self.models.resting(),
            "silent": self.models.silent(),
            "channels": self._channels(tenant),
            "extensions": self._extensions(),
            "payments": self.payments(person),
            "database": await self.database() if is_owner and tenant == self.tenant else None,
            "queued": waiting,
            "open_turns": running,
            "pending": await db.read(approvals.pending(tenant)),
            "spent_today_micros": spent.micros,
            "dead": len(dead),
            "doubts": await db.read(approvals.doubts(tenant)),
            "troubles": troubles,
            "problems": [
                *dict.fromkeys((*self._problems(), *self.models.lost(), *self.mistakes())),
                *self.guests(tenant),
            ],
        }

    async def readiness(self) -> tuple[str, Sequence[str]]:
        """Why no message is taken, empty while they are; what keeps them from being answered."""
        return self.broken(), self._problems()

    def _problems(self) -> Sequence[str]:
        found = [self.broken()] if self.broken() else []
        found += self.models.problems()
        if not self.team.all(self.tenant):
            found.append(f"There is no agent that could answer in {self.agents_dir}.")
            found += map(str, self.team.problems)
        return found

    def mistakes(self) -> Sequence[str]:
        """What is wrong with agents' files; whoever is whole goes on."""
        unknown = self.team.unknown(self.engine.toolset.known)
        twice = [
            f"A package brings a tool {name}, and the house has one of that name: it is left out."
            for name in self.engine.toolset.left_out
        ]
        return [*(str(problem) for problem in (*self.team.problems, *unknown)), *twice]

    def log_mistakes(self) -> None:
        """Write them into the log."""
        for mistake in self.mistakes():
            log.warning("An agent's file needs mending: %s", mistake)

    async def watch_agents(self) -> None:
        """See files that were saved; a broken one keeps its last good version."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.team.refresh():
                self.log_mistakes()

    def _channels(self, tenant: TenantId) -> list[Json]:
        own = ((WEB, self.address()), (TERMINAL, "bot chat"), (API, "/v1"))
        shown: list[Json] = [{"name": name, "up": True, "detail": detail} for name, detail in own]
        return shown + self.listeners.states(tenant)

    def _extensions(self) -> list[Json]:
        return [
            {
                "name": item.name,
                "version": item.version,
                "brings": item.brings,
                "problem": item.problem,
            }
            for item in self.extensions
        ]
