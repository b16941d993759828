"""What Discord tells, as events of the house. Reads only; asks nobody.

Discord has no word for who deleted a message, so the authors of late messages are remembered. What
a bot or a webhook wrote, ours or another's, is no event. A thread is a channel of its own there; in
the house it is a thread of its parent.
https://docs.discord.com/developers/events/gateway-events (read 2026-11-21)
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from bot.commands import SEEN_ALONE, is_for_one
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import EventId, TenantId, conv_key
from bot.core.ports import Clock
from channels.discord.payloads import Deleted, File, Interaction, Message, Reaction, User
from channels.discord.settings import NAME

MAX_KEPT: Final = 10_000
ALONE: Final = "only:"
"""Begins the thread of what one person asked in a server and is answered alone."""
_WRITTEN: Final = frozenset({0, 19})
"""Message types that people write: an ordinary one, an answer."""
THREADS: Final = frozenset({10, 11, 12})
_THUMBS: Final = {"👍": "up", "👎": "down"}
_TONES: Final = str.maketrans("", "", "🏻🏼🏽🏾🏿\ufe0f")
_USER: Final = re.compile(r"<@!?(\d{1,20})>")
_ROLE: Final = re.compile(r"<@&(\d{1,20})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The application, and who it is among people."""

    tenant: TenantId
    app: str
    user: str


@dataclass(frozen=True, slots=True)
class Seen:
    """So much of a message as its end needs."""

    sender: Sender
    place: Place
    addressed: bool


class Map(Protocol):
    """What is known of the servers."""

    def parent(self, channel: str) -> str:
        """The channel that a thread hangs below; empty for what is no thread."""
        ...

    def role(self, guild: str) -> str:
        """The role that a server made for the bot itself; empty when there is none."""
        ...


class Reader:
    """Reads for one application."""

    def __init__(
        self, account: Account, clock: Clock, map_: Map, first: Callable[[str], str]
    ) -> None:
        """`first` gives the reference of an answer for any of its parts."""
        self.account = account
        self._clock = clock
        self._map = map_
        self._first = first
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def message(self, told: Message) -> Event | None:
        """A message that somebody wrote; None for what is none."""
        if not self._is_written(told):
            return None
        return self._written(told, Kind.MESSAGE, _name(told.channel_id, told.id))

    def edited(self, told: Message) -> Event | None:
        """The same in its new form; None when only a preview was added."""
        if told.edited_timestamp is None or not self._is_written(told):
            return None
        name = _name(told.channel_id, told.id)
        at = int(told.edited_timestamp.timestamp() * 1000)
        return self._written(told, Kind.EDITED, f"{name}:edited:{at}", name)

    def deleted(self, told: Deleted) -> Event | None:
        """A message is gone; None when nobody knows whose it was."""
        name = _name(told.channel_id, told.id)
        seen = self._seen.get(name)
        if seen is None:
            return None
        return self._event(f"{name}:deleted", Kind.DELETED, seen, reply_to=name)

    def thumb(self, told: Reaction, mark: str, *, is_added: bool) -> Event | None:
        """A thumb on a message of ours; `mark` names this one delivery and its repetitions."""
        value = _THUMBS.get((told.emoji.name or "").translate(_TONES), "")
        if not value or told.user_id == self.account.user:
            return None
        if is_added and told.message_author_id not in (None, self.account.user):
            return None
        seen = Seen(Sender(ext_id=told.user_id), self.place(told.channel_id, told.guild_id), True)
        return self._event(
            f"reaction:{mark}",
            Kind.FEEDBACK,
            seen,
            reply_to=self._first(_name(told.channel_id, told.message_id)),
            payload={"value": value if is_added else "", "detail": None},
        )

    def interaction(self, told: Interaction, kind: Kind, **more: object) -> Event | None:
        """What somebody pressed, sent or called; None when Discord does not say who or where."""
        who = told.who
        if who is None or told.channel_id is None or who.bot:
            return None
        place = self.place(told.channel_id, told.guild_id)
        if told.channel and told.channel.type in THREADS and told.channel.parent_id:
            place = _place(told.channel_id, told.channel.parent_id, told.guild_id)
        if not place.direct and is_for_one(str(more.get("text", ""))):
            place = replace(place, thread=f"{ALONE}{who.id}")
            more["payload"] = {SEEN_ALONE: True}
        seen = Seen(Sender(ext_id=who.id, name=who.name), place, True)
        if told.message:
            more["reply_to"] = _name(told.channel_id, told.message.id)
        return self._event(interaction_name(told), kind, seen, **more)

    def place(self, channel: str, guild: str | None) -> Place:
        """Where something happened."""
        return _place(channel, self._map.parent(channel) if guild else "", guild)

    def _is_written(self, told: Message) -> bool:
        ours = told.author.id == self.account.user
        return not (ours or told.author.bot or told.webhook_id) and told.type in _WRITTEN

    def _written(self, told: Message, kind: Kind, name: str, original: str = "") -> Event | None:
        role = self._map.role(told.guild_id) if told.guild_id else ""
        addressed = self._is_addressed(told, role)
        text = self._text(told, role)
        if not text and not told.attachments:
            return None  # without the intent Discord says nothing of what was said to others
        nick = told.member.nick if told.member else None
        sender = Sender(ext_id=told.author.id, name=(nick or told.author.name)[:200])
        seen = Seen(sender, self.place(told.channel_id, told.guild_id), addressed)
        self._seen[_name(told.channel_id, told.id)] = seen
        while len(self._seen) > MAX_KEPT:
            self._seen.popitem(last=False)
        reference = told.message_reference.message_id if told.message_reference else None
        answered = _name(told.channel_id, reference) if reference else ""
        return self._event(
            name,
            kind,
            seen,
            text=text,
            at=told.edited_timestamp or told.timestamp,
            attachments=tuple(_attachment(told, each) for each in told.attachments),
            reply_to=original or answered,
        )

    def _is_addressed(self, told: Message, role: str) -> bool:
        answered = told.referenced_message
        return (
            told.guild_id is None
            or any(each.id == self.account.user for each in told.mentions)
            or (answered is not None and answered.author.id == self.account.user)
            or bool(role and role in told.mention_roles)
        )

    def _text(self, told: Message, role: str) -> str:
        """The words, without the mention of us and with names for numbers."""
        names: dict[str, User] = {each.id: each for each in told.mentions}

        def name(found: re.Match[str]) -> str:
            if found[1] == self.account.user:
                return ""
            return f"@{names[found[1]].name}" if found[1] in names else found[0]

        text = _USER.sub(name, told.content)
        if role:
            text = _ROLE.sub(lambda found: "" if found[1] == role else found[0], text)
        return text.strip()

    def _event(self, name: str, kind: Kind, seen: Seen, **more: object) -> Event:
        place = seen.place
        fields: dict[str, object] = {"text": "", "at": self._clock.now(), **more}
        at = fields.pop("at")
        if not isinstance(at, datetime) or at.tzinfo is None:
            at = self._clock.now()
        return Event(
            id=EventId(""),  # the house gives its own
            tenant=self.account.tenant,
            channel=NAME,
            account=self.account.app,
            ext_id=name,
            kind=kind,
            conv=conv_key(NAME, self.account.app, place.id, place.thread),
            sender=seen.sender,
            place=place,
            addressed=seen.addressed,
            at=at.astimezone(UTC),
            **fields,  # type: ignore[arg-type]
        )


def interaction_name(told: Interaction) -> str:
    """The `ext_id` of an interaction."""
    return f"interaction:{told.id}"


def _name(channel: str, message: str) -> str:
    return f"{channel}:{message}"


def _place(channel: str, parent: str, guild: str | None) -> Place:
    thread = channel if parent else ""
    return Place(id=parent or channel, thread=thread, workspace=guild or "", direct=guild is None)


def _attachment(told: Message, file: File) -> Attachment:
    return Attachment(
        name=file.filename[:200],
        media_type=(file.content_type or "application/octet-stream").split(";")[0][:100],
        size=file.size,
        source=f"{told.channel_id}:{told.id}:{file.id} {file.url}",
    )
