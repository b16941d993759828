"""An e-mail channel beside servers that play, and a house that stores what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any

from bot.core.card import Card, Field
from bot.core.channel import Outbound
from bot.core.effect import EffectKind
from bot.core.event import Event
from bot.core.ids import AgentName, ConvId, EffectId, TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Lent, NoDesk
from channels.email.channel import Email, make
from tests.fakes.smtp_server import SmtpServer

HOME, KELLY = "team@bot.example", "kelly@bot.example"
ANA = "ana@example.org"
PROVED = "mx.bot.example; dmarc=pass header.from=example.org"
OPTIONS: dict[str, str | int | bool] = {
    "address": HOME,
    "agents": f"kelly={KELLY}",
    "authserv": "mx.bot.example",
}
CARD = Card(
    title="Pay the invoice",
    agent="kelly",
    amount="120.00 EUR",
    recipients=("Tea & Co",),
    fields=(Field(name="Text", value="For tea", editable="text"),),
    code="4821",
)


class Desk(NoDesk):
    """Knows two agents."""

    def agents(self) -> list[tuple[str, str]]:
        return [("kelly", "Kelly of Tea"), ("mark", "Mark")]


@dataclass
class Sink:
    """Stores what it hears, once."""

    events: list[Event] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    calls: int = 0

    async def __call__(self, event: Event) -> Accepted:
        self.calls += 1
        if self.fails:
            raise self.fails.pop(0)
        known = any(each.ext_id == event.ext_id for each in self.events)
        if not known:
            self.events.append(event)
        return Accepted(event=event.id, conv=ConvId("cnv_1"), duplicate=known)


def lent(public_url: str = "", endpoints: dict[str, str] | None = None, **options: Any) -> Lent:
    told = {name: value for name, value in {**OPTIONS, **options}.items() if value is not None}
    return Lent(
        tenant=TenantId("ten_1"),
        options=told,
        clock=SystemClock(),
        desk=Desk(),
        public_url=public_url,
        endpoints=endpoints or {},
    )


@asynccontextmanager
async def listening(channel: Email, sink: Sink | None = None) -> AsyncIterator[Sink]:
    """The channel, listening."""
    sink = sink or Sink()
    task = asyncio.create_task(channel.run(sink))
    await asyncio.sleep(0)
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def channel(**options: Any) -> Email:
    return make(lent(**options))


def written(text: str = "hello", to: str = KELLY, **headers: str) -> bytes:
    """A mail of Ana's that our server found to be hers."""
    mail = EmailMessage()
    given = {
        "Authentication-Results": PROVED,
        "From": f"Ana <{ANA}>",
        "To": to,
        "Message-ID": "<m1@example.org>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    for name, value in given.items():
        if value:
            mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def reply_to(event: Event, text: str = "**Yes.**", effect: str = "rep_1") -> Outbound:
    """The answer to an event, as the house makes it."""
    return Outbound(
        tenant=event.tenant,
        conv=ConvId("cnv_1"),
        account=event.account,
        place=event.place.id,
        thread=event.place.thread,
        effect=EffectId(effect),
        kind=EffectKind.REPLY,
        text=text,
        reply_to=event.ext_id,
        extra={"attempt": 1, "agent": AgentName("kelly"), "event": event.payload},
    )


def card_for(event: Event, **changes: Any) -> Outbound:
    message = replace(reply_to(event, CARD.title, "crd_1"), kind=EffectKind.CARD, extra={})
    card = replace(CARD, **changes)
    return replace(message, card=card, approval="apr_1", version=1, url="https://bot.example/a")


@asynccontextmanager
async def taking(*login: str) -> AsyncIterator[SmtpServer]:
    """A strict mail server, which was given nothing that a careful program would not send."""
    async with SmtpServer(*login) as smtp:
        yield smtp
        assert smtp.mistakes == []


async def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := look()):
            await asyncio.sleep(0.02)
    return found
