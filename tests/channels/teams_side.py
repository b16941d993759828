"""A channel behind a real server, a Teams that plays, and a house that stores what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.card import Card, Field
from bot.core.channel import Outbound
from bot.core.effect import EffectKind
from bot.core.errors import Forbidden
from bot.core.event import Event, Kind
from bot.core.ids import AgentName, ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Form, Input, Lent, NoDesk
from channels.teams.channel import Teams, make
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer
from tests.fakes.teams_world import Person

ANA, BEN = Person("Ana"), Person("Ben")
APPROVAL = "apr_01JX0000000000000000000000"


@dataclass
class Desk(NoDesk):
    """Answers Ana alone."""

    inputs: tuple[Input, ...] = (
        Input(key="eff_1/title", label="Title", value="Sunday"),
        Input(key="eff_1/text", label="Text", value="We are open on Sunday"),
    )
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
        if who != ANA.aad:
            raise Forbidden("Others may decide this one.")


@dataclass
class Sink:
    """A house that stores what it hears, once."""

    events: list[Event] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    reply: str = "Approved by Ana"

    async def __call__(self, event: Event) -> Accepted:
        if self.fails:
            raise self.fails.pop(0)
        known = any(each.ext_id == event.ext_id for each in self.events)
        if not known:
            self.events.append(event)
        reply = self.reply if event.kind in (Kind.PRESSED, Kind.FORM) else ""
        return Accepted(event="evt_1", conv=ConvId("cnv_1"), duplicate=known, reply=reply)


@dataclass
class Side:
    """Both sides of the wire."""

    server: TeamsServer
    channel: Teams
    sink: Sink
    desk: Desk
    task: asyncio.Task[None]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(8):
            while not holds():
                await asyncio.sleep(0.01)


def lent(server: TeamsServer, desk: Desk | None = None, **options: Any) -> Lent:
    given = {"app_id": APP, "app_secret": SECRET, "tenant_id": TENANT, **options}
    return Lent(
        tenant=TenantId("ten_1"),
        options=given,
        clock=SystemClock(),
        desk=desk or Desk(),
        endpoint=server.base,
    )


@asynccontextmanager
async def listening(server: TeamsServer) -> AsyncIterator[Side]:
    """A channel that Teams calls."""
    desk, sink = Desk(), Sink()
    channel = make(lent(server, desk))
    app = web.Application(client_max_size=2**30)
    for method, path, handler in channel.routes():
        app.router.add_route(method, path, handler)
    async with TestServer(app) as house:
        server.webhook_via = str(house.make_url("")).rstrip("/")
        side = Side(server, channel, sink, desk, asyncio.create_task(channel.run(sink)))
        await side.until(lambda: channel._sink is not None and server.asked("token"))
        yield side
        side.task.cancel()
        await asyncio.gather(side.task, return_exceptions=True)


def outbound(place: str, text: str = "Hello", **more: Any) -> Outbound:
    message = Outbound(
        tenant=TenantId("ten_1"),
        conv=ConvId("cnv_1"),
        account=APP,
        place=place,
        thread="",
        effect=EffectId("rep_1"),
        kind=EffectKind.REPLY,
        text=text,
    )
    return replace(message, **more)


def card(place: str, **more: Any) -> Outbound:
    shown = Card(
        title="Publish on the blog",
        agent=AgentName("bri"),
        on_behalf_of="Ana",
        fields=(
            Field(name="Title", value="Sunday", editable="title"),
            Field(name="Text", value="We are open on Sunday", long=True, editable="text"),
        ),
        code="4821",
    )
    given = {"card": shown, "approval": APPROVAL, "version": 3, "kind": EffectKind.CARD}
    return outbound(place, "Publish on the blog", **(given | more))
