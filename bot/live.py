"""What watchers see while a turn runs: the draft as it grows, what is being done, what changed.

Nothing here is kept and nothing here is a promise: lines are rows, and whoever was away reads
them. It never waits for a watcher. A watcher holds no text of its own but a place in the draft of
the turn, in characters, so that it can neither miss nor repeat one however slow it is; of other
notes it holds a bounded number, and one that falls behind is told `lost` and starts from the rows.
A draft lives from `begin` to `end`; a conversation in which nothing runs costs nothing.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId
from bot.frozen import frozen

MAX_NOTES = 256
"""Notes that wait for one watcher."""
MAX_DRAFTS = 20_000
"""Running turns with a draft; the oldest draft is dropped, its turn is not."""

_Key = tuple[str, str]
"""Tenant, and a conversation or a turn."""


@frozen
class Note:
    """One thing to tell a watcher."""

    what: str
    """draft, reset, activity, message, approval, state, error, end; look (there may be new rows);
    lost (notes were dropped: start from the rows)."""
    data: Mapping[str, Json]
    place: str = ""
    """For a draft: `turn.attempt.offset` after this piece."""


@dataclass(slots=True)
class Draft:
    """The text of a running turn so far, in pieces."""

    turn: str
    attempt: int
    parts: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Where each piece ends, in characters from the start."""
    activity: str = ""
    agent: str = ""
    """Who writes it, where the conversation was nobody's yet or another's."""

    @property
    def length(self) -> int:
        """Characters so far."""
        return self.ends[-1] if self.ends else 0

    def add(self, text: str) -> None:
        """Grow."""
        self.parts.append(text)
        self.ends.append(self.length + len(text))

    def since(self, offset: int) -> str:
        """All from a character on."""
        first = bisect_right(self.ends, offset)
        if first == len(self.parts):
            return ""
        start = self.ends[first] - len(self.parts[first])
        return "".join((self.parts[first][offset - start :], *self.parts[first + 1 :]))


class Watch:
    """One watcher. Use it as a context manager, so that it is taken off the list."""

    def __init__(self, live: "Live", key: _Key, draft: Draft | None, texts: bool = True) -> None:
        self._live = live
        self.texts = texts
        """Whether it wants the text while it grows."""
        self._key = key
        self._notes: deque[Note] = deque()
        self._wake = asyncio.Event()
        self._offset = 0
        self._lost = False
        self.is_closed = False
        """The house stops; `next` gives what is left and then nothing."""
        self.draft = draft
        """The draft that this watcher follows; None between turns."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.leave(self._key, self)

    @property
    def tenant(self) -> TenantId:
        """Where it watches."""
        return TenantId(self._key[0])

    def resume(self, turn: str, attempt: int, offset: int) -> bool:
        """Go on after a character of the running draft; False when that draft is not there."""
        draft = self.draft
        if draft is None or (draft.turn, draft.attempt) != (turn, attempt):
            return False
        if not 0 <= offset <= draft.length:
            return False
        self._offset = offset
        return True

    async def next(self, timeout_s: float) -> Note | None:
        """The next note; None when nothing happened for so long, or nothing will."""
        note = self._take()
        if note is not None or self.is_closed:
            return note
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return None
        return self._take()

    def put(self, note: Note) -> None:
        """Add a note, or lose all of them when too many wait."""
        if len(self._notes) >= MAX_NOTES:
            self._notes.clear()
            self._lost = True
        self._notes.append(note)
        self._wake.set()

    def lose(self) -> None:
        """Notes were dropped on their way."""
        self._lost = True
        self._wake.set()

    def follow(self, draft: Draft | None) -> None:
        """Turn to another draft, from its start."""
        self.draft = draft
        self._offset = 0

    def poke(self) -> None:
        """The draft has grown."""
        if self.texts:
            self._wake.set()

    def close(self) -> None:
        """End it for the watcher."""
        self.is_closed = True
        self._wake.set()

    def _take(self) -> Note | None:
        if self._lost:
            self._lost = False
            self._notes.clear()
            self._offset = 0
            return Note(what="lost", data={})
        if self._notes:
            return self._notes.popleft()
        draft = self.draft
        if draft is None or not self.texts or self._offset >= draft.length:
            return None
        delta = draft.since(self._offset)
        self._offset += len(delta)
        return Note(
            what="draft",
            data={"turn": draft.turn, "delta": delta, "agent": draft.agent},
            place=f"{draft.turn}.{draft.attempt}.{self._offset}",
        )


class Live:
    """The port `Live` for one process."""

    def __init__(self) -> None:
        self._drafts: dict[_Key, Draft] = {}
        self._watches: dict[_Key, list[Watch]] = {}
        self._closed = False

    def subscribe(self, tenant: TenantId, conv: str) -> Watch:
        """Watch a conversation."""
        key = (tenant, conv)
        draft = self._drafts.get(key)
        watch = self._join(key, draft)
        if draft and draft.activity:
            watch.put(Note(what="activity", data={"turn": draft.turn, "text": draft.activity}))
        return watch

    def follow(self, tenant: TenantId, turn: str, texts: bool) -> Watch:
        """Watch one turn, which may not have begun; its last note is `end`."""
        return self._join((tenant, turn), None, texts)

    def is_watched(self, tenant: TenantId, conv: str, turn: str) -> bool:
        """Whether anybody would see the text grow."""
        return any(watch.texts for watch in self._of(tenant, conv, turn))

    def leave(self, key: _Key, watch: Watch) -> None:
        """Stop watching."""
        watches = self._watches.get(key, [])
        if watch in watches:
            watches.remove(watch)
        if not watches:
            self._watches.pop(key, None)

    def close(self) -> None:
        """End every watch: the house stops."""
        self._closed = True
        for watches in list(self._watches.values()):
            for watch in watches:
                watch.close()

    def begin(self, tenant: TenantId, conv: ConvId, turn: str, attempt: int) -> None:
        """A turn starts (again): watchers drop an earlier draft of it."""
        earlier = self._drafts.pop((tenant, conv), None)
        if len(self._drafts) >= MAX_DRAFTS:
            self._drafts.pop(next(iter(self._drafts)))
        draft = self._drafts[tenant, conv] = Draft(turn=turn, attempt=attempt)
        stale = {earlier.turn} if earlier else set()
        if attempt:
            stale.add(turn)
        for watch in self._of(tenant, conv, turn):
            for one in stale:
                watch.put(Note(what="reset", data={"turn": one}))
            watch.follow(draft)
        for what, data in (("look", {}), ("state", {"state": "running"})):
            Live.tell(self, tenant, conv, what, data)

    def text(self, tenant: TenantId, conv: ConvId, turn: str, delta: str) -> None:
        """A piece of the answer."""
        draft = self._drafts.get((tenant, conv))
        if draft is None or draft.turn != turn or not delta:
            return
        draft.add(delta)
        for watch in self._of(tenant, conv, turn):
            watch.poke()

    def activity(self, tenant: TenantId, conv: ConvId, turn: str, text: str) -> None:
        """What is being done, in plain words; empty when it is over."""
        draft = self._drafts.get((tenant, conv))
        if draft is not None and draft.turn == turn:
            draft.activity = text
        self._put(tenant, conv, turn, Note(what="activity", data={"turn": turn, "text": text}))

    def end(self, tenant: TenantId, conv: ConvId, turn: str, line: Mapping[str, Json]) -> None:
        """The turn is over and committed; `line` is its message as the API shows it, or empty."""
        draft = self._drafts.get((tenant, conv))
        if draft is not None and draft.turn == turn:
            del self._drafts[tenant, conv]
        else:
            draft = None
        for watch in self._watches.get((tenant, conv), ()):
            if draft and draft.activity:
                watch.put(Note(what="activity", data={"turn": turn, "text": ""}))
            if line:
                watch.put(Note(what="message", data=line))
            elif draft and draft.length:
                watch.put(Note(what="reset", data={"turn": turn}))
            watch.put(Note(what="state", data={"state": "idle"}))
            if watch.draft is draft:
                watch.follow(None)
        for watch in self._watches.get((tenant, turn), ()):
            watch.put(Note(what="end", data=line))
            watch.follow(None)

    def lose(self) -> None:
        """What happened elsewhere may have been missed: every watcher starts from the rows."""
        for watches in list(self._watches.values()):
            for watch in watches:
                watch.lose()

    def tell(self, tenant: TenantId, conv: ConvId, what: str, data: Mapping[str, Json]) -> None:
        """Anything else: `approval`, `state`, `message`, `error`, `look`; `agent`: who writes."""
        if what == "agent":
            if draft := self._drafts.get((tenant, conv)):
                draft.agent = str(data["agent"])
            return
        for watch in self._watches.get((tenant, conv), ()):
            watch.put(Note(what=what, data=data))

    def _join(self, key: _Key, draft: Draft | None, texts: bool = True) -> Watch:
        watch = Watch(self, key, draft, texts)
        if self._closed:
            watch.close()
        self._watches.setdefault(key, []).append(watch)
        return watch

    def _of(self, tenant: str, conv: str, turn: str) -> list[Watch]:
        """Who watches the conversation or the turn."""
        watches = self._watches
        return [*watches.get((tenant, conv), ()), *watches.get((tenant, turn), ())]

    def _put(self, tenant: str, conv: str, turn: str, note: Note) -> None:
        for watch in self._of(tenant, conv, turn):
            watch.put(note)
