"""The router: the stages that an event walks through, in order, until one of them ends it.

    admit      who is this? A stranger gets a pairing code and nothing else.
    addressed  was it said to us, or is everything answered here?
    news       words of the house itself, which are passed on as they are
    command    /help, /agents, /agent NAME, /new, /usage, /approvals
    choose     which agent answers, by the most specific rule; a tie or no rule is a refusal
    access     does this agent live here?
    limit      how often per agent and channel, and per tenant
    think      the agent's turn

A stage returns how the turn ends, or None to let the event go on.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from bot.core.agent import Agent
from bot.core.conversation import Claim, TurnEnd
from bot.core.event import Ending, Event, Kind, Trust
from bot.core.ids import AgentName, TenantId
from bot.core.people import Person
from bot.core.ports import Agents, Clock
from bot.core.route import Binding, Explanation, Verdict
from bot.frozen import frozen
from bot.limits import Buckets, Rate
from bot.store.place_rules import PlaceRule

PARTS = ("person", "thread", "place", "address", "workspace", "channel")
"""What a rule may name, most specific first."""


class People(Protocol):
    """Who is who."""

    async def get(self, tenant: TenantId, person: str) -> Person | None: ...

    async def identify(
        self, tenant: TenantId, channel: str, account: str, ext_id: str
    ) -> Person | None: ...

    async def pairing_code(
        self, tenant: TenantId, channel: str, account: str, ext_id: str, name: str
    ) -> str: ...


class Commands(Protocol):
    """Answers the commands that have a place in the conversation."""

    async def __call__(self, claim: Claim, person: Person | None) -> TurnEnd | None: ...


Think = Callable[[Claim, Agent, Person | None], Awaitable[TurnEnd]]
Rules = Callable[[TenantId], Awaitable[Sequence[Binding]]]
PlaceRules = Callable[[TenantId], Awaitable[Mapping[tuple[str, str, str], PlaceRule]]]
"""A tenant's rules of places by channel, workspace and place."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One event on its way."""

    claim: Claim
    person: Person | None = None
    agent: Agent | None = None

    @property
    def event(self) -> Event:
        """The event."""
        return self.claim.event


@frozen
class Parts:
    """What the router works with."""

    clock: Clock
    people: People
    agents: Agents
    rules: Rules
    places: PlaceRules
    commands: Commands
    think: Think
    tenant_rate: Rate
    took: Callable[[TenantId, str, str], object] = lambda tenant, agent, channel: None
    """Told what was counted: other processes count it as well."""


class Router:
    """Walks events through the stages."""

    def __init__(self, parts: Parts) -> None:
        self._people = parts.people
        self._agents = parts.agents
        self._rules = parts.rules
        self._places = parts.places
        self._commands = parts.commands
        self._think = parts.think
        self._tenant_rate = parts.tenant_rate
        self._took = parts.took
        self._buckets = Buckets(parts.clock)
        self._told = Buckets(parts.clock)
        self.stages: tuple[Callable[[Walk], Awaitable[TurnEnd | None]], ...] = (
            self.admit,
            self.addressed,
            self.news,
            self.command,
            self.choose,
            self.access,
            self.limit,
            self.think,
        )

    async def route(self, claim: Claim) -> TurnEnd:
        """Walk one event to its end."""
        walk = Walk(claim=claim)
        for stage in self.stages:
            end = await stage(walk)
            if end is not None:
                return end
        return ignored("no stage ended it")

    async def admit(self, walk: Walk) -> TurnEnd | None:
        """Find the person; a stranger who speaks to us is offered pairing, at most once an hour."""
        event = walk.event
        if why := event.payload.get("ignore"):
            return ignored(str(why))  # its channel says so: whoever wrote it has opted out
        if event.sender.person:
            walk.person = await self._people.get(event.tenant, event.sender.person)
            if walk.person is None:
                return ignored("the person was removed")
        elif event.trust is Trust.HOUSE:
            return None
        else:
            walk.person = await self._people.identify(
                event.tenant, event.channel, event.account, event.sender.ext_id
            )
        if walk.person or event.trust is Trust.HOUSE:
            return None
        if event.trust is Trust.OUTSIDE:
            return ignored("nobody proved to have sent it")
        if not event.addressed or not await self._is_answered(event):
            return ignored("stranger")
        sender = (event.tenant, event.channel, event.account, event.sender.ext_id)
        if self._told.take(sender, Rate(count=1, seconds=3600)):
            return ignored("stranger")
        code = await self._people.pairing_code(*sender, event.sender.name)
        if not code:  # an earlier one still holds
            return ignored("stranger")
        return TurnEnd(
            ending=Ending.IGNORED,
            detail="stranger",
            reply=f"I do not know you yet. Give this code to whoever runs this: {code}\n\n"
            f"If you talk to me elsewhere already, write there: `/link {code}` "
            f"(in Slack: `/switchboard link {code}`)",
            role="system",
        )

    async def addressed(self, walk: Walk) -> TurnEnd | None:
        """Leave alone what was said to others, but where an owner wants everything answered."""
        if walk.event.kind == Kind.DELETED:
            return ignored("deleted")
        if await self._is_answered(walk.event):
            return None
        return ignored("not answered here" if walk.event.addressed else "not addressed")

    async def _is_answered(self, event: Event) -> bool:
        """By the rule of the place, else of its workspace, else what was said to us."""
        place = event.place
        is_talk = event.kind in (Kind.MESSAGE, Kind.EDITED) and event.trust is not Trust.HOUSE
        if place.direct or not is_talk or event.payload.get("about"):
            return event.addressed
        rules = await self._places(event.tenant)
        rule = rules.get((event.channel, place.workspace, place.id)) or rules.get(
            (event.channel, place.workspace, "")
        )
        if rule is None or event.text.startswith("/"):
            return event.addressed
        if rule.everything and not event.agent:
            return True  # an agent's own app answers nobody who does not speak to it
        return event.addressed and rule.mentions

    async def news(self, walk: Walk) -> TurnEnd | None:
        """Pass on what a service told the house: its words are ours already, no agent adds any."""
        event = walk.event
        if event.trust is not Trust.HOUSE or not event.payload.get("news"):
            return None
        return TurnEnd(ending=Ending.ANSWERED, detail="news", reply=event.text, role="system")

    async def command(self, walk: Walk) -> TurnEnd | None:
        """Answer a command."""
        event = walk.event
        if event.kind != Kind.MESSAGE or not event.text.startswith("/"):
            return None
        if event.trust is not Trust.PERSON or event.payload.get("about"):
            return None  # words from outside, and questions about a card, command nothing
        return await self._commands(walk.claim, walk.person)

    async def choose(self, walk: Walk) -> TurnEnd | None:
        """Choose the agent, or refuse and say why."""
        event = walk.event
        kept = walk.claim.conv.agent
        explained = await self.explain(event, kept)
        if explained.agent is None:
            return refused(explained.why)
        walk.agent = self._agents.get(event.tenant, explained.agent)
        if walk.agent is None:
            return refused(f"There is no agent called {explained.agent}.")
        return None

    async def access(self, walk: Walk) -> TurnEnd | None:
        """Is this agent to be spoken to here?"""
        agent = walk.agent
        if agent and agent.channels and walk.claim.conv.channel not in agent.channels:
            where = ", ".join(agent.channels)
            return refused(f"{agent.name} can be spoken to on {where}, not here.")
        return None

    async def limit(self, walk: Walk) -> TurnEnd | None:
        """Count the message; say so when there were too many."""
        event, agent = walk.event, walk.agent
        if agent is None or event.kind == Kind.SETTLED or walk.claim.attempt:
            return None
        wait = self._buckets.take_all(self._rates(event.tenant, agent, event.channel))
        if wait <= 0:
            self._took(event.tenant, agent.name, event.channel)
            return None
        return refused(f"That is more than {agent.name} may take on. Write again in {_span(wait)}.")

    def taken(self, tenant: str, name: str, channel: str) -> None:
        """Count what another process let pass."""
        agent = self._agents.get(TenantId(tenant), name)
        if agent is not None:
            self._buckets.charge(self._rates(tenant, agent, channel))

    def _rates(self, tenant: str, agent: Agent, channel: str) -> Mapping[tuple[str, ...], Rate]:
        at = (tenant, agent.name, channel)
        limits = agent.limits
        return {
            ("tenant", tenant): self._tenant_rate,
            ("minute", *at): Rate(count=limits.per_minute, seconds=60),
            ("hour", *at): Rate(count=limits.per_hour, seconds=3600),
            ("day", *at): Rate(count=limits.per_day, seconds=86400),
        }

    async def think(self, walk: Walk) -> TurnEnd | None:
        """Hand over to the agent."""
        if walk.agent is None:
            return None
        return await self._think(walk.claim, walk.agent, walk.person)

    async def explain(self, event: Event, kept: AgentName | None = None) -> Explanation:
        """Say who answers an event and why, and why the other rules do not."""
        named = event.agent or self._mentioned(event)
        rules = await self._rules(event.tenant)
        verdicts = [_judge(rule, event) for rule in rules]
        if named:
            agent = self._agents.get(event.tenant, named)
            why = f"{named} was named" if agent else self._unknown(event.tenant, named)
            lost = [_lost(v, f"{named} was named") for v in verdicts]
            return Explanation(agent=agent.name if agent else None, why=why, verdicts=tuple(lost))
        if kept:
            why = f"this conversation is with {kept}; `/agent NAME` changes that"
            lost = [_lost(v, f"the conversation is with {kept}") for v in verdicts]
            return Explanation(agent=kept, why=why, verdicts=tuple(lost))
        return _decide(rules, verdicts)

    def _mentioned(self, event: Event) -> AgentName | None:
        """An agent addressed by name at the very beginning: `@kelly` or `Kelly, …`."""
        found = re.match(r"@?([A-Za-z][\w-]{1,31})\b\s*([,:])?", event.text)
        if not found or not (event.text.startswith("@") or found.group(2)):
            return None
        agent = self._agents.get(event.tenant, found.group(1).lower())
        return agent.name if agent else None

    def _unknown(self, tenant: TenantId, name: str) -> str:
        names = [agent.name for agent in self._agents.all(tenant)]
        near = get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else " `/agents` lists them."
        return f"There is no agent called {name}.{hint}"


def matches(rule: Binding, event: Event) -> str:
    """Empty when the rule fits the event, else the part that does not."""
    found = {
        "channel": event.channel,
        "workspace": event.place.workspace,
        "place": event.place.id,
        "thread": event.place.thread,
        "address": event.to,
    }
    for part, value in found.items():
        wanted = getattr(rule, part)
        if wanted and wanted != value:
            return f"its {part} is {wanted}"
    people = (event.sender.person, event.sender.ext_id)
    if rule.person and rule.person not in people:
        return f"it is for {rule.person}"
    return ""


def rank(rule: Binding) -> tuple[bool, ...]:
    """How specific a rule is; the greater tuple wins."""
    return tuple(bool(getattr(rule, part)) for part in PARTS)


def _judge(rule: Binding, event: Event) -> Verdict:
    wrong = matches(rule, event)
    return Verdict(rule=rule.describe(), agent=rule.agent, won=not wrong, why=wrong or "it fits")


def _decide(rules: Sequence[Binding], verdicts: Sequence[Verdict]) -> Explanation:
    fitting = [rule for rule, verdict in zip(rules, verdicts, strict=True) if verdict.won]
    if not fitting:
        why = "No rule says who answers here. An owner can add one under Routes."
        return Explanation(agent=None, why=why, verdicts=tuple(verdicts))
    best = max(rank(rule) for rule in fitting)
    top = [rule for rule in fitting if rank(rule) == best]
    agents = {rule.agent for rule in top}
    told = []
    for rule, verdict in zip(rules, verdicts, strict=True):
        if not verdict.won:
            told.append(verdict)
        elif rule not in top:
            told.append(_lost(verdict, f"“{top[0].describe()}” is more specific"))
        elif len(agents) > 1:
            told.append(_lost(verdict, "another rule is just as specific"))
        else:
            told.append(verdict)
    if len(agents) > 1:
        names = " and ".join(sorted(agents))
        why = f"Two rules are equally specific and name {names}. An owner can remove one."
        return Explanation(agent=None, why=why, verdicts=tuple(told))
    why = f"the rule “{top[0].describe()}” is the most specific that fits"
    return Explanation(agent=top[0].agent, why=why, verdicts=tuple(told))


def _lost(verdict: Verdict, why: str) -> Verdict:
    if not verdict.won:
        return verdict
    return Verdict(rule=verdict.rule, agent=verdict.agent, won=False, why=why)


def ignored(why: str) -> TurnEnd:
    """End without a word, with a named reason."""
    return TurnEnd(ending=Ending.IGNORED, detail=why)


def refused(sentence: str) -> TurnEnd:
    """End with a sentence that says why not."""
    return TurnEnd(ending=Ending.ANSWERED, detail="refused", reply=sentence, role="system")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
