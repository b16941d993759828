"""A house of three lines for Discord's tests: a desk, a sink that remembers, the channel."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.core.card import Card, Choice
from bot.core.channel import Outbound
from bot.core.effect import EffectKind
from bot.core.event import Event
from bot.core.ids import ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Form, Input, Lent, NoDesk
from channels.discord.channel import Discord, make
from tests.fakes.discord_server import DiscordServer

ADDRESSES = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
CARD = Card(
    title="Post to X",
    agent="Bri",
    on_behalf_of="Ana",
    body="Hello @everyone",
    choices=(
        Choice(id="approve", label="Approve", style="primary"),
        Choice(id="edit", label="Edit"),
        Choice(id="reject", label="Reject", style="danger"),
    ),
)


class Desk(NoDesk):
    """Knows one approval, for everybody."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []
        self.long = "All of it.\n" * 500
        self.value = "Hello"

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        inputs = (Input(key="eff_1.text", label="Text", value=self.value, long=True),)
        return Form(approval=approval, version=1, choice=choice, title="Edit", inputs=inputs)

    async def whole(self, account: str, who: str, approval: str) -> str:
        return self.long

    async def heard(self, account: str) -> list[tuple[str, str]]:
        return self.places


@dataclass
class House:
    """The channel, listening to a played Discord."""

    server: DiscordServer
    options: dict[str, Any] = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    reply: str = ""
    """What events are answered with."""
    raises: list[Exception] = field(default_factory=list)
    """What the sink raises, one each."""
    slow_s: float = 0.0
    events: list[Event] = field(default_factory=list)
    listens: bool = True

    async def __aenter__(self) -> Self:
        options = {"token": self.server.token, "commands": False, **self.options}
        lent = Lent(
            tenant=TenantId("ten_1"),
            options=options,
            clock=SystemClock(),
            desk=self.desk,
            endpoint=self.server.url,
        )
        self.channel: Discord = make(lent)
        self.task: asyncio.Task[None] | None = None
        if self.listens:
            self.task = asyncio.ensure_future(self.channel.run(self.sink))
            if options.get("gateway", True):
                await self.server.gateway.until_connected()
            else:
                await self.server.until(lambda: self.channel._presses)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.channel._calls.close()
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = ADDRESSES

    async def sink(self, event: Event) -> Accepted:
        await asyncio.sleep(self.slow_s)
        if self.raises:
            raise self.raises.pop(0)
        twice = any(event.ext_id == each.ext_id for each in self.events)
        if not twice:
            self.events.append(event)
        return Accepted(event="evt_1", conv=ConvId("cnv_1"), reply=self.reply, duplicate=twice)

    async def heard(self, number: int = 1) -> Event:
        """The last of so many events."""
        await self.server.until(lambda: len(self.events) >= number)
        return self.events[number - 1]

    async def quiet(self, holds: Callable[[], object] = lambda: True) -> None:
        """A moment in which nothing more comes."""
        await asyncio.sleep(0.15)
        assert holds()


def outbound(place: str, text: str = "Hello", effect: str = "rep_1", **more: Any) -> Outbound:
    """A message that leaves."""
    return Outbound(
        **{
            "tenant": TenantId("ten_1"),
            "conv": ConvId("cnv_1"),
            "account": "",
            "place": place,
            "thread": "",
            "effect": EffectId(effect),
            "kind": EffectKind.REPLY,
            "text": text,
            **more,
        }
    )


def card(place: str, **more: Any) -> Outbound:
    """A card that asks."""
    known = {"card": CARD, "approval": "apr_1", "version": 1, "kind": EffectKind.CARD}
    return outbound(place, "Post to X", "crd_1", **{**known, **more})
