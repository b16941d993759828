"""Telegram's updates as far as we read them; what we do not know is passed over.

https://core.telegram.org/bots/api#update (read 2026-11-21)
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_UPDATE = 1_000_000
"""Bytes of one webhook; Telegram's own are a few thousand."""
Text = Annotated[str, Field(max_length=10_000)]
Id = Annotated[str, Field(max_length=300)]


class Part(BaseModel):
    """Something that Telegram sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Part):
    """A person or a bot."""

    id: int
    is_bot: bool = False
    first_name: Text = ""
    last_name: Text = ""
    username: Id = ""


class Chat(Part):
    """Where it was said."""

    id: int
    type: Id
    title: Text = ""


class Entity(Part):
    """A marked part of a text; offset and length in UTF-16 units."""

    type: Id
    offset: int = Field(ge=0)
    length: int = Field(ge=0)
    url: Text = ""
    user: User | None = None


class File(Part):
    """A file, in any of Telegram's forms."""

    file_id: Id
    file_size: int = 0
    file_name: Text = ""
    mime_type: Id = ""
    width: int = 0
    height: int = 0


class Sticker(Part):
    """A picture that stands for an emoji."""

    emoji: Id = ""


class Location(Part):
    """A place on earth."""

    latitude: float
    longitude: float


class Message(Part):
    """One message; one that is too old to be seen has date 0 and nothing else."""

    message_id: int
    date: int = 0
    edit_date: int = 0
    chat: Chat
    sender: User | None = Field(default=None, alias="from")
    message_thread_id: int = 0
    is_topic_message: bool = False
    media_group_id: Id = ""
    """The album that it is a part of."""
    text: Text = ""
    caption: Text = ""
    entities: list[Entity] = []
    caption_entities: list[Entity] = []
    reply_to_message: "Message | None" = None
    migrate_to_chat_id: int = 0
    photo: list[File] = []
    document: File | None = None
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    sticker: Sticker | None = None
    location: Location | None = None

    @property
    def thread(self) -> str:
        """The topic; what is only an answer to something is no thread."""
        return str(self.message_thread_id) if self.is_topic_message else ""

    @property
    def ref(self) -> str:
        """Names the message for ever."""
        return f"{self.chat.id}:{self.message_id}"


class Press(Part):
    """A pressed button."""

    id: Id
    sender: User = Field(alias="from")
    message: Message | None = None
    data: Id = ""


class Emoji(Part):
    """One reaction."""

    type: Id
    emoji: Id = ""


class Reaction(Part):
    """How somebody's reactions to a message changed."""

    chat: Chat
    message_id: int
    user: User | None = None
    date: int
    old_reaction: list[Emoji] = []
    new_reaction: list[Emoji] = []


class Update(Part):
    """One thing that happened; exactly one of the fields is there."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Press | None = None
    message_reaction: Reaction | None = None


WANTED = ("message", "edited_message", "callback_query", "message_reaction")
"""What is asked for by name; reactions come in no other way."""
