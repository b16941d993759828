"""What a service tells of a deed of ours: said once, in the conversation where it was asked for."""

from bot.core.effect import Effect
from bot.core.event import Event, Place, Sender, Trust
from bot.core.ids import EventId
from bot.core.ports import Clock, Inbox, new_id
from bot.frozen import frozen
from bot.store import conversations
from bot.store.script import Database


@frozen
class News:
    """One thing that became known."""

    service: str
    """Its name in the house, such as `stripe`; `title` as people know it."""
    title: str
    kind: str
    """What happened, in the service's word."""
    once: str
    """The same for the same thing, however often it is told."""
    words: str


async def tell(db: Database, clock: Clock, inbox: Inbox, effect: Effect, news: News) -> None:
    """Say it there; nothing where that conversation is gone. Idempotent by `once`."""
    found = await db.read(conversations.get(effect.tenant, effect.conv))
    if found is None:
        return
    where = found[0]
    await inbox.accept(
        Event(
            id=EventId(new_id(clock, "evt")),
            tenant=effect.tenant,
            channel=where.channel,
            account=where.account,
            ext_id=f"{news.service}:{news.once}",
            kind=f"{news.service}.{news.kind}",
            conv=where.key,
            sender=Sender(ext_id=news.service, name=news.title),
            place=Place(id=where.place, thread=where.thread),
            text=f"{news.title}: {news.words}",
            at=clock.now(),
            agent=effect.agent,
            trust=Trust.HOUSE,
            payload={"news": True},
        )
    )
