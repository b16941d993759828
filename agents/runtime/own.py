"""A tenant's own versions of agents: written over the files, kept in the database.

The files are everybody's templates; an own version shadows the file of its name until it is reset.
Turns that run keep the version they began with; the next turn sees the new one.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from agents.runtime.loader import MAX_BYTES, Mistaken, parse
from bot.core.agent import Agent
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.frozen import frozen
from bot.store import audit, own_agents
from bot.store.script import Database, Script

log = logging.getLogger(__name__)


@frozen
class Source:
    """An agent as text."""

    name: str
    text: str
    """The version that holds."""
    file: str
    """The text of the file below it; empty when there is none."""
    own: bool
    version: str


class OwnAgents:
    """Keeps them, and the agents made of them."""

    def __init__(self, db: Database, clock: Clock, folder: Path) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder
        self._agents: dict[TenantId, dict[str, Agent]] = {}

    async def load(self) -> None:
        """Read all of them. One that this version does not understand is left out, and told."""
        found: dict[TenantId, dict[str, Agent]] = {}
        for tenant, name, text in await self._db.read(own_agents.everyones()):
            try:
                found.setdefault(TenantId(tenant), {})[name] = parse(text, name)
            except Mistaken as error:
                log.warning("A tenant's own agent %s is not understood: %s", name, error)
        self._agents = found

    def of(self, tenant: TenantId) -> Sequence[Agent]:
        """A tenant's own agents: the overlay of the team."""
        own = self._agents.get(tenant)
        return tuple(own.values()) if own else ()

    async def source(self, tenant: TenantId, name: str) -> Source:
        """One agent as text. Raises NotFound."""
        name = name.lower()
        file = await asyncio.to_thread(_read, self._folder, name)
        own = await self._db.read(own_agents.get(tenant, name))
        text = own if own is not None else file
        if not text:
            raise NotFound("There is no such agent. `bot agents` lists them.")
        return Source(
            name=name, text=text, file=file, own=own is not None, version=_version(text, name)
        )

    async def save(
        self, tenant: TenantId, name: str, text: str, actor: str, version: str = ""
    ) -> Source:
        """Write an own version; `version` is the one that was edited, if it is to be checked.

        Raises Invalid with the line of each mistake, Conflict when another one holds by now.
        """
        name = name.lower()
        if len(text.encode()) > MAX_BYTES:
            raise Invalid(f"An agent has at most {MAX_BYTES} bytes.", field="text")
        try:
            agent = parse(text, name)
        except Mistaken as error:
            told = "; ".join(f"line {line}: {what}" for line, what in error.mistakes)
            raise Invalid(f"Nothing was saved. In {told}", field="text") from None
        if version and version != (await self.source(tenant, name)).version:
            raise Conflict("Somebody has saved this agent in the meantime. Load it again.")
        at = to_us(self._clock.now())
        await self._db.write(_save(tenant, agent, text, actor, at))
        self._agents.setdefault(tenant, {})[name] = agent
        return await self.source(tenant, name)

    async def reset(self, tenant: TenantId, name: str, actor: str) -> None:
        """Let the file hold again. Raises NotFound when it does already."""
        name = name.lower()
        await self._db.write(_reset(tenant, name, actor, to_us(self._clock.now())))
        self._agents.get(tenant, {}).pop(name, None)


def _save(tenant: TenantId, agent: Agent, text: str, actor: str, at: int) -> Script[None]:
    name = agent.name.lower()
    yield from own_agents.put(tenant, name, text, actor, at)
    yield from audit.note(tenant, at, actor, "agent.saved", name, {"version": agent.version})


def _reset(tenant: TenantId, name: str, actor: str, at: int) -> Script[None]:
    was_own = yield from own_agents.remove(tenant, name)
    if not was_own:
        raise NotFound("There is no version of your own of this agent.")
    yield from audit.note(tenant, at, actor, "agent.reset", name)


def _read(folder: Path, name: str) -> str:
    """The text of a file; empty when there is none that can be read."""
    try:
        found = next((path for path in folder.glob("*.md") if path.stem.lower() == name), None)
        return found.read_text("utf-8")[:MAX_BYTES] if found else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _version(text: str, name: str) -> str:
    try:
        return parse(text, name).version
    except Mistaken:
        return ""
