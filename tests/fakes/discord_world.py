"""What exists on a played Discord: people, one guild, channels, threads, messages, in API shape.

Shapes are those of the published description (`discord.json`) and of
https://docs.discord.com/developers/resources/message (read 2026-11-21). Nothing here knows HTTP.
"""

import itertools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Body = dict[str, Any]
EPOCH_MS = 1_420_070_400_000
EPHEMERAL, LOADING, V2 = 1 << 6, 1 << 7, 1 << 15
TEXT, DM, PUBLIC_THREAD = 0, 1, 11
_MENTION = re.compile(r"<@!?(\d+)>")
_count = itertools.count()


def snowflake(at: float | None = None) -> str:
    """An id that grows with time."""
    now = int((time.time() if at is None else at) * 1000) - EPOCH_MS
    return str((now << 22) | (next(_count) & 0x3FFFFF))


def moment() -> str:
    """Now, as the API writes it."""
    return datetime.now(UTC).isoformat()


@dataclass(slots=True, kw_only=True)
class User:
    """A person, or the bot."""

    id: str
    name: str
    bot: bool = False
    roles: list[str] = field(default_factory=list)
    powers: int = (1 << 50) - 1
    """Permissions on the server, as bits."""

    def shape(self) -> Body:
        """As the API shows it."""
        return {
            "id": self.id,
            "username": self.name,
            "discriminator": "0",
            "global_name": None if self.bot else self.name.capitalize(),
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": None,
        }

    def member(self) -> Body:
        """As a member of the guild, without the user."""
        return {
            "roles": list(self.roles),
            "nick": None,
            "avatar": None,
            "banner": None,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }


@dataclass(slots=True, kw_only=True)
class Channel:
    """A text channel, a thread in one, or what two people say to each other."""

    id: str
    type: int
    name: str = ""
    guild: str = ""
    parent: str = ""
    owner: str = ""
    people: tuple[User, ...] = ()
    """Of a direct channel: the other one."""

    def shape(self) -> Body:
        """As the API shows it."""
        if self.type == DM:
            return {
                "id": self.id,
                "type": DM,
                "last_message_id": None,
                "flags": 0,
                "recipients": [user.shape() for user in self.people],
            }
        common: Body = {
            "id": self.id,
            "type": self.type,
            "guild_id": self.guild,
            "name": self.name,
            "last_message_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
            "permissions": str((1 << 50) - 1),
        }
        if self.type == PUBLIC_THREAD:
            return common | {
                "parent_id": self.parent,
                "owner_id": self.owner,
                "message_count": 0,
                "member_count": 1,
                "thread_metadata": {
                    "archived": False,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": moment(),
                    "locked": False,
                },
            }
        return common | {
            "parent_id": None,
            "position": 0,
            "permission_overwrites": [],
            "nsfw": False,
            "topic": None,
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """One message, as it stands now."""

    id: str
    channel: Channel
    author: User
    content: str = ""
    embeds: list[Body] = field(default_factory=list)
    components: list[Body] = field(default_factory=list)
    attachments: list[Body] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Bytes by the id of the attachment."""
    mentions: list[User] = field(default_factory=list)
    flags: int = 0
    nonce: str = ""
    reply_to: str = ""
    only_for: str = ""
    """The one person who sees it; empty: everybody there."""
    edits: int = 0
    deleted: bool = False
    reactions: dict[str, set[str]] = field(default_factory=dict)
    """People by emoji."""
    pings_everyone: bool = False
    at: str = field(default_factory=moment)
    edited_at: str | None = None

    @property
    def buttons(self) -> list[Body]:
        """Its buttons, in order, with `label`, `custom_id` or `url`, `style`."""
        return [part for part in parts(self.components) if part.get("type") == 2]

    @property
    def text(self) -> str:
        """Everything that it says: content, embeds, text displays."""
        said = [self.content]
        for embed in self.embeds:
            said += [embed.get("title") or "", embed.get("description") or ""]
            said += [f"{each['name']}: {each['value']}" for each in embed.get("fields") or ()]
            said.append((embed.get("footer") or {}).get("text") or "")
        said += [part.get("content") or "" for part in parts(self.components)]
        return "\n".join(each for each in said if each)

    def shape(self, by_id: Mapping[str, "Message"]) -> Body:
        """As the API shows it."""
        found: Body = {
            "id": self.id,
            "type": 19 if self.reply_to else 0,
            "channel_id": self.channel.id,
            "author": self.author.shape(),
            "content": self.content,
            "timestamp": self.at,
            "edited_timestamp": self.edited_at,
            "tts": False,
            "mention_everyone": self.pings_everyone,
            "mentions": [user.shape() for user in self.mentions],
            "mention_roles": [],
            "attachments": self.attachments,
            "embeds": [{"type": "rich", **embed} for embed in self.embeds],
            "components": self.components,
            "pinned": False,
            "flags": self.flags,
        }
        if self.nonce:
            found["nonce"] = self.nonce
        if self.reactions:
            found["reactions"] = [
                {
                    "emoji": {"id": None, "name": emoji},
                    "count": len(who),
                    "count_details": {"burst": 0, "normal": len(who)},
                    "burst_colors": [],
                    "me_burst": False,
                    "burst_me": False,
                    "burst_count": 0,
                    "me": False,
                }
                for emoji, who in self.reactions.items()
            ]
        if self.reply_to:
            first = by_id.get(self.reply_to)
            found["message_reference"] = {
                "type": 0,
                "message_id": self.reply_to,
                "channel_id": self.channel.id,
            }
            gone = first is None or first.deleted
            found["referenced_message"] = None if gone or first is None else first.shape({})
        return found


def parts(components: list[Body]) -> list[Body]:
    """Every component at any depth, outer ones first."""
    found = []
    for each in components:
        found.append(each)
        inner = list(each.get("components") or ())
        inner += [each[key] for key in ("component", "accessory") if each.get(key)]
        found += parts(inner)
    return found


class World:
    """Everything that exists, and where it is found."""

    def __init__(self) -> None:
        self.app_id = snowflake()
        self.app_flags = 0
        """Such as 1 << 18: it may read messages that do not mention it."""
        self.bot = User(id=self.app_id, name="switchboard", bot=True)
        self.users: dict[str, User] = {self.bot.id: self.bot}
        self.guild_id = snowflake()
        self.roles: dict[str, str] = {self.guild_id: "@everyone"}
        self.administrators: set[str] = set()
        """Roles that may do everything."""
        self.managers: set[str] = set()
        """Roles that may manage roles."""
        self.heights: dict[str, int] = {}
        """How high roles stand; the others stand at the bottom."""
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.general = self.open("general")

    def person(self, name: str) -> User:
        """The person of this name, who comes into being when first named."""
        for user in self.users.values():
            if name in (user.name, user.id):
                return user
        user = User(id=snowflake(), name=name)
        self.users[user.id] = user
        return user

    def another_bot(self, name: str) -> User:
        """Somebody else's bot."""
        user = self.person(name)
        user.bot = True
        return user

    def open(self, name: str) -> Channel:
        """The text channel of this name."""
        for channel in self.channels.values():
            if channel.name == name and channel.type == TEXT:
                return channel
        channel = Channel(id=snowflake(), type=TEXT, name=name, guild=self.guild_id)
        self.channels[channel.id] = channel
        return channel

    def direct(self, user: User) -> Channel:
        """Where this person and the bot talk alone."""
        for channel in self.channels.values():
            if channel.type == DM and channel.people == (user,):
                return channel
        channel = Channel(id=snowflake(), type=DM, people=(user,))
        self.channels[channel.id] = channel
        return channel

    def thread(self, parent: Channel, name: str, owner: User, root: str = "") -> Channel:
        """A thread; one begun from a message has its id."""
        channel = Channel(
            id=root or snowflake(),
            type=PUBLIC_THREAD,
            name=name,
            guild=parent.guild,
            parent=parent.id,
            owner=owner.id,
        )
        self.channels[channel.id] = channel
        return channel

    def role(self, name: str) -> str:
        """The id of the role of this name."""
        for id, known in self.roles.items():
            if known == name:
                return id
        id = snowflake()
        self.roles[id] = name
        return id

    def mentioned(self, text: str) -> list[User]:
        """The people whom a text calls."""
        ids = dict.fromkeys(_MENTION.findall(text))
        return [self.users[id] for id in ids if id in self.users]

    def guild(self) -> Body:
        """The guild, as GUILD_CREATE tells of it."""
        here = [channel for channel in self.channels.values() if channel.guild]
        return {
            **self.guild_head(),
            "joined_at": "2026-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "member_count": len(self.users),
            "voice_states": [],
            "members": [{**self.bot.member(), "user": self.bot.shape()}],
            "channels": [each.shape() for each in here if each.type == TEXT],
            "threads": [each.shape() for each in here if each.type == PUBLIC_THREAD],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def guild_head(self) -> Body:
        """The guild, as REST tells of it."""
        return {
            "id": self.guild_id,
            "name": "Harbour",
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "owner_id": self.person("olga").id,
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": [self.role_shape(id) for id in self.roles],
            "emojis": [],
            "stickers": [],
            "features": [],
            "mfa_level": 0,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "vanity_url_code": None,
            "description": None,
            "banner": None,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "public_updates_channel_id": None,
            "nsfw_level": 0,
            "premium_progress_bar_enabled": False,
        }

    def role_shape(self, id: str) -> Body:
        """A role, as the API shows it."""
        return {
            "id": id,
            "name": self.roles[id],
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": self.heights.get(id, 0),
            "permissions": str(
                8 if id in self.administrators else 1 << 28 if id in self.managers else 1 << 10
            ),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
