"""The activities that Teams sends, as far as they are read. Everything else in them is let be.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
(read 2026-11-21)
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from channels.teams.places import ref_of, split

MAX_ACTIVITY: Final = 2**20
MAX_ID: Final = 300
MAX_LISTED: Final = 500


def _text(value: object) -> object:
    return "" if value is None else value


def _list(value: object) -> object:
    """So many of a list; none where there is none."""
    return [] if value is None else value[:MAX_LISTED] if isinstance(value, list) else value


def _object(value: object) -> object:
    return {} if value is None else value


Id = Annotated[str, BeforeValidator(_text), StringConstraints(max_length=MAX_ID)]
Words = Annotated[str, BeforeValidator(_text), StringConstraints(max_length=2_000)]
Address = Annotated[str, BeforeValidator(_text), StringConstraints(max_length=4_000)]


class _Payload(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Party(_Payload):
    """A person or a bot."""

    id: Id = ""
    name: Words = ""
    aad_object_id: Id = ""
    role: Id = ""


class Conversation(_Payload):
    """A chat, or a thread of a channel."""

    id: Id = ""
    tenant_id: Id = ""
    conversation_type: Id = ""
    name: Words = ""


class Named(_Payload):
    """A team, a channel or a tenant."""

    id: Id = ""
    name: Words = ""
    aad_group_id: Id = ""


class Surroundings(_Payload):
    """What only Teams adds."""

    tenant: Annotated[Named, BeforeValidator(_object)] = Named()
    team: Annotated[Named, BeforeValidator(_object)] = Named()
    channel: Annotated[Named, BeforeValidator(_object)] = Named()
    event_type: Id = ""


class Entity(_Payload):
    """A mark on the words; only mentions are read."""

    type: Id = ""
    mentioned: Annotated[Party, BeforeValidator(_object)] = Party()
    text: Words = ""


class File(_Payload):
    """Something attached."""

    content_type: Id = ""
    content_url: Address = ""
    content: Any = None
    """An object for files of a chat, text for the words as HTML."""
    name: Words = ""


class Reaction(_Payload):
    """A reaction that came or went."""

    type: Id = ""


class Activity(_Payload):
    """One thing that happened."""

    type: Id = ""
    id: Id = ""
    name: Id = ""
    timestamp: Id = ""
    channel_id: Id = ""
    service_url: Address = ""
    sender: Annotated[Party, BeforeValidator(_object)] = Field(default=Party(), alias="from")
    recipient: Annotated[Party, BeforeValidator(_object)] = Party()
    conversation: Annotated[Conversation, BeforeValidator(_object)] = Conversation()
    channel_data: Annotated[Surroundings, BeforeValidator(_object)] = Surroundings()
    text: Annotated[str, BeforeValidator(_text)] = ""
    entities: Annotated[list[Entity], BeforeValidator(_list)] = []
    attachments: Annotated[list[File], BeforeValidator(_list)] = []
    reply_to_id: Id = ""
    reactions_added: Annotated[list[Reaction], BeforeValidator(_list)] = []
    reactions_removed: Annotated[list[Reaction], BeforeValidator(_list)] = []
    value: Any = None
    """What a button carries; another shape for each name."""

    @property
    def ref(self) -> str:
        """The reference of this message."""
        return ref_of(self.conversation.id, self.id)

    @property
    def place(self) -> tuple[str, str]:
        """Place and thread."""
        return split(self.conversation.id)

    @property
    def tenant(self) -> str:
        """The directory that it happened in."""
        return self.conversation.tenant_id or self.channel_data.tenant.id

    @property
    def is_direct(self) -> bool:
        """Between one person and the bot alone."""
        return self.conversation.conversation_type == "personal"
