"""What Slack tells, as events of the house. Reads only; asks nobody and keeps nothing.

Both deliveries of one mention (`app_mention` and `message`) have the same channel and ts, and so
the same `ext_id`. What a bot wrote, ours or another's, is no event.
https://docs.slack.dev/reference/events (read 2026-11-21)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from bot.commands import SEEN_ALONE, is_for_one
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import AgentName, EventId, TenantId, conv_key
from bot.core.ports import Clock
from channels.slack.whispers import alone
from channels.slack.words import mentions, plain

Body = Mapping[str, Any]
NAME: Final = "slack"
Others = Callable[[], frozenset[str]]
"""The users that are other apps of the house."""
MAX_NAME, MAX_FILES = 200, 20
_SUBTYPES: Final = frozenset({"", "file_share", "thread_broadcast", "me_message"})
"""Messages that people write; the other subtypes tell of joins, topics and the like."""
_THUMBS: Final = {"+1": "up", "thumbsup": "up", "-1": "down", "thumbsdown": "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The workspace, and who the app is there."""

    tenant: TenantId
    team: str
    user: str
    """The app's own user."""
    bot: str = ""
    url: str = ""
    """The workspace's address, with a slash at its end."""
    installed: str = ""
    """The name of the installation; empty for the workspace of the settings."""
    agent: str = ""
    """Whose own app it is; empty: nobody's in particular."""

    @property
    def key(self) -> str:
        """What its events and conversations are kept by."""
        return self.installed or self.team


def text_of(body: object, key: str, most: int = MAX_NAME) -> str:
    """A text of a payload; empty when there is none or it is longer than any that Slack sends."""
    value = body.get(key) if isinstance(body, Mapping) else None
    return value if isinstance(value, str) and len(value) <= most else ""


def body_of(body: object, key: str) -> Body:
    """An object of a payload; empty when there is none."""
    value = body.get(key) if isinstance(body, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def list_of(body: object, key: str) -> Sequence[Any]:
    """A list of a payload; empty when there is none."""
    value = body.get(key) if isinstance(body, Mapping) else None
    return value if isinstance(value, list) else ()


def is_ours(payload: Body, team: str) -> bool:
    """Whether an event was sent to the app in this workspace."""
    if text_of(payload, "team_id") == team:
        return True
    return any(text_of(each, "team_id") == team for each in list_of(payload, "authorizations"))


class Memory(Protocol):
    """What the app has written."""

    def follows(self, channel: str, thread: str) -> bool:
        """Whether it has written in a thread."""
        ...

    def first(self, ref: str) -> str:
        """The first part of the answer that a message is a part of."""
        ...


class Reader:
    """Reads the events of one workspace."""

    def __init__(
        self,
        account: Account,
        clock: Clock,
        memory: Memory,
        others: Others = frozenset,
        called: Callable[[str], str] = lambda user: "",
    ) -> None:
        """`called`: what a user is called."""
        self._called = called
        self.account = account
        self._clock = clock
        self._memory = memory
        self._others = others

    def read(self, event: Body) -> Event | None:
        """The event; None for what is none of the house's business."""
        kind, subtype = text_of(event, "type"), text_of(event, "subtype")
        if kind in ("reaction_added", "reaction_removed"):
            return self._thumb(event, kind == "reaction_added")
        if kind not in ("message", "app_mention"):
            return None
        if subtype == "message_changed":
            return self._edited(event)
        if subtype == "message_deleted":
            return self._deleted(event)
        return self._message(event, text_of(event, "channel"))

    def event(self, ext_id: str, kind: str, who: Sender, place: Place, **more: Any) -> Event:
        """An event of this workspace."""
        account = self.account
        if account.agent:
            more["agent"] = AgentName(account.agent)  # whoever speaks to it speaks to nobody else
        return Event(
            id=EventId(""),  # the house gives its own
            tenant=account.tenant,
            channel=NAME,
            account=account.key,
            ext_id=ext_id,
            kind=kind,
            conv=conv_key(NAME, account.key, place.id, place.thread),
            sender=who,
            place=place,
            **{"text": "", "at": self._clock.now(), **more},
        )

    def place(self, channel: str, thread: str) -> Place:
        """Where something happened. Channels of two begin with D."""
        is_direct = channel.startswith("D")
        return Place(id=channel, thread=thread, workspace=self.account.team, direct=is_direct)

    def _message(self, event: Body, channel: str) -> Event | None:
        ts, user = text_of(event, "ts"), text_of(event, "user")
        if not (channel and ts and user) or self._is_bot(event):
            return None
        if text_of(event, "subtype") not in _SUBTYPES:
            return None
        raw = text_of(event, "text", 200_000)
        thread = text_of(event, "thread_ts")
        place = self.place(channel, thread if channel.startswith("D") else thread or ts)
        text = plain(raw, self.account.user)
        addressed = place.direct or self._is_addressed(event, raw, channel, thread)
        is_whispered = addressed and not place.direct and is_for_one(text)
        return self.event(
            f"{self.account.team}:{channel}:{ts}",
            Kind.MESSAGE,
            Sender(ext_id=user, name=self._called(user)),
            self.place(channel, alone(user)) if is_whispered else place,
            text=text,
            at=self._moment(ts),
            attachments=tuple(files(event, self.account)),
            addressed=addressed,
            payload={SEEN_ALONE: True} if is_whispered else {},
        )

    def _is_addressed(self, event: Body, raw: str, channel: str, thread: str) -> bool:
        us = self.account.user
        if text_of(event, "type") == "app_mention" or mentions(raw, us):
            return True
        if any(mentions(raw, other) for other in self._others() - {us}):
            return False  # in a thread with several agents it is said to the one that is named
        return bool(thread) and (
            text_of(event, "parent_user_id") == us or self._memory.follows(channel, thread)
        )

    def _edited(self, event: Body) -> Event | None:
        """A changed text; what Slack adds by itself, such as a preview, changes none."""
        inner, channel = body_of(event, "message"), text_of(event, "channel")
        at = text_of(body_of(inner, "edited"), "ts")
        before = body_of(event, "previous_message")
        if not at or text_of(before, "text", 200_000) == text_of(inner, "text", 200_000):
            return None
        found = self._message(inner, channel)
        if found is None:
            return None
        return self.event(
            f"{found.ext_id}:edited:{at}",
            Kind.EDITED,
            found.sender,
            found.place,
            text=found.text,
            at=self._moment(at),
            attachments=found.attachments,
            addressed=found.addressed,
            reply_to=found.ext_id,
        )

    def _deleted(self, event: Body) -> Event | None:
        before, channel = body_of(event, "previous_message"), text_of(event, "channel")
        found = self._message(before, channel)
        if found is None:
            return None
        return self.event(
            f"{found.ext_id}:deleted",
            Kind.DELETED,
            found.sender,
            found.place,
            addressed=found.addressed,
            reply_to=found.ext_id,
        )

    def _thumb(self, event: Body, is_added: bool) -> Event | None:
        """A thumb on a message of ours, whatever its tone of skin."""
        value = _THUMBS.get(text_of(event, "reaction").split("::", 1)[0], "")
        item, user = body_of(event, "item"), text_of(event, "user")
        channel, ts = text_of(item, "channel"), text_of(item, "ts")
        if not (value and channel and ts and user) or user == self.account.user:
            return None
        if text_of(event, "item_user") != self.account.user:
            return None
        return self.event(
            f"{self.account.team}:{channel}:{ts}:thumb:{user}:{text_of(event, 'event_ts')}",
            Kind.FEEDBACK,
            Sender(ext_id=user),
            self.place(channel, ""),
            reply_to=self._memory.first(f"{channel}:{ts}"),
            payload={"value": value if is_added else ""},
        )

    def _moment(self, ts: str) -> datetime:
        """The time of a ts, which is seconds with a fraction; now for what is none."""
        try:
            return datetime.fromtimestamp(float(ts), UTC)
        except (ValueError, OverflowError, OSError):
            return self._clock.now()

    def _is_bot(self, event: Body) -> bool:
        user = text_of(event, "user")
        is_marked = bool(text_of(event, "bot_id") or body_of(event, "bot_profile"))
        return is_marked or user in (self.account.user, "USLACKBOT")


def files(event: Body, account: Account) -> list[Attachment]:
    """The files of a message: who may read them, of an installation, and where Slack keeps them.

    A workspace may come to be another tenant's; what was written before that stays its writers'.
    """
    behind = f"{account.installed} {account.tenant} " if account.installed else ""
    found = []
    for each in list_of(event, "files")[:MAX_FILES]:
        number, size = text_of(each, "id"), each.get("size") if isinstance(each, Mapping) else None
        if not number or text_of(each, "mode") == "tombstone":
            continue
        address = text_of(each, "url_private_download", 3000) or text_of(each, "url_private", 3000)
        found.append(
            Attachment(
                name=text_of(each, "name", 1000)[:MAX_NAME] or number,
                media_type=text_of(each, "mimetype") or "application/octet-stream",
                size=size if isinstance(size, int) and size >= 0 else 0,
                source=behind + (address or f"file:{number}"),
            )
        )
    return found
