"""A whole engine for a test to drive by hand: people, agents, a scripted model, a vendor.

The database is SQLite in memory with the real statements and the real group commit; nothing here
waits for a disk, a network or a clock unless the test says so. `IMAGE` has two tenants with their
people, so that every test starts from the same names.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from random import Random
from typing import Any

from agents.runtime.toolset import Toolset
from bot.core.agent import Agent
from bot.core.agent import Limits as Caps
from bot.core.approval import Answer, Approval, Decision
from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.event import Event, Kind, Place, Sender, Trust
from bot.core.ids import AgentName, ApprovalId, EffectId, EventId, PersonId, TenantId, conv_key
from bot.core.model import ModelTool, Usage
from bot.core.people import Person, Role
from bot.core.ports import Accepted, Clock, House, Model, new_id
from bot.core.route import Binding
from bot.core.times import to_us
from bot.core.tool import Tool
from bot.fleet import Peers
from bot.limits import Rate
from bot.people import People
from bot.platforms.carriers import Carriers
from bot.store import approvals as approval_rows
from bot.store import bindings, policies
from bot.store import people as people_rows
from bot.store.policies import Rule
from bot.store.script import Database
from bot.wiring.engine import Engine, Given, Limits
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import LoopClock
from tests.fakes.database import Disk, InlineDatabase, Weather
from tests.fakes.live import RecordingLive
from tests.fakes.model import ScriptedModel, say
from tests.fakes.vendor import ASKED, AUTO, READS, Vendor, tools_of
from tools.self.hand_off import TOOLS as HAND_OFF

KEY = b"k" * 32
HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")
OLGA, OTTO = PersonId("per_olga"), PersonId("per_otto")
ANA, BEN = PersonId("per_ana"), PersonId("per_ben")
GONE, EVE = PersonId("per_gone"), PersonId("per_eve")
"""Olga and Otto own the home; Ana and Ben are members; Gone was removed; Eve owns the other one."""
_BORN = datetime(2027, 1, 1, tzinfo=UTC)
UNLIMITED = Rate(count=0, seconds=1)
FREE = Caps(per_minute=0, per_hour=0, per_day=0)
ALL_TOOLS = (*READS, *AUTO, *ASKED, "hand_off")


@cache
def image() -> bytes:
    """A database with people, rules and routes in it."""
    disk = Disk()
    for tenant, name in ((HOME, "Home"), (AWAY, "Away")):
        disk.now(people_rows.add_tenant(tenant, name, 1))
        disk.now(bindings.add(tenant, Binding(id="default", agent=AgentName("bri")), 1))
    for person, tenant, role in (
        (OLGA, HOME, Role.OWNER),
        (OTTO, HOME, Role.OWNER),
        (ANA, HOME, Role.MEMBER),
        (BEN, HOME, Role.MEMBER),
        (GONE, HOME, Role.MEMBER),
        (EVE, AWAY, Role.OWNER),
    ):
        name = person.removeprefix("per_").capitalize()
        who = Person(id=person, tenant=tenant, name=name, role=role, created_at=_BORN)
        disk.now(people_rows.add(who))
        seen = people_rows.Identity(channel="chat", account="", ext_id=f"U-{name}", name=name)
        if person != GONE:
            disk.now(people_rows.know(tenant, seen, person, 1))
    disk.now(people_rows.remove(HOME, GONE, 1))
    return disk.conn.serialize()


def agent(name: str = "bri", **changes: Any) -> Agent:
    """An agent with every tool, whose `…_auto` tools run unasked."""
    made = Agent(
        name=AgentName(name),
        title=f"{name} helps",
        prompt=f"You are {name}.",
        version="1",
        tools=ALL_TOOLS,
        policy=dict.fromkeys(AUTO, "auto"),
        limits=FREE,
    )
    return replace(made, **changes)


@dataclass
class Team:
    """The agents, for every tenant."""

    members: dict[str, Agent] = field(
        default_factory=lambda: {"bri": agent("bri"), "kelly": agent("kelly")}
    )

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        return self.members.get(name)

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        return tuple(self.members.values())


_OFFERED: dict[tuple[str, ...], tuple[ModelTool, ...]] = {}
"""Shared by all tool sets of the tests: a name means the same tool in each."""


_SEEDS = count()


class FakeToolset(Toolset):
    """The real tool set, with the tools that it is given."""

    def __init__(self, house: House, clock: Clock, db: Database, tools: Mapping[str, Tool]) -> None:
        super().__init__(house, clock, db, lambda tenant, provider: "", {})
        self.__dict__["tools"] = tools
        self.__dict__["_groups"] = {}
        self._offered = _OFFERED


def assemble(
    db: Database,
    clock: Clock,
    model: Model,
    tools: Mapping[str, Tool],
    *,
    channels: Mapping[str, Channel] | None = None,
    team: Team | None = None,
    limits: Limits | None = None,
    live: RecordingLive | None = None,
    peers: Peers | None = None,
) -> Engine:
    """An engine of these parts; the house lends its tools nothing but the team."""
    team = team or Team()
    nobody: Any = None
    house = House(memory=nobody, schedules=nobody, fetcher=nobody, agents=team)
    return Engine(
        Given(
            db=db,
            clock=clock,
            model=model,
            agents=team,
            house=house,
            live=live or RecordingLive(),
            people=People(db, clock, KEY, lambda: None),
            limits=limits or Limits(sender=UNLIMITED, tenant=UNLIMITED),
            carriers=Carriers(HOME, channels or {"chat": FakeChannel(rows=True)}),
            toolset=FakeToolset(house, clock, db, tools),
            peers=peers,
        )
    )


class Switchboard:
    """One engine and everything around it."""

    def __init__(
        self,
        model: ScriptedModel | None = None,
        *,
        vendor: Vendor | None = None,
        channels: Mapping[str, Channel] | None = None,
        team: Team | None = None,
        limits: Limits | None = None,
        disk: Disk | None = None,
        tools: Mapping[str, Tool] | None = None,
        weather: Weather | None = None,
        db: Database | None = None,
    ) -> None:
        """`db`: another database than the one on `disk`."""
        self.disk = disk or Disk(image())
        self.db: Database = db or InlineDatabase(self.disk, weather)
        self.clock = LoopClock(Random(next(_SEEDS)))
        self.model = model or ScriptedModel([say("Hello.")])
        self.vendor = vendor or Vendor()
        self.live = RecordingLive()
        self.team = team or Team()
        self.engine = assemble(
            self.db,
            self.clock,
            self.model,
            tools or {**tools_of(self.vendor), **{tool.name: tool for tool in HAND_OFF}},
            channels=channels,
            team=self.team,
            limits=limits,
            live=self.live,
        )

    async def __aenter__(self) -> "Switchboard":
        await self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop(seconds=0.1)

    def event(self, text: str, **changes: Any) -> Event:
        """A message of Ana's in her conversation, or what `changes` make of it."""
        tenant = changes.pop("tenant", HOME)
        person = changes.pop("person", ANA)
        channel = changes.pop("channel", "web")
        thread = changes.pop("thread", "t1")
        ext = changes.pop("ext", person or "stranger")
        event = Event(
            id=EventId(new_id(self.clock, "evt")),
            tenant=tenant,
            channel=channel,
            account="",
            ext_id=new_id(self.clock, "ext"),
            kind=Kind.MESSAGE,
            conv=conv_key(channel, "", ext, thread),
            sender=Sender(ext_id=ext, name="", person=person),
            place=Place(id=ext, thread=thread),
            text=text,
            at=self.clock.now(),
        )
        return replace(event, **changes)

    async def accept(self, text: str, **changes: Any) -> Accepted:
        """Bring an event."""
        return await self.engine.inbox.accept(self.event(text, **changes))

    async def ask(self, text: str, **changes: Any) -> str:
        """Bring an event and return what its turn says in the end."""
        got = await self.accept(text, **changes)
        return str((await self.live.line_of(got.event)).get("text", ""))

    async def pending(self, tenant: TenantId = HOME) -> list[Approval]:
        """The open questions, oldest first."""
        found = await self.db.read(approval_rows.listed(tenant, "pending", 1 << 62, 100))
        return found[::-1]

    async def decide(
        self,
        approval: Approval,
        decision: str,
        person: PersonId = OLGA,
        *,
        arguments: Mapping[str, Any] | None = None,
        version: int | None = None,
        tenant: TenantId = HOME,
        note: str = "",
    ) -> Approval:
        """Answer a question as the page does."""
        answer = Answer(
            approval=ApprovalId(approval.id),
            decision=Decision(decision),
            person=person,
            version=approval.version if version is None else version,
            arguments={EffectId(key): value for key, value in (arguments or {}).items()},
            note=note,
        )
        return await self.engine.approvals.decide(tenant, answer)

    async def settled(self, approval: Approval) -> str:
        """What the agent says once all that a question covers has ended."""
        async with asyncio.timeout(40):
            while True:
                rows = self.disk.all(
                    "select id from inbox where ext_id = ?", f"settled:{approval.id}"
                )
                if rows:
                    return str((await self.live.line_of(rows[0][0])).get("text", ""))
                await asyncio.sleep(0.005)

    async def put_rule(self, rule: Rule, tenant: TenantId = HOME) -> None:
        """Make a policy."""
        await self.db.write(policies.put(tenant, rule, 1))
        self.engine.changed()

    def states(self) -> list[tuple[str, str]]:
        """Tool and state of every tool effect, in the order in which they were asked for."""
        return self.disk.all("select tool, state from effect where kind = 'tool' order by rowid")

    def ending(self, event: str) -> tuple[str, str]:
        """State and ending of an event."""
        rows = self.disk.all("select state, ending from inbox where id = ?", event)
        return rows[0]

    def move(self, **span: float) -> None:
        """Let days pass at once."""
        self.clock.leap(**span)

    @property
    def now_us(self) -> int:
        """The time as rows have it."""
        return to_us(self.clock.now())


__all__ = ["Policy", "Switchboard", "Team", "Trust", "Usage", "agent", "assemble"]
