"""Teams' activities as events of the house. Nothing here speaks to anybody.

A bot hears a chat of several or a channel only when it is mentioned, unless its app was given more;
the mention is taken out of the words. A person is known by the directory's id of them.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations
(read 2026-11-21)
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import EventId, TenantId, conv_key
from channels.teams.payloads import Activity, Entity, File, Party, Reaction
from channels.teams.places import ref_of
from channels.teams.settings import NAME

UP: Final = frozenset({"like", "heart"})
DOWN: Final = frozenset({"dislike"})
DOWNLOAD: Final = "application/vnd.microsoft.teams.file.download.info"
MAX_FILES: Final = 20
MAX_SOURCE: Final = 4_000
MAX_NAME: Final = 200
_TYPES: Final = {
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "json": "application/json",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mp3": "audio/mpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "wav": "audio/wav",
}
"""Files of a chat come with the end of their name and no media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot itself, and whose it is."""

    tenant: TenantId
    app: str
    directory: str

    @property
    def id(self) -> str:
        """As activities name it."""
        return f"28:{self.app}"


def event_of(activity: Activity, me: Me, now: datetime) -> Event | None:
    """What was said, changed, taken back or thought of an answer; None for anything else."""
    if not activity.id or not activity.conversation.id or not is_person(activity.sender):
        return None
    event = told(activity, me, Kind.MESSAGE, activity.ref, now)
    match activity.type, activity.channel_data.event_type:
        case "message", _:
            return _message(event, activity, me)
        case "messageUpdate", "editMessage" | "undeleteMessage" | "":
            return _edited(event, activity, me)
        case "messageDelete", _:
            return replace(
                event,
                kind=Kind.DELETED,
                ext_id=f"{activity.ref}:deleted",
                reply_to=activity.ref,
                addressed=activity.is_direct,
            )
        case "messageReaction", _:
            return _opinion(event, activity)
    return None


def told(activity: Activity, me: Me, kind: Kind, ext_id: str, now: datetime) -> Event:
    """An event of whoever did it, where it was done."""
    place, thread = activity.place
    return Event(
        id=EventId(""),
        tenant=me.tenant,
        channel=NAME,
        account=me.app,
        ext_id=ext_id,
        kind=kind,
        conv=conv_key(NAME, me.app, place, thread),
        sender=Sender(ext_id=who(activity.sender), name=activity.sender.name[:MAX_NAME]),
        place=Place(
            id=place,
            thread=thread,
            workspace=activity.channel_data.team.id or activity.tenant,
            direct=activity.is_direct,
        ),
        text="",
        at=_at(activity.timestamp, now),
    )


def who(party: Party) -> str:
    """A person's stable id: the directory's, else the one that this bot knows them by."""
    return party.aad_object_id or party.id


def is_person(party: Party) -> bool:
    """Whether it is no bot, ourselves included."""
    return bool(who(party)) and party.role != "bot" and not party.id.startswith("28:")


def _message(event: Event, activity: Activity, me: Me) -> Event | None:
    text, files = words(activity, me), _files(activity)
    if not text and not files:
        return None
    is_for_us = activity.is_direct or any(_calls(each, me) for each in activity.entities)
    return replace(event, text=text, attachments=files, addressed=is_for_us)


def _edited(event: Event, activity: Activity, me: Me) -> Event | None:
    found = _message(event, activity, me)
    if found is None:
        return None
    mark = activity.timestamp or hashlib.sha256(activity.text.encode()).hexdigest()[:16]
    return replace(
        found,
        kind=Kind.EDITED,
        ext_id=f"{activity.ref}:edited:{mark}",
        reply_to=activity.ref,
        attachments=(),
    )


def _opinion(event: Event, activity: Activity) -> Event | None:
    """A thumb that came or went; None for any other reaction."""
    came, went = _thumb(activity.reactions_added), _thumb(activity.reactions_removed)
    if not (came or went) or not activity.reply_to_id:
        return None
    return replace(
        event,
        kind=Kind.FEEDBACK,
        ext_id=f"{activity.ref}:reaction",
        reply_to=ref_of(activity.conversation.id, activity.reply_to_id),
        payload={"value": came},
    )


def _thumb(reactions: list[Reaction]) -> str:
    types = {each.type for each in reactions}
    return "up" if types & UP else "down" if types & DOWN else ""


def _calls(entity: Entity, me: Me) -> bool:
    return entity.type == "mention" and entity.mentioned.id.lower() == me.id


def words(activity: Activity, me: Me) -> str:
    """What was said, without the mention of us; other people are called by their names."""
    text = activity.text.replace("&nbsp;", " ").replace("\xa0", " ")
    is_called = False
    for entity in activity.entities:
        if entity.type != "mention":
            continue
        mark = entity.text or f"<at>{entity.mentioned.name}</at>"
        ours = _calls(entity, me)
        is_called = is_called or ours
        text = text.replace(mark, "" if ours else f"@{entity.mentioned.name}")
    text = text.strip()
    return text.lstrip(",:; \t\r\n") if is_called else text


def _files(activity: Activity) -> tuple[Attachment, ...]:
    found = (_file(each) for each in activity.attachments)
    return tuple(each for each in found if each)[:MAX_FILES]


def _file(file: File) -> Attachment | None:
    """A file of a chat, or a picture among the words; None for cards and the words as HTML."""
    if file.content_type == DOWNLOAD and isinstance(file.content, dict):
        end = _word(file.content.get("fileType")).lower()
        return _attachment(
            file.name or f"file.{end}",
            _TYPES.get(end, "application/octet-stream"),
            _word(file.content.get("downloadUrl")),
        )
    kind, _, end = file.content_type.partition("/")
    if kind not in ("image", "audio", "video") or not file.content_url:
        return None
    if end in ("", "*"):  # a picture that was pasted
        return _attachment(file.name or kind, "application/octet-stream", file.content_url)
    return _attachment(file.name or f"{kind}.{end}", file.content_type, file.content_url)


def _attachment(name: str, media_type: str, source: str) -> Attachment | None:
    if not source or len(source) > MAX_SOURCE:
        return None
    return Attachment(name=name[:MAX_NAME], media_type=media_type, size=0, source=source)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _at(timestamp: str, now: datetime) -> datetime:
    """When it happened; now where that cannot be read."""
    try:
        found = datetime.fromisoformat(timestamp)
    except ValueError:
        return now
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pressed(approval: str, version: int, choice: str) -> dict[str, Json]:
    """The payload of a press."""
    return {"approval": approval, "version": version, "choice": choice}
