"""How a file goes to Telegram: as a picture, a voice note, or as the file that it is.

A picture that Telegram does not take as one (too long, too thin) goes as a file. Nothing of it has
a key, so an upload whose answer is missing stays unknown, as a text does.
https://core.telegram.org/bots/api#sending-files (read 2026-11-21)
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from telegram import Bot, InputFile, Message

from bot.core.event import Attachment
from bot.platforms.files_out import MEGABYTE, Room

ROOM: Final = Room(files=10, max_bytes=50_000_000, all_bytes=250 * MEGABYTE)
MAX_PICTURE: Final = 10_000_000
PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
VOICES: Final = frozenset({"audio/ogg", "audio/opus"})
UPLOAD_S: Final = 50.0

Send = Callable[[int | None, int], Awaitable[Message]]
"""In a topic or in none, to a chat."""


def ways(bot: Bot, item: Attachment, content: bytes) -> Sequence[Send]:
    """The ways to send a file, the best first."""

    def file() -> InputFile:
        return InputFile(content, filename=item.name)

    async def picture(thread: int | None, chat: int) -> Message:
        return await bot.send_photo(
            chat, file(), message_thread_id=thread, write_timeout=UPLOAD_S, read_timeout=UPLOAD_S
        )

    async def voice(thread: int | None, chat: int) -> Message:
        return await bot.send_voice(
            chat, file(), message_thread_id=thread, write_timeout=UPLOAD_S, read_timeout=UPLOAD_S
        )

    async def document(thread: int | None, chat: int) -> Message:
        return await bot.send_document(
            chat,
            file(),
            disable_content_type_detection=True,
            message_thread_id=thread,
            write_timeout=UPLOAD_S,
            read_timeout=UPLOAD_S,
        )

    if item.media_type in PICTURES and item.size <= MAX_PICTURE:
        return (picture, document)
    return (voice, document) if item.media_type in VOICES else (document,)
