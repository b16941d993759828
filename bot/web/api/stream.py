"""A conversation as it happens: the draft, what is being done, and every line once it is stored.

The place of a watcher is the id of the last event it got:

    turn.attempt.offset   so many characters of this draft
    turn.m.n              the line at position n

Lines come from the database in their order and without gaps: a note about one only says that it
is time to read, unless it is the very next. Whoever was away goes on at a character while the same
draft is still running; else it reads the lines from before that turn's answer, after a `reset`
when the answer is not written yet.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from bot.core.canonical import Json
from bot.core.conversation import Conversation
from bot.core.errors import BotError, LimitReached
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.credentials import Visit
from bot.live import Note, Watch
from bot.store.rows import dumps
from bot.web.answers import number
from bot.web.parts import VISIT, Doc, Parts, Route
from bot.web.sse import BEAT_S, Gone, Stream

_BATCH = 200
_LINE = "m"


@dataclass(slots=True)
class Tail:
    """How far one watcher has come."""

    parts: Parts
    visit: Visit
    conv: Conversation
    stream: Stream
    watch: Watch
    at: int = 0
    """The position of the last line that was sent."""
    drafting: str = ""
    """The turn of which it has a draft."""
    asked_at: float = 0.0
    """When it was last asked whether this watcher may still look."""

    @property
    def person(self) -> Person:
        """Who watches."""
        return self.visit.person

    @property
    def tenant(self) -> TenantId:
        """Where."""
        return self.visit.tenant

    async def begin(self, last_id: str, after: int) -> None:
        """Go on from `last_id`; without one, from a position. What was missed follows."""
        place = last_id.split(".")
        line = _number(place[2]) if len(place) == 3 and place[1] == _LINE else None
        if line is not None:
            self.at = line
        elif len(place) == 3:
            await self._resume(*place)
        else:
            self.at = after

    async def _resume(self, turn: str, attempt: str, offset: str) -> None:
        transcript, tenant = self.parts.transcript, self.tenant
        again, char = _number(attempt), _number(offset)
        self.drafting = turn
        resumed = again is not None and char is not None and self.watch.resume(turn, again, char)
        before = await transcript.before_turn(tenant, self.conv.id, turn)
        if before is None:
            self.drafting = ""
            before = await transcript.last(tenant, self.conv.id)
        self.at = before
        if not resumed and self.drafting:
            _, line = await transcript.answer(tenant, turn)
            if line is None:
                await self.stream.send("reset", {"turn": turn})

    async def read(self) -> None:
        """Send every line that is stored and was not sent."""
        more = True
        while more:
            items, self.at, more = await self.parts.transcript.lines(
                self.person, self.conv.id, self.at, _BATCH
            )
            for item in items:
                await self.line(item)

    async def line(self, item: dict[str, Json]) -> None:
        """Send one line."""
        if item["turn"] == self.drafting and item["role"] != "user":
            self.drafting = ""
        place = f"{item['turn']}.{_LINE}.{item['n']}"
        await self.stream.send("message", item, place)

    async def tell(self, note: Note) -> None:
        """Send what a note says."""
        if note.what == "draft":
            self.drafting = str(note.data["turn"])
            agent = note.data["agent"] or self.conv.agent
            await self.stream.send("draft", {**note.data, "agent": agent}, note.place)
        elif note.what == "look":
            await self.read()
        elif note.what == "message":
            await self._message(dict(note.data))
        elif note.what == "lost":
            if self.drafting:
                await self.stream.send("reset", {"turn": self.drafting})
            await self._state()
        else:
            if note.data == {"state": "running"}:  # whose it is may have changed since
                self.conv, _ = await self.parts.transcript.now(self.person, self.conv.id)
            await self.stream.send(note.what, note.data)

    async def _message(self, item: dict[str, Json]) -> None:
        position = item.get("n")
        if not isinstance(position, int) or position > self.at + 1:
            await self.read()
        elif position == self.at + 1:
            self.at = position
            await self.line(item)

    async def _state(self) -> None:
        """Send what is stored, then the state of before: no end comes before its line."""
        self.conv, state = await self.parts.transcript.now(self.person, self.conv.id)
        await self.read()
        await self.stream.send("state", {"state": state})

    async def follow(self) -> None:
        """Send until the house stops, the watcher leaves, or it may no longer look."""
        await self._state()
        while await self._may_look():
            note = await self.watch.next(BEAT_S)
            if note is not None:
                await self.tell(note)
            elif self.watch.is_closed:
                return
            else:
                await self.stream.beat()
                await self.read()

    async def _may_look(self) -> bool:
        now = self.parts.clock.monotonic()
        if now < self.asked_at + BEAT_S:
            return True
        self.asked_at = now
        return await self.parts.credentials.is_open(self.visit)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class Streams:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._open: dict[tuple[TenantId, str], list[web.Request]] = {}

    @contextmanager
    def _seat(self, request: web.Request) -> Iterator[None]:
        """Count one more stream of a person while it is open. Raises LimitReached.

        One whose connection is lost counts no more, though its watcher notices that later.
        """
        person, most = request[VISIT].person, self._parts.streams_per_person
        who = (person.tenant, person.id)
        mine = self._open.setdefault(who, [])
        if sum(each.transport is not None for each in mine) >= most:
            raise LimitReached(
                f"You watch {most} conversations already, which is the most. Close a window, or "
                "have an owner raise limits.streams_per_person."
            )
        mine.append(request)
        try:
            yield
        finally:
            mine.remove(request)
            if not mine:
                self._open.pop(who, None)

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """Stream a conversation until somebody leaves."""
        parts, visit = self._parts, request[VISIT]
        conv, _ = await parts.transcript.now(visit.person, request.match_info["id"])
        after = number(request, "after", -1)
        with self._seat(request), parts.live.subscribe(visit.tenant, conv.id) as watch:
            stream = Stream(request)
            tail = Tail(parts, visit, conv, stream, watch)
            if after < 0:  # "from now on" is from before the watcher hears that it may speak
                after = await parts.transcript.last(visit.tenant, conv.id)
            try:
                await stream.open()
                await stream.hint()
                await tail.begin(request.headers.get("Last-Event-ID", ""), after)
                await tail.follow()
            except Gone:
                return stream.response
            except BotError as error:
                await stream.last(f'{{"message": {dumps(error.message)}}}', "error")
        return await stream.close()


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    return [
        Route(
            method="GET",
            path="/v1/conversations/{id}/stream",
            handler=Streams(parts).watch,
            doc=Doc(
                summary="Server-sent events of a conversation: message, draft, reset, activity, "
                "approval, state, error. `Last-Event-ID` goes on where a watcher was.",
                query={"after": "begin after this position, when there is no Last-Event-ID"},
                media_type="text/event-stream",
            ),
        )
    ]
