"""What tests of tools share: a context, and fakes of what the house lends."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from pydantic import ValidationError

from agents.runtime.toolset import _mistakes
from bot.core.agent import Agent
from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Effect, EffectKind, EffectState, Policy
from bot.core.ids import AgentName, ConvId, EffectId, EventId, PersonId, ScheduleId, TenantId
from bot.core.ports import House, Memo, Page
from bot.core.schedule import Schedule, ScheduleState
from bot.core.tool import Arguments, Risk, Tool, ToolContext
from tests.fakes.clock import StillClock

TENANT, ANA = TenantId("ten_1"), PersonId("per_ana")
CONV, AGENT = ConvId("cnv_1"), AgentName("bri")


@dataclass
class Asked:
    """One request that a tool made."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass
class FakeFetcher:
    """Answers with what it was given, and keeps what it was asked."""

    answers: list[Page | Exception] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

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
        self.asked.append(Asked(url=url, method=method, headers=headers or {}, body=body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeMemory:
    """Notes in a list."""

    memos: list[tuple[TenantId, Memo]] = field(default_factory=list)

    async def remember(self, tenant: TenantId, memo: Memo) -> None:
        if not any(kept.id == memo.id for _, kept in self.memos):
            self.memos.append((tenant, memo))

    async def recall(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, query: str
    ) -> Sequence[Memo]:
        owner = (tenant, agent, person)
        return [m for t, m in self.memos if (t, m.agent, m.person) == owner and query in m.text]

    async def forget(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, memo: str
    ) -> bool:
        before = len(self.memos)
        owner = (tenant, agent, person, memo)
        self.memos = [(t, m) for t, m in self.memos if (t, m.agent, m.person, m.id) != owner]
        return len(self.memos) < before


@dataclass
class FakeSchedules:
    """The clock's book in a list; it understands one phrase."""

    book: list[Schedule] = field(default_factory=list)

    async def add(self, schedule: Schedule) -> None:
        if not any(item.id == schedule.id for item in self.book):
            self.book.append(schedule)

    async def list(self, tenant: TenantId, conv: ConvId | None = None) -> Sequence[Schedule]:
        return [s for s in self.book if s.tenant == tenant and conv in (None, s.conv)]

    async def change(
        self, tenant: TenantId, schedule: ScheduleId, state: ScheduleState
    ) -> Schedule | None:
        for n, item in enumerate(self.book):
            if (item.tenant, item.id) == (tenant, schedule):
                self.book[n] = replace(item, state=state)
                return self.book[n]
        return None

    def plan(self, words: str, zone: str, now: datetime) -> tuple[str, datetime]:
        return "0 9 * * *", now.replace(hour=23)


@dataclass
class FakeAgents:
    """A team."""

    team: Sequence[Agent] = ()

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        return next((agent for agent in self.team if agent.name == name), None)

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        return self.team


def house(team: Sequence[Agent] = ()) -> House:
    """Everything that the house lends, as fakes."""
    return House(
        memory=FakeMemory(),
        schedules=FakeSchedules(),
        fetcher=FakeFetcher(),
        agents=FakeAgents(team),
    )


def context(lent: House | None = None, **changes: object) -> ToolContext:
    """The context of a call by Ana's agent."""
    made = ToolContext(
        tenant=TENANT,
        conv=CONV,
        turn=EventId("evt_1"),
        agent=AGENT,
        person=ANA,
        clock=StillClock(),
        house=lent or house(),
        key="eff_1",
        zone="Europe/Berlin",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def effect(tool: Tool, arguments: Mapping[str, Json], **changes: object) -> Effect:
    """An effect of a tool, on its way."""
    made = Effect(
        id=EffectId("eff_1"),
        tenant=TENANT,
        conv=CONV,
        turn=EventId("evt_1"),
        step=1,
        n=0,
        kind=EffectKind.TOOL,
        tool=tool.name,
        tool_version=tool.version,
        agent=AGENT,
        person=ANA,
        connection="",
        arguments=arguments,
        hash="",
        policy=tool.policy,
        state=EffectState.SENDING,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def refusal(arguments: type[Arguments], **values: object) -> str:
    """What the model is told about arguments that do not fit."""
    with pytest.raises(ValidationError) as caught:
        arguments.model_validate(values)
    return _mistakes(caught.value)


def lines(card: Card) -> dict[str, str]:
    """A card's fields by name."""
    return {line.name: line.value for line in card.fields}


async def check_publisher(tool: Tool, **values: object) -> Card:
    """Check what holds for each network's tool, with arguments that fit; returns its card."""
    args = tool.arguments.model_validate(values)
    plain = args.model_dump(mode="json", exclude_none=True)
    assert tool.arguments.model_validate(plain) == args, "what is stored is understood again"
    assert (tool.risk, tool.egress) == (Risk.WRITE, True)
    network = tool.arguments.network  # type: ignore[attr-defined]
    assert tool.name == f"{network.name}_publish" and tool.provider in ("", network.name)
    for name in tool.arguments.model_json_schema()["properties"]:
        assert re.search(rf"\b{name}\b", tool.description), f"{name} is not described to the model"
    for word in ("Use it when", "o not use it", "Example: {"):
        assert word in " ".join(tool.description.split())
    assert tool.find is not None or tool.policy is Policy.NONE, "a look-up stands behind readback"
    assert "xtra" in refusal(tool.arguments, **{**values, "unknown": 1})
    assert "the time is not clear" in refusal(tool.arguments, **{**values, "when": "2030-01-01"})
    assert "at most 100000" in refusal(tool.arguments, **{**values, "text": "a" * 10**6})
    assert "U+0000" in refusal(tool.arguments, **{**values, "text": "a\x00b"})
    for link in ("javascript:alert(1)", "https://", "ftp://example.org", "https://a@example.org"):
        assert "address" in refusal(tool.arguments, **{**values, "link": link})
    crlf = tool.arguments.model_validate({**values, "text": "one\r\ntwo\rthree"})
    assert crlf.model_dump()["text"] == "one\ntwo\nthree"
    assert tool.preview
    card: Card = tool.preview(args)
    assert "Length" in lines(card)
    assert card.audience
    named = {line.editable for line in card.fields} - {""}
    assert named <= set(plain) | {"page", "blog"}, "only what is there can be edited"
    return card
