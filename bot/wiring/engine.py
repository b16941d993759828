"""The engine, put together: from the inbox to the effects, without a server around it.

`bot/app.py` adds the settings, the web and the clock's jobs; the simulation, the kill tests and
the benchmarks start it just as it is here.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from agents.runtime.calls import Calls
from agents.runtime.calls import Parts as CallParts
from agents.runtime.drafting import Drafting
from agents.runtime.loop import Loop
from agents.runtime.loop import Parts as LoopParts
from agents.runtime.shelf import Shelf
from agents.runtime.thinking import Thinking
from agents.runtime.toolset import Toolset
from agents.runtime.voices import Voices, refusal
from agents.runtime.withdrawal import Withdrawals
from bot.approvals import Approvals
from bot.budgets import Budgets
from bot.commands import Commands
from bot.controls import Controls
from bot.core.agent import Agent
from bot.core.approval import Approval
from bot.core.channel import Channel, Dialect, Features
from bot.core.conversation import Claim, TurnEnd
from bot.core.effect import Effect
from bot.core.event import Event, Kind
from bot.core.ids import AgentName, TenantId
from bot.core.people import Person
from bot.core.ports import Accepted, Agents, Clock, House, Live, Model, new_id
from bot.core.route import Binding
from bot.core.times import to_us
from bot.directory import Directory
from bot.effects import Around, Effects, Performers
from bot.files.files import Files
from bot.fleet import TOOK, WORK, Alone, Fleet, Peers
from bot.frozen import field, frozen
from bot.inbox import Inbox
from bot.limits import Rate
from bot.people import People
from bot.platforms.cards import Cards
from bot.platforms.carriers import Carriers
from bot.platforms.drafts import Drafts, Follows
from bot.platforms.files_in import FilesIn
from bot.questions import Questions
from bot.replies import Replies
from bot.router import Parts as RouterParts
from bot.router import Router, refused
from bot.seats import Seats
from bot.store import approvals as approval_rows
from bot.store import bindings, place_rules, policies
from bot.store import turns as turn_rows
from bot.store.place_rules import PlaceRule
from bot.store.policies import Rule
from bot.store.recent import Recent
from bot.store.script import Database
from bot.troubles import Troubles
from bot.turns import Turns, Work

OWN = Features(
    dialect=Dialect.MARKDOWN,
    max_chars=100_000,
    buttons=True,
    forms=True,
    media=True,
    reply_is_row=True,
)
"""What the house's own channels can do: web, terminal, API, clock."""
PERSON_RATE = Rate(count=100_000, seconds=60)
TENANT_RATE = Rate(count=1_000_000, seconds=60)
STREAMED = ("web", "terminal")
SPENT_ELSEWHERE_S = 5.0
"""How old the sums of a budget may be where other processes spend as well."""


@frozen
class Limits:
    """How much at once, and how often."""

    open_turns: int = 1000
    sender: Rate = PERSON_RATE
    tenant: Rate = TENANT_RATE
    asks_per_hour: int = 20
    tenant_day_micros: int | None = None
    person_day_micros: int | None = None
    reminder: timedelta = timedelta(hours=4)


@frozen
class Given:
    """What an engine is made of."""

    db: Database
    clock: Clock
    model: Model
    agents: Agents
    house: House
    live: Live
    people: People
    carriers: Carriers
    limits: Limits = Limits()
    tool_settings: Mapping[str, object] = field(default_factory=dict)
    connected: Callable[[TenantId, str], str] = lambda tenant, provider: ""
    toolset: Toolset | None = None
    peers: Peers | None = None
    """The other processes of this database; None when there are none."""
    files: Files | None = None
    """Where files that come in are kept; None: they are only named."""
    watch: Follows | None = None
    """What lets answers be shown as they are written; None: only whole ones are sent."""
    address: Callable[[], str] = lambda: ""
    """Where people reach the house from outside."""
    here: Callable[[], str] = lambda: ""
    """The same, else where it is reached from this machine."""
    voices: Voices | None = None
    """What hears voice notes; None: they are files like others."""


class Engine:
    """Everything between an event and its end."""

    def __init__(self, given: Given) -> None:
        self._g = given
        self.db, self.clock, self.live = given.db, given.clock, given.live
        limits = given.limits
        self.directory = Directory(given.people)
        self.toolset = given.toolset or Toolset(
            given.house, given.clock, given.db, given.connected, given.tool_settings
        )
        self.questions = Questions(given.clock, self.toolset, self._show)
        self.peers = given.peers or Alone(new_id(given.clock, "own"))
        self.drafts = Drafts(given.db, given.clock, given.watch, _empty_reply)
        self.replies = Replies(
            given.db, given.clock, given.carriers, self.peers, self.drafts.take, given.here
        )
        self.cards = Cards(given.db, given.clock, given.carriers, self.peers, given.address)
        self.troubles = Troubles(given.db, given.clock, given.live, self.peers)
        self.toolset.broken = self.troubles.connection_broken
        self.effects = Effects(
            given.db,
            given.clock,
            Performers(tool=self.toolset, channel=self.toolset),
            self.questions,
            Around(live=given.live, wake_turns=lambda: self.turns.wake(), peers=self.peers),
        )
        self.files_in = FilesIn(given.db, given.files)
        self.budgets = self._budgets(limits)
        self.approvals = Approvals(
            given.db, given.clock, self.questions, given.live, self._decided,
            allow_micros=limits.tenant_day_micros or limits.person_day_micros or 1_000_000,
        )  # fmt: skip
        self.loop = self._loop(limits)
        self.router = self._router(limits)
        self.recent = Recent(given.clock)
        self.turns = Turns(
            given.db,
            given.clock,
            Work(handle=self.router.route, deliver=self.replies.deliver, ended=self._ended),
            given.live,
            Seats(
                owner=self.peers.id,
                count=limits.open_turns,
                stop_elsewhere=lambda conv: self.peers.say("stop", conv),
                offer=lambda: self.peers.say(WORK),
                recent=self.recent,
            ),
        )
        self.controls = Controls(
            given.db, given.clock, self.approvals, self.directory, self.turns, self.status_text
        )
        self.inbox = Inbox(
            given.db, given.clock, self.turns, self.controls, limits.sender, self.recent
        )
        self._bindings: dict[str, Sequence[Binding]] = {}
        self._rules: dict[str, Sequence[Rule]] = {}
        self._places: dict[str, Mapping[tuple[str, str, str], PlaceRule]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def hear(self, event: Event) -> Accepted:
        """Take in what a platform outside brings. Raises as `Inbox.accept` does."""
        try:
            return await self.inbox.accept(event)
        finally:
            if event.kind in (Kind.PRESSED, Kind.FORM):
                self.cards.meet(event)

    async def start(self) -> int:
        """Free what a dead process held, then run; returns how many turns go on."""
        resumed = 0
        if self._g.peers is None:
            resumed = await self.db.write(turn_rows.boot(to_us(self.clock.now())))
        await self.effects.recover()
        self._tasks = [
            asyncio.create_task(self.turns.run(), name="turns"),
            asyncio.create_task(self.effects.run(), name="effects"),
            asyncio.create_task(self.cards.run(), name="cards"),
        ]
        return resumed

    async def stop(self, seconds: float = 8.0) -> int:
        """Let running turns end; returns how many go on at the next start."""
        late = await self.turns.drain(seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return late

    async def bindings_of(self, tenant: TenantId) -> Sequence[Binding]:
        """A tenant's routing rules, kept until they change."""
        found = self._bindings.get(tenant)
        if found is None:
            found = self._bindings[tenant] = await self.db.read(bindings.listed(tenant))
        return found

    async def places_of(self, tenant: TenantId) -> Mapping[tuple[str, str, str], PlaceRule]:
        """A tenant's rules of places, kept until they change."""
        found = self._places.get(tenant)
        if found is None:
            listed = await self.db.read(place_rules.listed(tenant))
            found = self._places[tenant] = {rule.key: rule for rule in listed}
        return found

    async def rules_of(self, tenant: TenantId) -> Sequence[Rule]:
        """A tenant's policy, kept until it changes."""
        found = self._rules.get(tenant)
        if found is None:
            found = self._rules[tenant] = await self.db.read(policies.rules(tenant))
        return found

    def changed(self) -> None:
        """Somebody changed people, routes or policy: read them again."""
        self.directory.forget()
        self._bindings.clear()
        self._rules.clear()
        self._places.clear()

    async def busy(self, tenant: TenantId) -> tuple[int, int]:
        """How many of a tenant's conversations all processes work on, and how many wait."""
        running = self.turns.open_of(tenant)
        if self.peers.many > 1:
            running = await self.db.read(turn_rows.many(tenant, "running"))
        return running, await self.db.read(turn_rows.many(tenant, "ready"))

    async def status_text(self, tenant: TenantId) -> str:
        """`/status` in a chat."""
        running, waiting = await self.busy(tenant)
        pending = await self.db.read(approval_rows.pending(tenant))
        return f"{running} running, {waiting} waiting, {pending} approvals pending."

    async def _think(self, claim: Claim, agent: Agent, person: Person | None) -> TurnEnd:
        event = claim.event
        if claim.conv.agent != agent.name:
            self._g.live.tell(event.tenant, claim.conv.id, "agent", {"agent": agent.name})
        channel = self._g.carriers.get(event.tenant, claim.conv.channel, claim.conv.account)
        if channel is not None:
            claim = await self.files_in.bring(claim, channel, person)
        if self._g.voices is not None:
            claim = await self._g.voices.hear(claim, agent.name, person)
            if channel is not None and (why := refusal(claim)):
                return refused(why)
        grows = channel is not None and channel.features.draft_s > 0
        if channel is not None and grows and self.drafts.has_room(claim, channel):
            return await self.drafts.during(
                claim, channel, self.loop.run(claim, agent, person, True)
            )
        asked = event.channel in STREAMED or event.payload.get("stream") is True
        stream = asked or self._g.live.is_watched(event.tenant, claim.conv.id, event.id)
        return await self.loop.run(claim, agent, person, stream)

    def _ended(self, end: TurnEnd) -> None:
        if end.approval:
            self.cards.wake()

    async def _show(self, approval: Approval) -> None:
        """Cards on the house's own channels are read from the rows; others show a copy."""
        self.cards.wake()

    def _decided(self) -> None:
        self.budgets.forget()
        self.effects.wake()
        self.turns.wake()

    def _budgets(self, limits: Limits) -> Budgets:
        fresh_s = SPENT_ELSEWHERE_S if isinstance(self.peers, Fleet) else math.inf
        day = (limits.tenant_day_micros, limits.person_day_micros)
        return Budgets(self.db, self.clock, *day, fresh_s=fresh_s)

    def _router(self, limits: Limits) -> Router:
        given = self._g
        return Router(
            RouterParts(
                clock=given.clock,
                people=self.directory,
                agents=given.agents,
                rules=self.bindings_of,
                places=self.places_of,
                commands=Commands(given.db, given.clock, given.agents, self.directory),
                think=self._think,
                tenant_rate=limits.tenant,
                took=lambda *what: self.peers.say(TOOK, *what),
            )
        )

    def _loop(self, limits: Limits) -> Loop:
        given = self._g
        deciders: Callable[[TenantId], Awaitable[Sequence[Person]]] = self.directory.owners
        micros = limits.tenant_day_micros or limits.person_day_micros or 1_000_000
        withdrawals = Withdrawals(given.db, self.approvals)
        shelf = Shelf(self.toolset)
        thinking = Thinking(given.model, self.budgets, given.live)
        calls = Calls(
            CallParts(
                db=given.db,
                clock=given.clock,
                toolset=self.toolset,
                effects=self.effects,
                questions=self.questions,
                live=given.live,
                rules=self.rules_of,
                deciders=deciders,
                people=self.directory.get,
                withdrawals=withdrawals,
                shelf=shelf,
                drafting=Drafting(given.agents, self.toolset, thinking),
                asks_per_hour=limits.asks_per_hour,
                budget_step=f"{micros / 1e6:.2f} USD",
            )
        )
        return Loop(
            LoopParts(
                db=given.db,
                clock=given.clock,
                toolset=self.toolset,
                agents=given.agents,
                calls=calls,
                thinking=thinking,
                withdrawals=withdrawals,
                shelf=shelf,
            )
        )


def _empty_reply(claim: Claim, channel: Channel) -> Effect:
    return Replies.effect(claim, "", AgentName(""), channel.features)
