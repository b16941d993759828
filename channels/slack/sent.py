"""What the app has written, as far as this process remembers, and the look-up in Slack itself.

Every message carries the id of the effect that it is, and which part of it, as metadata. After an
answer that did not come the place is read and each part is there or surely is not.
https://docs.slack.dev/messaging/message-metadata (read 2026-11-21)
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.errors import VendorUnknown
from channels.slack.calls import Calls
from channels.slack.events import body_of, list_of, text_of

EVENT_TYPE: Final = "switchboard_effect"
MAX_KEPT: Final = 2_000
PAGE, PAGES = 200, 5
EARLIER: Final = timedelta(minutes=5)
"""How much clocks may differ."""


@dataclass(slots=True)
class Written:
    """What is known of one effect."""

    place: str = ""
    thread: str = ""
    parts: dict[int, str] = field(default_factory=dict)
    """Part to ts."""
    of: int = 0
    """How many parts there are to be; 0 when that is not known."""
    draft: str = ""
    """The ts of a draft that stands in place of the first part."""
    looked: bool = False
    """Slack was asked what is there."""
    unsure: bool = False
    """A call was made whose answer never came."""
    files: tuple[str, ...] = ()
    """The files that come with it, each `SIZE:NAME`."""
    shared: bool = False
    """They are there."""
    sharing: bool = False
    """The call that shows them was made, and its answer never came."""
    channel: str = ""
    """Where it is found, which for a person's id is another than `place`."""

    @property
    def is_whole(self) -> bool:
        """Whether every part is there."""
        return self.of > 0 and len(self.parts) >= self.of and (self.shared or not self.files)


class Ledger:
    """Effects of late, and threads that the app has written in."""

    def __init__(self) -> None:
        self._effects: OrderedDict[str, Written] = OrderedDict()
        self._threads: OrderedDict[tuple[str, str], bool] = OrderedDict()
        """Thread → whether the app has written there."""
        self._firsts: OrderedDict[str, str] = OrderedDict()
        self._own: OrderedDict[str, bool] = OrderedDict()

    def of(self, effect: str, place: str = "", thread: str = "") -> Written:
        """What is known of an effect; it is remembered from now on."""
        found = self._effects.setdefault(effect, Written())
        if place:
            found.place, found.thread = place, thread
        _keep(self._effects, effect)
        return found

    def speak(self, channel: str, thread: str) -> None:
        """The app has written in a thread."""
        if thread:
            self.note(channel, thread, True)

    def note(self, channel: str, thread: str, has_spoken: bool) -> None:
        """Whether the app has written in a thread, as Slack says."""
        self._threads[channel, thread] = has_spoken
        _keep(self._threads, (channel, thread))

    def knows(self, channel: str, thread: str) -> bool:
        """Whether that is known."""
        return (channel, thread) in self._threads

    def follows(self, channel: str, thread: str) -> bool:
        """Whether it has."""
        return self._threads.get((channel, thread), False)

    def meet(self, channel: str) -> None:
        """This is a direct message with the app itself: it hears no other."""
        self._own[channel] = True
        _keep(self._own, channel)

    def is_own(self, channel: str) -> bool:
        """Whether it is known as one. Two people's own, where a command was given, is not."""
        return channel in self._own

    def join(self, ref: str, first: str) -> None:
        """A later part belongs to the message that begins at `first`."""
        self._firsts[ref] = first
        _keep(self._firsts, ref)

    def first(self, ref: str) -> str:
        """The reference of the first part."""
        return self._firsts.get(ref, ref)


def _keep(book: OrderedDict[Any, Any], key: object) -> None:
    book.move_to_end(key)
    while len(book) > MAX_KEPT:
        book.popitem(last=False)


def metadata(
    effect: str, part: int, of: int, *, draft: bool = False, files: Sequence[str] = ()
) -> dict[str, Json]:
    """What a message is marked with."""
    payload: dict[str, Json] = {"effect": effect, "part": part, "of": of, "draft": draft}
    if files:
        payload["files"] = list(files)
    return {"event_type": EVENT_TYPE, "event_payload": payload}


async def look(calls: Calls, us: str, effect: str, known: Written, since: datetime | None) -> None:
    """Read the place and write down which parts are there.

    Raises VendorUnknown when the place is not known or has more messages than are read.
    """
    place = known.channel or known.place
    if not place:
        raise VendorUnknown("It is not known where this was sent to.")
    oldest = str((since - EARLIER).timestamp()) if since else ""
    cursor, parts, of, draft = "", dict[int, str](), 0, ""
    wanted, there = tuple[str, ...](), list[tuple[str, tuple[str, ...]]]()
    for _ in range(PAGES):
        found = await _page(calls, place, known.thread, oldest, cursor)
        for message in list_of(found, "messages"):
            payload = _ours(message, us, effect)
            if payload is None:
                there += _files_of(message, us)
                continue
            ts, part = text_of(message, "ts"), payload.get("part")
            wanted = tuple(map(str, list_of(payload, "files"))) or wanted
            if payload.get("draft") is True:
                draft = ts
            elif isinstance(part, int):
                parts[part], of = ts, _count(payload)
        cursor = text_of(body_of(found, "response_metadata"), "next_cursor", 1000)
        if not cursor:
            break
    else:
        raise VendorUnknown("There is too much in this channel to look for one message.")
    known.parts, known.of, known.draft = parts, of, draft
    first = min(parts.values(), default="")
    known.files, known.sharing = wanted, False
    known.shared = bool(wanted) and any(ts > first and names == wanted for ts, names in there)
    known.unsure, known.looked = False, True


async def has_spoken(calls: Calls, us: str, channel: str, thread: str) -> bool:
    """Whether the app is among the first who wrote in a thread. Raises as `Calls.ask`."""
    found = await calls.ask("conversations.replies", channel=channel, ts=thread, limit=PAGE)
    return any(text_of(message, "user") == us for message in list_of(found, "messages"))


async def _page(
    calls: Calls, place: str, thread: str, oldest: str, cursor: str
) -> Mapping[str, Any]:
    method = "conversations.replies" if thread else "conversations.history"
    return await calls.ask(
        method,
        channel=place,
        ts=thread,
        include_all_metadata=True,
        oldest=oldest,
        limit=PAGE,
        cursor=cursor,
    )


def _ours(message: object, us: str, effect: str) -> Mapping[str, Any] | None:
    """The mark of a message of this effect that the app itself wrote."""
    mark = body_of(message, "metadata")
    payload = body_of(mark, "event_payload")
    if text_of(mark, "event_type") != EVENT_TYPE or text_of(payload, "effect") != effect:
        return None
    return payload if not us or text_of(message, "user") in ("", us) else None


def _files_of(message: object, us: str) -> list[tuple[str, tuple[str, ...]]]:
    """Time and files of a message of the app that holds files."""
    names = [
        f"{f.get('size')}:{f.get('name')}" for f in list_of(message, "files") if isinstance(f, dict)
    ]
    if not names or (us and text_of(message, "user") not in ("", us)):
        return []
    return [(text_of(message, "ts"), tuple(sorted(names)))]


def _count(payload: Mapping[str, Any]) -> int:
    of = payload.get("of")
    return of if isinstance(of, int) and of > 0 else 1
