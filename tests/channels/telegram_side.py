"""A channel that listens to a Telegram that plays, and a house that stores what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.card import Card, Field
from bot.core.channel import Outbound
from bot.core.effect import EffectKind
from bot.core.errors import Forbidden
from bot.core.event import Event, Kind
from bot.core.ids import AgentName, ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Form, Input, Lent, NoDesk
from channels.telegram.channel import Telegram, make
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person

ANA, BO = Person(11, "Ana"), Person(12, "Bo")
APPROVAL = "apr_01JX0000000000000000000000"


@dataclass
class Desk(NoDesk):
    """Answers Ana alone."""

    inputs: tuple[Input, ...] = (Input(key="eff_1/text", label="Text", value="Open on Sunday"),)
    long: str = "All of it."

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        self._check(who)
        inputs = self.inputs
        if choice == "ask":
            inputs = (Input(key="question", label="Your question", value=""),)
        return Form(approval=approval, version=3, choice=choice, title="Edit", inputs=inputs)

    async def whole(self, account: str, who: str, approval: str) -> str:
        self._check(who)
        return self.long

    def _check(self, who: str) -> None:
        if who != str(ANA.id):
            raise Forbidden("Others may decide this one.")


@dataclass
class Sink:
    """A house that stores what it hears, once."""

    events: list[Event] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    calls: int = 0
    reply: str = "Approved by Ana"

    async def __call__(self, event: Event) -> Accepted:
        self.calls += 1
        if self.fails:
            raise self.fails.pop(0)
        known = any(each.ext_id == event.ext_id for each in self.events)
        if not known:
            self.events.append(event)
        reply = self.reply if event.kind in (Kind.PRESSED, Kind.FORM) else ""
        return Accepted(event="evt_1", conv=ConvId("cnv_1"), duplicate=known, reply=reply)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events]


@dataclass
class Stage:
    """A channel that listens to a Telegram that plays."""

    server: TelegramServer
    channel: Telegram
    sink: Sink
    desk: Desk
    task: asyncio.Task[None]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(8):
            while not holds():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def heard(self, count: int) -> list[Event]:
        await self.until(lambda: len(self.sink.events) >= count)
        return self.sink.events


def lent_for(server: TelegramServer, desk: Desk | None = None, **options: Any) -> Lent:
    public = options.pop("public_url", "")
    return Lent(
        tenant=TenantId("ten_1"),
        options={"token": server.token, **options},
        clock=SystemClock(),
        desk=desk or Desk(),
        endpoint=server.base,
        public_url=public,
    )


@asynccontextmanager
async def listening(server: TelegramServer) -> AsyncIterator[Stage]:
    """A channel that polls."""
    desk, sink = Desk(), Sink()
    channel = make(lent_for(server, desk))
    task = asyncio.create_task(channel.run(sink))
    found = Stage(server, channel, sink, desk, task)
    await found.until(lambda: server._poll is not None)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def outbound(text: str = "Hello", place: int = ANA.id, **more: Any) -> Outbound:
    message = Outbound(
        tenant=TenantId("ten_1"),
        conv=ConvId("cnv_1"),
        account="700001",
        place=str(place),
        thread="",
        effect=EffectId("rep_1"),
        kind=EffectKind.REPLY,
        text=text,
    )
    return replace(message, **more)


def card(place: int = ANA.id, **more: Any) -> Outbound:
    shown = Card(
        title="Publish on the blog",
        agent=AgentName("bri"),
        on_behalf_of="Ana",
        fields=(Field(name="Text", value="Open on Sunday", long=True),),
        code="4821",
    )
    given = {"card": shown, "approval": APPROVAL, "version": 3, "kind": EffectKind.CARD}
    return outbound("", place, **(given | more))
