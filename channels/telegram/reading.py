"""Telegram's updates as events of the house. Nothing here speaks to anybody.

A group hears the bot only when it is mentioned, commanded or answered to; the mention is taken out
of the words. Entities count in UTF-16 units.
https://core.telegram.org/bots/features#privacy-mode (read 2026-11-21)
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.core.canonical import Json
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import EventId, TenantId, conv_key
from channels.telegram.payloads import Chat, Emoji, Entity, File, Message, Reaction, User

NAME = "telegram"
UP, DOWN = "👍", "👎"
MAX_NAME = 200
_DEFAULTS = {
    "photo": ("photo.jpg", "image/jpeg"),
    "document": ("file", "application/octet-stream"),
    "voice": ("voice.ogg", "audio/ogg"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "video": ("video.mp4", "video/mp4"),
    "video_note": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot itself, and whose it is."""

    tenant: TenantId
    id: int
    username: str

    @property
    def account(self) -> str:
        """The login on Telegram."""
        return str(self.id)


def message_of(message: Message, me: Me, *, edited: bool = False) -> Event | None:
    """A message, or its new form; None for what is no word to anybody (echoes, bots, notices)."""
    sender = message.sender
    if sender is None or sender.is_bot:
        return None
    text, entities = _words(message)
    files = () if edited else _files(message)
    if not text and not files:
        return None
    direct = message.chat.type == "private"
    at = message.edit_date if edited else message.date
    event = _event(message.chat, sender, message.thread, me, at)
    return replace(
        event,
        ext_id=f"{message.ref}:edited:{at}" if edited else message.ref,
        kind=Kind.EDITED if edited else Kind.MESSAGE,
        text=_command(_without_mention(text, entities, me), me),
        attachments=files,
        reply_to=message.ref if edited else _answered(message),
        addressed=direct or _is_for(message, text, entities, me),
        payload={"album": message.media_group_id} if message.media_group_id and not edited else {},
    )


def press_of(
    ext_id: str, chat: Chat, sender: User, thread: str, me: Me, payload: dict[str, Json]
) -> Event:
    """A press or a form; its time is not told, so the caller sets it."""
    return replace(
        _event(chat, sender, thread, me, 0), ext_id=ext_id, kind=Kind.PRESSED, payload=payload
    )


def opinion_of(update: int, reaction: Reaction, me: Me) -> Event | None:
    """A thumb that came or went; None for any other reaction."""
    if reaction.user is None or reaction.user.is_bot:
        return None
    old, new = _thumb(reaction.old_reaction), _thumb(reaction.new_reaction)
    if old == new:
        return None
    event = _event(reaction.chat, reaction.user, "", me, reaction.date)
    return replace(
        event,
        ext_id=f"reaction:{update}",
        kind=Kind.FEEDBACK,
        reply_to=f"{reaction.chat.id}:{reaction.message_id}",
        payload={"value": new},
    )


def _thumb(reactions: list[Emoji]) -> str:
    emoji = {each.emoji for each in reactions}
    return "up" if UP in emoji else "down" if DOWN in emoji else ""


def _event(chat: Chat, sender: User, thread: str, me: Me, at: int) -> Event:
    place = str(chat.id)
    return Event(
        id=EventId(""),
        tenant=me.tenant,
        channel=NAME,
        account=me.account,
        ext_id="",
        kind=Kind.MESSAGE,
        conv=conv_key(NAME, me.account, place, thread),
        sender=Sender(ext_id=str(sender.id), name=name_of(sender)),
        place=Place(id=place, thread=thread, direct=chat.type == "private"),
        text="",
        at=datetime.fromtimestamp(max(0, at), UTC),
    )


def name_of(user: User) -> str:
    """What a person calls themselves."""
    return f"{user.first_name} {user.last_name}".strip()[:MAX_NAME]


def _words(message: Message) -> tuple[str, list[Entity]]:
    """What was said, with its marks; a sticker is its emoji, a place its numbers."""
    if message.text:
        return message.text, message.entities
    if message.caption:
        return message.caption, message.caption_entities
    if message.sticker:
        return message.sticker.emoji, []
    if message.location:
        return f"{message.location.latitude}, {message.location.longitude}", []
    return "", []


def _files(message: Message) -> tuple[Attachment, ...]:
    found: list[tuple[str, File]] = []
    if message.photo:
        largest = max(message.photo, key=lambda each: each.width * each.height)
        found.append(("photo", largest))
    for kind in ("document", "voice", "audio", "video", "video_note"):
        file = getattr(message, kind)
        if isinstance(file, File):
            found.append((kind, file))
    if message.animation and not message.document:
        found.append(("animation", message.animation))
    return tuple(
        Attachment(
            name=(file.file_name or _DEFAULTS[kind][0])[:MAX_NAME],
            media_type=file.mime_type or _DEFAULTS[kind][1],
            size=max(0, file.file_size),
            source=file.file_id,
        )
        for kind, file in found
    )


def _answered(message: Message) -> str:
    """What it is an answer to. A topic's own beginning is none."""
    first = message.reply_to_message
    if first is None or (message.thread and str(first.message_id) == message.thread):
        return ""
    return first.ref


def _is_for(message: Message, text: str, entities: list[Entity], me: Me) -> bool:
    first = message.reply_to_message
    if _answered(message) and first and first.sender and first.sender.id == me.id:
        return True
    return any(_names(text, entity, me) for entity in entities)


def _names(text: str, entity: Entity, me: Me) -> bool:
    """Whether a mark calls the bot: a mention, or a command that is nobody else's."""
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == me.id
    words = _part(text, entity).lower()
    own = f"@{me.username.lower()}"
    if entity.type == "mention":
        return words == own
    return entity.type == "bot_command" and ("@" not in words or words.endswith(own))


def _part(text: str, entity: Entity) -> str:
    raw = text.encode("utf-16-le", "surrogatepass")
    part = raw[entity.offset * 2 : (entity.offset + entity.length) * 2]
    return part.decode("utf-16-le", "replace")


def _without_mention(text: str, entities: list[Entity], me: Me) -> str:
    """The words without the name that called us."""
    raw = text.encode("utf-16-le", "surrogatepass")
    calls = [each for each in entities if each.type != "bot_command" and _names(text, each, me)]
    for each in sorted(calls, key=lambda one: one.offset, reverse=True):
        raw = raw[: each.offset * 2] + raw[(each.offset + each.length) * 2 :]
    if not calls:
        return text
    return raw.decode("utf-16-le", "replace").strip().lstrip(",:;").strip()


def _command(text: str, me: Me) -> str:
    """`/approve@our_bot 4821` is `/approve 4821`; Start, which everybody presses, is help."""
    if not text.startswith("/"):
        return text
    word, space, rest = text.partition(" ")
    name, at, bot = word.partition("@")
    if at and bot.lower() != me.username.lower():
        return text
    return "/help" if name == "/start" else f"{name}{space}{rest}"
