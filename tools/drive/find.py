"""Finding files on the connected Google Drive.

https://developers.google.com/workspace/drive/api/guides/search-files (read 2026-11-21)

Names are other people's words: data, never instruction. Google sorts what words find itself.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.tool import Risk, Tool, ToolContext
from tools.drive._drive import FIELDS, FOLDER, READ, FileId, Item, opened, quoted

COUNT, MOST = 20, 50


class Find(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    words: Annotated[str, Field(max_length=200)] = ""
    folder: FileId | None = None
    count: Annotated[int, Field(ge=1, le=MOST)] = COUNT


async def drive_find(ctx: ToolContext, args: Find) -> Outcome:
    """Find files on the person's connected Google Drive, by words in their names or contents.

    Use it when the person asks for a file of theirs, and before drive_read and drive_share: it
    gives each file's id. Do not use it for files kept here: that is file_list.
    - words: words that must occur; leave it out for the files that changed last.
    - folder: a folder's id, to look only into that.
    - count: how many, 20 when left out, 50 at most.
    Example: {"words": "budget 2027"}
    """
    drive = await opened(ctx, READ)
    terms = ["trashed = false"]
    if words := " ".join(args.words.split()):
        text = quoted(words)
        terms.append(f"(name contains {text} or fullText contains {text})")
    if args.folder:
        terms.append(f"{quoted(args.folder)} in parents")
    query = {
        "q": " and ".join(terms),
        "pageSize": str(args.count),
        "fields": f"files({FIELDS})",
        "includeItemsFromAllDrives": "true",
    }
    if not words:
        query["orderBy"] = "modifiedTime desc"
    lines = [line(item) for item in await drive.find(query)]
    told = "\n".join(lines) or "No file fits."
    if len(lines) == args.count:
        told += "\nThere may be more. Ask more closely."
    return Outcome(state=EffectState.SENT, data=f"Drive of {drive.name}:\n{told}")


def line(item: Item) -> str:
    """One file."""
    parts = [f"- {item.title} ({'folder' if item.mime_type == FOLDER else item.kind})"]
    if item.size:
        parts.append(f"{item.size:,} bytes")
    if item.modified_time:
        parts.append(f"changed {item.modified_time[:10]}")
    if item.owner:
        parts.append(f"of {item.owner}")
    if item.shared:
        parts.append("shared")
    if item.link:
        parts.append(item.link)
    return "; ".join([*parts, f"file id: {item.id}"])


TOOLS = (
    Tool(
        name="drive_find",
        arguments=Find,
        perform=drive_find,
        risk=Risk.READ,
        outside=True,
        saying="looking through the drive",
    ),
)
