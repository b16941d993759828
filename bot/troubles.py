"""Telling owners what went wrong for good: once for each matter, with the step that mends it.

What a person asked for is told to that person by the turn itself. Here the owners hear of it: a
deed that was given up, one that is in doubt for an hour, a question to which fewer can say yes than
must, a text that did not arrive, an event that failed for good, a schedule that fails, a refused
model key, a broken connection or channel. The facts are rows already; a round takes up the new ones
and writes the words into each owner's own conversation, all in one commit. So a crash between the
two is none: a trouble is told once, whoever dies where.

    first time        told at once; all that a round finds is one message
    again             counted, and told as a number when an hour has passed
    works again       said once, and the trouble is over
    nothing for a day it is over as well
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core.canonical import Json
from bot.core.conversation import Line
from bot.core.event import Event, Place, Sender
from bot.core.ids import EventId, PersonId, TenantId, conv_key
from bot.core.ports import Clock, Live, new_id
from bot.core.times import from_us, iso, to_us
from bot.fleet import Peers
from bot.render.text import visible
from bot.store import conversations, people
from bot.store import troubles as rows
from bot.store.script import Database, Script, restartable
from bot.store.troubles import Fact, Trouble

LEASE = "troubles"
WINDOW = timedelta(days=1)
"""How far back failures are looked for."""
DOUBT_AFTER, DOUBT_UNTIL = timedelta(hours=1), timedelta(days=7)
AGAIN_AFTER = timedelta(hours=1)
QUIET_AFTER = timedelta(days=1)
KEPT = timedelta(days=30)
MOST = 10
"""Troubles that one message names; of the rest it gives the number."""
CHANNEL, THREAD, TITLE = "web", "house", "From the house"
HEAD, MENDED = "**Something needs you**", "**Works again**"
_QUIET = frozenset({"deed", "event", "connection", "text"})
_KEYS: Mapping[str, str] = {
    "model.auth": "The model's provider refuses the key",
    "model.credit": "The model's provider wants to be paid",
}


class Troubles:
    """Finds troubles and tells the owners."""

    def __init__(self, db: Database, clock: Clock, live: Live, peers: Peers) -> None:
        self._db = db
        self._clock = clock
        self._live = live
        self._peers = peers

    async def look(self) -> int:
        """One round, unless another process does it; returns how many messages were written."""
        if not await self._peers.take(LEASE):
            return 0
        now = self._clock.now()
        since = to_us(now - WINDOW)
        doubts = (to_us(now - DOUBT_UNTIL), to_us(now - DOUBT_AFTER))
        found: dict[str, list[Fact]] = {}
        for fact in await self._db.read(rows.facts(since, doubts)):
            found.setdefault(fact.tenant, []).append(fact)
        open_ = await self._db.read(rows.tenants())
        written = 0
        for tenant in dict.fromkeys((*found, *open_)):
            written += await self._tell(TenantId(tenant), found.get(tenant, ()))
        await self._db.write(rows.forget(to_us(now - KEPT)))
        return written

    async def connection_broken(
        self, tenant: TenantId, provider: str, connection: str, href: str = "/admin"
    ) -> None:
        """A service does not take our credentials any more. Told with the next round."""
        name = visible(provider or connection)
        await self._report(
            Trouble(
                tenant=tenant,
                id=new_id(self._clock, "trb"),
                cause=f"connection:{connection or provider}",
                kind="connection",
                subject=connection or provider,
                title=f"The connection to {name} is broken",
                step=f"Connect {name} again. What needs it fails until then.",
                command="bot open",
                href=href,
            )
        )

    async def connection_ends(self, tenant: TenantId, name: str, connection: str, on: str) -> None:
        """A connection will end, and only a person can renew it. Told with the next round."""
        await self._report(
            Trouble(
                tenant=tenant,
                id=new_id(self._clock, "trb"),
                cause=f"ending:{connection}",
                kind="connection",
                subject=connection,
                title=f"The connection to {visible(name)} ends {on}",
                step=f"Connect {visible(name)} again before that, and nothing stops.",
                command="bot connections",
                href="/admin/connections",
            )
        )

    async def connection_works(self, tenant: TenantId, connection: str) -> None:
        """It works, or is wanted no more. Said to owners who were told that it is broken."""
        for cause in (f"connection:{connection}", f"ending:{connection}"):
            self._show(tenant, await self._db.write(self._over(tenant, cause, self._ids())))

    async def channel_down(self, tenant: TenantId, name: str, step: str = "") -> None:
        """A channel cannot listen; `step` mends it, in the house's own words. Told as above."""
        await self._report(
            Trouble(
                tenant=tenant,
                id=new_id(self._clock, "trb"),
                cause=f"channel:{name}",
                kind="channel",
                subject=name,
                title=f"The channel {visible(name)} is down",
                step=visible(step)
                or "Nobody is heard there. The log says why; it is tried again by itself.",
                command=f"bot connect {name}" if step else "bot status",
                href="/admin",
            )
        )

    async def channel_up(self, tenant: TenantId, name: str) -> None:
        """A channel listens. Said to the owners when they were told of the opposite."""
        convs = await self._db.write(self._over(tenant, f"channel:{name}", self._ids()))
        self._show(tenant, convs)

    async def channels_left(self, tenant: TenantId, names: Collection[str]) -> None:
        """There are these channels and no others: who let go of one need not be told of it."""
        now = to_us(self._clock.now())
        for item in await self._db.read(rows.listed(tenant)):
            if item.kind == "channel" and item.subject not in names:
                await self._db.write(rows.end(item, now))

    async def shown(self, tenant: TenantId) -> list[Mapping[str, Json]]:
        """Open troubles as the API shows them."""
        return [
            {
                "id": item.id,
                "title": item.title,
                "step": item.step,
                "command": item.command,
                "href": item.href,
                "count": item.count,
                "since": iso(from_us(item.first_at)),
                "last": iso(from_us(item.last_at)),
            }
            for item in await self._db.read(rows.listed(tenant))
        ]

    async def _report(self, item: Trouble) -> None:
        now = to_us(self._clock.now())
        await self._db.write(rows.take(item, item.id, now, now))

    async def _tell(self, tenant: TenantId, found: Sequence[Fact]) -> int:
        ids = [new_id(self._clock, "trb") for _ in found]
        convs = await self._db.write(self._round(tenant, found, ids, self._ids()))
        self._show(tenant, convs)
        return len(convs)

    def _show(self, tenant: TenantId, convs: Sequence[str]) -> None:
        for conv in convs:
            self._live.tell(tenant, conv, "look", {})  # type: ignore[arg-type]

    def _ids(self) -> str:
        """The root of the ids of all that one message makes."""
        return new_id(self._clock, "evt")

    @restartable
    def _round(
        self, tenant: TenantId, found: Sequence[Fact], ids: Sequence[str], root: str
    ) -> Script[list[str]]:
        """Take up facts, end what is over, tell what is due; returns the conversations."""
        now = self._clock.now()
        at = to_us(now)
        for fact, id_ in zip(found, ids, strict=True):
            item = yield from _trouble_of(fact, id_)
            yield from rows.take(item, fact.ref, fact.at, at)
        over: list[Trouble] = []
        due: list[Trouble] = []
        for item in (yield from rows.listed(tenant)):
            ended = yield from rows.is_over(item)
            quiet = item.kind in _QUIET and at - item.last_at > _us(QUIET_AFTER)
            if ended or quiet:
                is_first = yield from rows.end(item, at)
                if is_first and ended and item.told:
                    over.append(item)
            elif _is_due(item, at) and (yield from rows.told(item, at)):
                due.append(item)
        return (yield from _write(tenant, _text(due, over), root, at))

    @restartable
    def _over(self, tenant: TenantId, cause: str, root: str) -> Script[list[str]]:
        """End one trouble that is known to be mended."""
        at = to_us(self._clock.now())
        item = yield from rows.of_cause(tenant, cause)
        if item is None or not (yield from rows.end(item, at)):
            return []
        return (yield from _write(tenant, _text((), [item] if item.told else ()), root, at))


def _trouble_of(fact: Fact, id_: str) -> Script[Trouble]:
    """The trouble that a fact belongs to. No vendor's words: an agent may read this one day."""
    new = Trouble(
        tenant=fact.tenant,
        id=id_,
        cause=f"{fact.kind}:{fact.subject}",
        kind=fact.kind,
        subject=fact.subject,
        title=f"An action was given up: {visible(fact.subject)}",
        step="See what was answered, mend that, then ask for it again.",
        command=f"bot trace {fact.event}",
        href=f"/admin/events/{fact.event}",
    )
    if fact.kind == "deed":
        return new
    if fact.kind == "doubt":
        return replace(
            new,
            cause=f"doubt:{fact.ref}",
            subject=fact.ref,
            title=f"Nobody knows whether this was done: {visible(fact.subject)}",
            step="Look there, and say whether it was done.",
            command="bot approvals",
            href="/admin/approvals",
        )
    if fact.kind == "question":
        return replace(
            new,
            cause=f"question:{fact.ref}",
            subject=fact.ref,
            title=f"An approval waits in vain under the code {fact.subject}",
            step="Make somebody else an owner; or reject it, change the rule and ask again.",
            command="bot policies",
            href="/admin/approvals",
        )
    if fact.kind == "text":
        return replace(
            new,
            title=f"A text did not arrive: {visible(fact.subject)}",
            step="See whom it was for.",
            command="bot sms undelivered",
            href="/admin/texts",
        )
    return (yield from _of_event(new, fact))


def _of_event(new: Trouble, fact: Fact) -> Script[Trouble]:
    """The trouble of an event that failed for good: a key, a schedule, or what its turn says."""
    cause = yield from rows.cause_of(fact)
    if title := _KEYS.get(cause):
        return replace(
            new,
            cause=cause,
            kind="model",
            title=title,
            step="Give another key. Until then agents do not answer.",
            command="bot keys paste",
            href="/admin#key",
        )
    if fact.subject:
        return (yield from _schedule(new))
    return replace(
        new,
        cause=f"event:{cause}",
        title=f"A message could not be answered{f' ({cause})' if cause else ''}",
        step="See why, mend it, then try it again.",
        command="bot events dead",
        href="/admin",
    )


def _schedule(new: Trouble) -> Script[Trouble]:
    """The trouble of a tick, whose key is `sched:ID:TIME`."""
    id_ = new.subject.partition(":")[2].partition(":")[0]
    words = yield from rows.words_of(new.tenant, id_)
    return replace(
        new,
        cause=f"schedule:{id_}",
        kind="schedule",
        subject=id_,
        title=f"A schedule failed: {' '.join(visible(words or id_).split())[:80]}",
        step="See why and mend it, or pause the schedule.",
        command=f"bot schedules pause {id_}",
        href="/admin/schedules",
    )


def _is_due(item: Trouble, at: int) -> bool:
    """Whether there is something new to tell, and the last telling is long enough ago."""
    if item.told_at is None:
        return True
    return item.count > item.told and at - item.told_at >= _us(AGAIN_AFTER)


def _text(due: Sequence[Trouble], over: Sequence[Trouble]) -> str:
    """The message, or nothing."""
    parts = []
    if due:
        lines = [f"- {item.title}{_times(item)}. {item.step} `{item.command}`" for item in due]
        if len(lines) > MOST:
            lines = [*lines[:MOST], f"- and {len(lines) - MOST} more: `bot doctor`"]
        parts.append("\n".join([HEAD, "", *lines]))
    if over:
        parts.append("\n".join([MENDED, "", *(f"- {item.title}: it is over." for item in over)]))
    return "\n\n".join(parts)


def _times(item: Trouble) -> str:
    if item.told:
        return f", {item.count - item.told} more times since"
    return f", {item.count} times" if item.count > 1 else ""


def _write(tenant: TenantId, text: str, root: str, at: int) -> Script[list[str]]:
    """Say it to each owner, in the conversation that the house has with them."""
    if not text:
        return []
    convs: list[str] = []
    for n, owner in enumerate((yield from people.owners(tenant))):
        event = _opening(tenant, owner, f"{root}{n}", at)
        found = yield from conversations.current(tenant, event.conv)
        id_ = f"cnv_{root[4:]}{n}"
        conv = found[0] if found else (yield from conversations.open_(event, id_, 1, at))
        line = Line(
            id=f"msg_{root[4:]}{n}",
            seq=0,
            turn=EventId(event.id),
            role="system",
            text=text,
            at=from_us(at),
        )
        yield from conversations.say(tenant, conv.id, line)
        convs.append(conv.id)
    return convs


def _opening(tenant: TenantId, owner: str, id_: str, at: int) -> Event:
    """What that conversation begins with; never stored itself."""
    return Event(
        id=EventId(id_),
        tenant=tenant,
        channel=CHANNEL,
        account="",
        ext_id=id_,
        kind="notice",
        conv=conv_key(CHANNEL, "", owner, THREAD),
        sender=Sender(ext_id=owner, person=PersonId(owner)),
        place=Place(id=owner, thread=THREAD),
        text=TITLE,
        at=from_us(at),
    )


def _us(span: timedelta) -> int:
    return int(span / timedelta(microseconds=1))
