"""Files: an agent lists what its person may read, reads the text of one, and keeps a new one.

These tools do not ask (`Risk.READ`): what they change is the person's own shelf in this house, it
can be seen and deleted there. An attached file goes where the answer goes, which could as well
quote it, and nowhere else. What stands in a file, its name included, may be anybody's words, so
what they say of it counts as outside words. In-house: `bot/files/library.py`.
"""

from dataclasses import asdict
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.errors import OperatorError
from bot.core.tool import Risk, Tool, ToolContext
from bot.files.library import LISTED, Library

MAX_SAVED = 100_000


class NoArguments(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid")


class ReadFile(BaseModel):
    """Which file, and where in it."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(min_length=1, max_length=80)]
    page: Annotated[int, Field(ge=1, le=10_000)] = 1


class AttachFile(BaseModel):
    """Which file."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(min_length=1, max_length=80)]


class SaveFile(BaseModel):
    """What to keep."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_SAVED)]


async def file_list(ctx: ToolContext, args: NoArguments) -> Outcome:
    """List the files that this person keeps here and those shared with everybody, newest first.

    Use it to find a file by its name. Do not use it for pages of the web.
    Example: {}
    """
    items = await _library(ctx).list(ctx)
    lines = [
        f"{item.id}: {item.name} ({item.media_type}, {item.size} bytes"
        f"{', shared' if item.shared else ''})"
        for item in items
    ]
    if len(items) == LISTED:
        lines.append(f"These are the newest {LISTED}; there may be more.")
    return _said("\n".join(lines) or "There are no files.")


async def file_read(ctx: ToolContext, args: ReadFile) -> Outcome:
    """Read the text of a file: PDF, Word (.docx), web page, table (CSV) or plain text.

    Use it when the person asks about a file or attached one. Do not use it for pictures and scans:
    they hold no text.
    - file: its id, from file_list or from the line of an attachment, such as "fil_01J8Z6Y3T5".
    - page: which page of its text, from 1; the result says how many there are.
    Example: {"file": "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6", "page": 1}
    """
    found = await _library(ctx).read(ctx, args.file, args.page)
    note = f" {found.note}" if found.note else ""
    head = f"{found.file.name}, page {found.page} of {found.pages}.{note}"
    return _said(f"{head}\n\n{found.text}")


async def file_attach(ctx: ToolContext, args: AttachFile) -> Outcome:
    """Let a kept file go with your answer, so that the person gets the file itself.

    Use it when the person asks for a file, or you have made one with file_save for them; then
    answer in a sentence. Do not use it to send a file to others: it goes to the conversation that
    you are in and nowhere else.
    - file: its id, from file_list, file_save or the line of an attachment.
    Example: {"file": "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6"}
    """
    item = await _library(ctx).attachment(ctx, args.file)
    return Outcome(state=EffectState.SENT, data={"attach": asdict(item)})


async def file_save(ctx: ToolContext, args: SaveFile) -> Outcome:
    """Keep a text as a file of this person, who finds it on their page of files.

    Use it when the person wants something written down as a file. Do not use it for notes about
    the person: that is memory_remember.
    - name: what to call it, with its ending, such as "minutes-march.md".
    - text: all that stands in it.
    Example: {"name": "minutes-march.md", "text": "# Minutes\\n\\nWe open on Sundays."}
    """
    item = await _library(ctx).save(ctx, args.name, args.text)
    return _said(f"Kept as {item.id}: {item.name} ({item.size} bytes).")


def _library(ctx: ToolContext) -> Library:
    if not isinstance(ctx.settings, Library):
        raise OperatorError("This house keeps no files.")
    return ctx.settings


def _said(text: str) -> Outcome:
    return Outcome(state=EffectState.SENT, data=text)


TOOLS = (
    Tool(
        name="file_list",
        arguments=NoArguments,
        perform=file_list,
        risk=Risk.READ,
        outside=True,
        saying="looking through the files",
    ),
    Tool(
        name="file_read",
        arguments=ReadFile,
        perform=file_read,
        risk=Risk.READ,
        outside=True,
        saying="reading a file",
    ),
    Tool(
        name="file_attach",
        arguments=AttachFile,
        perform=file_attach,
        risk=Risk.READ,
        saying="attaching a file",
    ),
    Tool(
        name="file_save",
        arguments=SaveFile,
        perform=file_save,
        risk=Risk.READ,
        saying="keeping a file",
    ),
)
