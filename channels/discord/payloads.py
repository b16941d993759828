"""What Discord tells, checked and capped at the edge. Fields that are not named here are ignored.

https://docs.discord.com/developers/resources/message (read 2026-11-21)
https://docs.discord.com/developers/interactions/receiving-and-responding (read 2026-11-21)
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^\d{1,20}$")]
Name = Annotated[str, StringConstraints(max_length=500)]
MAX_ITEMS = 200


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Told):
    """Somebody."""

    id: Id
    username: Name = ""
    global_name: Name | None = None
    bot: bool = False

    @property
    def name(self) -> str:
        """What others read."""
        return (self.global_name or self.username)[:200]


class Member(_Told):
    """Somebody in a server."""

    user: User | None = None
    nick: Name | None = None
    permissions: Annotated[str, StringConstraints(pattern=r"^\d{1,30}$")] = "0"

    @property
    def powers(self) -> int:
        """The permissions in the place of an interaction, as bits."""
        return int(self.permissions)


class File(_Told):
    """An attachment."""

    id: Id
    filename: Name = "file"
    content_type: Name | None = None
    size: int = Field(default=0, ge=0)
    url: Annotated[str, StringConstraints(max_length=4000)] = ""


class Ref(_Told):
    """The message that another one answers."""

    message_id: Id | None = None


class Referenced(_Told):
    """So much of an answered message."""

    id: Id
    author: User


class Message(_Told):
    """A message, of the gateway or of the history."""

    id: Id
    channel_id: Id
    guild_id: Id | None = None
    author: User
    content: Annotated[str, StringConstraints(max_length=20_000)] = ""
    timestamp: datetime
    edited_timestamp: datetime | None = None
    type: int = 0
    webhook_id: Id | None = None
    member: Member | None = None
    mentions: Annotated[list[User], Field(max_length=MAX_ITEMS)] = []
    mention_roles: Annotated[list[Id], Field(max_length=MAX_ITEMS)] = []
    attachments: Annotated[list[File], Field(max_length=MAX_ITEMS)] = []
    message_reference: Ref | None = None
    referenced_message: Referenced | None = None


class Deleted(_Told):
    """A message that is gone; Discord says no more of it."""

    id: Id
    channel_id: Id
    guild_id: Id | None = None


class Emoji(_Told):
    """A reaction's sign."""

    name: Name | None = None


class Reaction(_Told):
    """A sign put to a message, or taken back."""

    user_id: Id
    channel_id: Id
    message_id: Id
    guild_id: Id | None = None
    message_author_id: Id | None = None
    member: Member | None = None
    emoji: Emoji


class Where(_Told):
    """The channel of an interaction."""

    id: Id
    type: int = 0
    name: Name | None = None
    parent_id: Id | None = None


class Option(_Told):
    """A value of a slash command."""

    name: Name
    value: Annotated[str, StringConstraints(max_length=6000)] | int | float | bool = ""


class Role(_Told):
    """A role that a command names."""

    name: Name = ""


class Resolved(_Told):
    """What the ids of a command's options stand for."""

    users: dict[Id, User] = {}
    members: dict[Id, Member] = {}
    roles: dict[Id, Role] = {}


class Data(_Told):
    """What was pressed, written or called."""

    custom_id: Annotated[str, StringConstraints(max_length=100)] = ""
    name: Annotated[str, StringConstraints(max_length=100)] = ""
    options: Annotated[list[Option], Field(max_length=25)] = []
    components: Annotated[list[Any], Field(max_length=40)] = []
    resolved: Resolved = Resolved()

    def inputs(self) -> dict[str, str]:
        """The texts of a form by `custom_id`, from rows and from labels."""
        found: dict[str, str] = {}
        for row in self.components:
            if not isinstance(row, dict):
                continue
            inner = row.get("components") or [row.get("component")]
            for item in inner if isinstance(inner, list) else ():
                if isinstance(item, dict) and isinstance(item.get("value"), str):
                    found[str(item.get("custom_id", ""))[:100]] = item["value"][:4000]
        return found


class Pressed(_Told):
    """The message that a button stood on."""

    id: Id


class Interaction(_Told):
    """A press, a form, a slash command, or Discord's own knock."""

    id: Id
    application_id: Id
    type: int
    token: Annotated[str, StringConstraints(max_length=500)] = ""
    channel_id: Id | None = None
    channel: Where | None = None
    guild_id: Id | None = None
    member: Member | None = None
    user: User | None = None
    data: Data = Data()
    message: Pressed | None = None

    @property
    def who(self) -> User | None:
        """Whoever did it."""
        return self.user or (self.member.user if self.member else None)
