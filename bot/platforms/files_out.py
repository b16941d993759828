"""Which files of a message go as bytes, and what is said of the others.

Platforms differ in how many files a message takes and how large each may be. What is too large goes
as a link in words, and what is no longer kept is named, so that nobody looks for a file that
silently stayed behind.
"""

from bot.core.channel import Outbound
from bot.core.errors import VendorRefused
from bot.core.event import Attachment
from bot.frozen import frozen
from bot.platforms.lent import Shelf

MEGABYTE = 1024 * 1024


@frozen
class Room:
    """What a platform takes beside the words of one message."""

    files: int
    max_bytes: int
    """Of one file."""
    all_bytes: int
    """Of all files of one message."""


NO_ROOM = Room(files=0, max_bytes=0, all_bytes=0)
"""Where nothing goes but words."""


@frozen
class Enclosed:
    """A message as it leaves."""

    text: str
    """In Markdown, with a line for each file that does not go as bytes."""
    files: tuple[Attachment, ...]


async def whole(shelf: Shelf, item: Attachment) -> bytes:
    """All bytes of a file at once; they are at most 25 MB. Raises VendorRefused."""
    found = b"".join([piece async for piece in shelf.open(item)])
    if len(found) != item.size:
        raise VendorRefused(f"The file {item.name} is not whole any more.")
    return found


async def enclose(message: Outbound, shelf: Shelf, room: Room) -> Enclosed:
    """Sort the files of a message. Where there are no words the files' names stand for them."""
    lines: list[str] = []
    going: list[Attachment] = []
    left = room.all_bytes
    for item in message.attachments:
        if not await shelf.has(item):
            lines.append(f"({item.name} is not kept here any more.)")
        elif item.size <= min(left, room.max_bytes) and len(going) < room.files:
            going.append(item)
            left -= item.size
        else:
            lines.append(in_words(item, shelf.link(item)))
    text = "\n\n".join(part for part in (message.text, "\n".join(lines)) if part)
    if not text.strip() and going:
        text = ", ".join(_plain(item.name) for item in going)
    return Enclosed(text=text, files=tuple(going))


def in_words(item: Attachment, link: str) -> str:
    """What is said of a file that does not go as bytes."""
    name = f"{_plain(item.name)} ({_size(item.size)})"
    if not link:
        return f"{name} cannot come with this message. It lies on your page of files."
    return f"{name}: {link}\n(a link for seven days; it gives the file to whoever has it)"


def _plain(name: str) -> str:
    """A name that no dialect takes for marks."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>~|" else c for c in name)


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE else f"{max(1, count // 1024)} kB"
