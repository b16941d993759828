"""A channel for text messages on its own: a Twilio that plays, a real book, a house that stores."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from bot.core.channel import Outbound
from bot.core.effect import EffectKind
from bot.core.event import Event
from bot.core.ids import ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Lent
from bot.platforms.texting import Book
from bot.testing import outbound
from channels.sms.channel import Sms, make
from tests.fakes.database import InlineDatabase
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT, TOKEN

OURS, SECOND = "+15550100001", "+15550100002"
ANA, BEN = "+14155550101", "+14155550102"
HOME = TenantId("ten_1")
PUBLIC = "https://bot.example"


@dataclass
class House:
    """Stores what it hears, once; fails when it is told to."""

    heard: list[Event] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    async def __call__(self, event: Event) -> Accepted:
        if self.fails:
            raise self.fails.pop(0)
        is_known = any(each.ext_id == event.ext_id for each in self.heard)
        if not is_known:
            self.heard.append(event)
        return Accepted(event="evt_1", conv=ConvId("cnv_1"), duplicate=is_known)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.heard]


@dataclass
class Side:
    """The channel and all around it."""

    server: TwilioServer
    channel: Sms
    house: House
    book: Book
    db: InlineDatabase
    task: asyncio.Task[None] | None = None

    async def says(self, text: str, person: str = ANA, number: str = OURS, **more: Any) -> int:
        """A person texts; the status that Twilio gets."""
        _, told = await self.server.world.text(person, number, text, **more)
        return told.status

    async def again(self) -> None:
        """The program is begun anew on the same database."""
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.channel = make(lent(self.server, self.book))
        self.task = asyncio.create_task(self.channel.run(self.house))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.db.disk.all(sql)


def lent(server: TwilioServer, book: Book, **options: Any) -> Lent:
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN, **options}
    return Lent(
        tenant=HOME,
        options=given,
        clock=SystemClock(),
        endpoints={"twilio": server.base},
        texts=book,
        public_url=PUBLIC,
    )


async def until(holds: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(
    server: TwilioServer, disk: InlineDatabase | None = None, **options: Any
) -> AsyncIterator[Side]:
    """A channel that listens, with one number that nobody has pointed anywhere."""
    db = disk or InlineDatabase()
    book = Book(db, SystemClock(), HOME)
    if OURS not in server.world.numbers:
        server.world.number(OURS)
    house = House()
    side = Side(server, make(lent(server, book, **options)), house, book, db)

    async def hook(request: web.Request) -> web.StreamResponse:
        for method, path, handler in side.channel.routes():
            if (method, path) == (request.method, request.path):
                found = await handler(request)
                assert isinstance(found, web.StreamResponse)
                return found
        return web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
    side.task = asyncio.create_task(side.channel.run(house))
    try:
        looked = len(server.asked("list"))
        await until(lambda: db.disk.all("select 1 from sms_number") or side.task.done())
        ours = len(side.rows("select 1 from sms_number where state = 'ours'"))
        await until(lambda: len(server.asked("list")) >= looked + ours or side.task.done())
        await asyncio.sleep(0.05)  # what it found is looked at
        yield side
    finally:
        side.task.cancel()
        await asyncio.gather(side.task, return_exceptions=True)
        await server.settled()
        await runner.cleanup()


def out(text: str = "Hello", effect: str = "rep_1", to: str = ANA, **more: Any) -> Outbound:
    """An answer that leaves."""
    made = outbound(text, effect, to)
    given = {"thread": OURS, "effect": EffectId(effect), "kind": EffectKind.REPLY, **more}
    return replace(made, **given)
