"""A Slack channel on its own, listening to the Slack that plays: what it tells is kept in `heard`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.channel import Outbound
from bot.core.errors import Forbidden, NotFound
from bot.core.event import Event
from bot.core.ids import ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Form, Input, Known, Lent, Manner, Site, Waiting
from bot.testing import outbound
from channels.slack.channel import make
from channels.slack.workspace import Workspace
from tests.fakes.slack_apps import TEAM
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person

ANA, BEN = Person("U0000ANA", "Ana", "ana@example.com"), Person("U0000BEN", "Ben")
HOME = TenantId("ten_1")


@dataclass
class Desk:
    """A desk with one approval that Ana may decide."""

    who: list[tuple[str, str]] = field(default_factory=list)
    text: str = "Hello world"
    places: dict[str, Manner] = field(default_factory=dict)
    """What Ana, who alone is an owner, has said of places."""

    spoken: list[tuple[str, str]] = field(default_factory=list)
    """Where something was said to the app before."""
    matched: list[tuple[str, str, str]] = field(default_factory=list)

    def _is_owner(self, account: str, who: str) -> None:
        if (account, who) != (TEAM, ANA.id):
            raise Forbidden("Only an owner may change what is answered here.")

    async def manners(self, account: str, who: str) -> Sequence[Manner]:
        self._is_owner(account, who)
        return list(self.places.values())

    async def manner(self, account: str, who: str, site: Site) -> Manner:
        self._is_owner(account, who)
        return self.places.get(site.place, Manner(site=site))

    async def set_manner(self, account: str, who: str, manner: Manner) -> None:
        self._is_owner(account, who)
        if manner.agent not in ("", "bri"):
            raise NotFound("There is no such agent.")
        self.places[manner.site.place] = manner

    def _may(self, account: str, who: str, approval: str) -> None:
        self.who.append((account, who))
        if (account, who, approval) != (TEAM, ANA.id, "apr_1"):
            raise NotFound("There is no such approval here.")

    async def form(self, account: str, who: str, approval: str, choice: str) -> Form:
        self._may(account, who, approval)
        inputs = (Input(key="eff_1/text", label="Text", value=self.text, long=True),)
        return Form(approval=approval, version=3, choice=choice, title="Edit", inputs=inputs)

    async def whole(self, account: str, who: str, approval: str) -> str:
        self._may(account, who, approval)
        return "All of it"

    async def known(self, account: str, who: str) -> Known | None:
        if (account, who) != (TEAM, ANA.id):
            return None
        return Known(name="Ana", role="owner", channels=("slack", "telegram"))

    async def match(self, account: str, who: str, name: str, email: str) -> bool:
        self.matched.append((account, who, email))
        return True

    async def waiting(self, account: str, who: str) -> Sequence[Waiting]:
        return (Waiting(approval="apr_1", code="4821", title="Post it?", agent="bri"),)

    async def heard(self, account: str) -> Sequence[tuple[str, str]]:
        return self.spoken

    def agents(self) -> Sequence[tuple[str, str]]:
        return (("bri", "Bri writes"),)


def single(given: Lent) -> Workspace:
    """The channel of the one workspace of the settings. Raises as `make` does."""
    made = make(given).main
    assert isinstance(made, Workspace)
    return made


@dataclass
class Side:
    """The channel, what it told, and what it is answered."""

    server: SlackServer
    channel: Workspace
    desk: Desk
    heard: list[Event] = field(default_factory=list)
    answer: Callable[[Event], str | Exception] = lambda event: ""
    task: asyncio.Task[None] | None = None

    async def sink(self, event: Event) -> Accepted:
        """Take an event, as the house does."""
        self.heard.append(event)
        said = self.answer(event)
        if isinstance(said, Exception):
            raise said
        return Accepted(event=event.ext_id, conv=ConvId("cnv_1"), reply=said)

    async def hears(self, count: int = 1) -> list[Event]:
        """Wait for so many events."""
        await until(lambda: len(self.heard) >= count)
        return self.heard

    async def idle(self) -> None:
        """Wait until everything that came is acknowledged and answered."""
        await self.server.settled()
        await until(lambda: self.channel._after.is_idle)


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def lent(server: SlackServer, desk: Desk, **options: Any) -> Lent:
    """By socket unless the options say otherwise."""
    given = options or {"bot_token": server.bot_token, "app_token": server.app_token}
    clock = SystemClock()
    return Lent(tenant=HOME, options=given, clock=clock, desk=desk, endpoint=server.base)


@asynccontextmanager
async def listening(server: SlackServer) -> AsyncIterator[Side]:
    """A channel that listens by Socket Mode."""
    desk = Desk()
    side = Side(server, single(lent(server, desk)), desk)
    side.task = asyncio.create_task(side.channel.run(side.sink))
    try:
        await server.connected()
        yield side
    finally:
        side.task.cancel()
        await asyncio.gather(side.task, return_exceptions=True)


def out(place: str, text: str = "Hello", effect: str = "eff_1", **more: Any) -> Outbound:
    """A message that leaves."""
    return replace(outbound(text, effect, place), effect=EffectId(effect), **more)
