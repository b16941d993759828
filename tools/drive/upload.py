"""Putting a kept file on the connected Google Drive.

https://developers.google.com/workspace/drive/api/guides/manage-uploads
https://developers.google.com/workspace/drive/api/guides/create-file (read 2026-11-21)

The file's id is asked for first and kept, and only then the file is sent under it. Google answers
409 to an id that is in use, so the same deed makes one file, however often it is begun.
"""

import re
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Conflict, Invalid, NotFound, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from bot.oauth.answers import Taken
from bot.reach import reach_of
from tools._arguments import refit, unfit
from tools.drive._drive import FOLDER, UPLOAD, Drive, FileId, Hidden, Item, listed, opened
from tools.drive._pieces import upload

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _name(value: str) -> str:
    text = " ".join(value.split())
    if _CONTROL.search(text):
        raise unfit("a name is one line of words")
    return text


class Upload(BaseModel):
    """Which file goes where."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(min_length=1, max_length=80)]
    name: Annotated[str, Field(max_length=200), AfterValidator(_name)] = ""
    folder: FileId | None = None
    account: Hidden = ""
    account_name: Hidden = ""
    folder_name: Hidden = ""
    is_seen: SkipJsonSchema[bool] = False
    """Whether others see what is in the folder."""
    media_type: Hidden = ""
    size: SkipJsonSchema[int] = 0
    sha256: Hidden = ""


async def complete(ctx: ToolContext, args: Upload) -> Upload:
    """Say what the file is, and whose drive and which folder it goes to. Raises Invalid."""
    drive = await opened(ctx, UPLOAD)
    known = await reach_of(ctx).known(ctx, args.file)
    folder_name, is_seen = "My Drive", False
    if args.folder:
        folder = await _folder(drive, args.folder)
        folder_name, is_seen = folder.title, folder.shared
    told = {
        "name": args.name or str(known["name"])[:200],
        "account": drive.account,
        "account_name": drive.name,
        "folder_name": folder_name,
        "is_seen": is_seen,
        "media_type": known["media_type"],
        "size": known["size"],
        "sha256": known["sha256"],
    }
    return refit(args, told)


async def _folder(drive: Drive, id_: str) -> Item:
    try:
        folder = await drive.item(id_)
    except NotFound:
        raise NotFound(
            "Our app sees no such folder: only those that it made itself. Leave the folder out, "
            "and move the file there by hand."
        ) from None
    if folder.mime_type != FOLDER or folder.trashed:
        raise Invalid("That is no folder.")
    return folder


def preview(args: Upload) -> Card:
    """Which file, as what, and who will see it there."""
    about = f"{args.name or args.file} ({args.media_type}, {args.size:,} bytes)"
    lines = (
        Line(name="File", value=about),
        Line(name="Name there", value=args.name or "not known yet", editable="name"),
        Line(name="Folder", value=args.folder_name or "not known yet"),
        Line(name="Google account", value=args.account_name or "not known yet"),
    )
    seen = "everybody who sees that folder" if args.is_seen else "this account alone"
    warnings = ("The folder is shared, so others see the file at once.",) if args.is_seen else ()
    return Card(
        title="Put a file on Google Drive",
        recipients=(args.account_name,) if args.account_name else (),
        fields=lines,
        warnings=warnings,
        audience=seen,
    )


async def drive_upload(ctx: ToolContext, args: Upload) -> Outcome:
    """Put a file that is kept here on the person's Google Drive.

    Use it when the person wants a file on their drive. Make the file first with file_save where
    there is none. Do not use it to show it to others: that is drive_share, afterwards.
    - file: its id from file_list or file_save, such as "fil_01J8Z6Y3T5".
    - name: what to call it there; its own name when left out.
    - folder: the id of a folder that was made by these tools; leave it out for My Drive.
    Example: {"file": "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6"}
    """
    drive = await opened(ctx, UPLOAD, args.account)
    _, data = await reach_of(ctx).taken(ctx, args.file, args.sha256)
    id_ = str(ctx.progress.get("id", ""))
    if id_:
        if found := await _there(drive, id_, args):
            return _done(found)
    else:
        id_ = await _new_id(drive)
        ctx = await _keep(ctx, id=id_)
    about: dict[str, Json] = {"id": id_, "name": args.name}
    if args.folder:
        about["parents"] = [args.folder]
    try:
        made = await upload(drive, about, data, args.media_type)
    except Taken:
        found = await _there(drive, id_, args)
        if found is None:
            raise VendorUnknown("Google has this file, and does not show it.") from None
        return _done(found)
    return _done(made)


async def _new_id(drive: Drive) -> str:
    told = await drive.vendor.ask(
        "GET", "/drive/v3/files/generateIds", query={"count": "1", "space": "drive"}
    )
    ids = listed(told, "ids")
    if len(ids) != 1 or not isinstance(ids[0], str) or not _ID.fullmatch(ids[0]):
        raise VendorUnknown("Google Drive gave no id for a new file.")
    return ids[0]


async def _there(drive: Drive, id_: str, args: Upload) -> Item | None:
    """The file of this deed. Raises Conflict where it was changed since."""
    try:
        item = await drive.item(id_)
    except NotFound:
        return None
    if item.sha256_checksum and item.sha256_checksum != args.sha256:
        raise Conflict("The file is there, and somebody has changed it since.")
    return item


async def _keep(ctx: ToolContext, **told: Json) -> ToolContext:
    progress = {**ctx.progress, **told}
    if ctx.save is not None:
        await ctx.save(progress)
    return replace(ctx, progress=progress)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether the file is there."""
    id_ = str(effect.progress.get("id", ""))
    if not id_:
        return None  # the id is kept before anything is sent
    args = Upload.model_validate(effect.arguments)
    drive = await opened(ctx, UPLOAD, args.account)
    item = await _there(drive, id_, args)
    return _done(item) if item else None


def _done(item: Item) -> Outcome:
    url = f"https://drive.google.com/file/d/{item.id}/view"
    data = f"It is on the drive, as file {item.id}: {url}"
    return Outcome(state=EffectState.SENT, vendor_ref=item.id, url=url, data=data)


TOOLS = (
    Tool(
        name="drive_upload",
        arguments=Upload,
        perform=drive_upload,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="putting a file on the drive",
    ),
)
