"""What a server answered, as a model reads it: text, capped; files and images kept as files.

Everything here is outside text. Bytes go to the house's files, under the person who asked, and the
model reads their names.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from bot.core.errors import BotError
from bot.frozen import frozen
from tools.mcp._definition import clean

MAX_TEXT = 12_000
MAX_ITEMS = 50
MAX_FILES = 10
Keep = Callable[[str, str, AsyncIterator[bytes]], Awaitable[str]]
"""Name, media type and bytes to what the model is told of the file."""


@frozen
class Content:
    """One part: text, or bytes in base64."""

    text: str = ""
    encoded: str = ""
    media_type: str = ""
    name: str = ""


@frozen
class Said:
    """A whole answer."""

    content: Sequence[Content]
    failed: bool = False
    """The server says that it did not work."""


async def words(said: Said, keep: Keep | None) -> str:
    """The answer in text. Idempotent but for the files, of which a second call makes new rows."""
    parts: list[str] = []
    files = 0
    left = MAX_TEXT
    for item in said.content[:MAX_ITEMS]:
        if item.encoded:
            files += 1
            part = await _kept(item, keep if files <= MAX_FILES else None)
        else:
            part = clean(item.text, left)
        parts.append(part)
        left -= len(part)
        if left <= 0:
            break
    if len(said.content) > len(parts):
        parts.append(f"[{len(said.content) - len(parts)} more parts were left out]")
    return "\n".join(parts) or "(no words)"


async def _kept(item: Content, keep: Keep | None) -> str:
    about = clean(f"{item.name} {item.media_type}".strip(), 200)
    if keep is None:
        return f"[{about}: not kept]"
    try:
        raw = base64.b64decode(item.encoded, validate=True)
        return await keep(item.name or "file", item.media_type, _once(raw))
    except (binascii.Error, ValueError):
        return f"[{about}: not readable]"
    except BotError as error:
        return f"[{about}: not kept. {error.message}]"


async def _once(raw: bytes) -> AsyncIterator[bytes]:
    yield raw
