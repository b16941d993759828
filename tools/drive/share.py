"""Letting somebody see a file of the connected Google Drive.

https://developers.google.com/workspace/drive/api/guides/manage-sharing
https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions (read 2026-11-21)

A share tells the person by mail each time it is made, so who may see the file is looked at first:
what is granted already is not granted, nor told, again.
"""

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Forbidden, Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit
from tools.drive._drive import (
    ALL,
    ANYONE,
    FILES,
    SHARE,
    Drive,
    FileId,
    Grant,
    Hidden,
    opened,
    seen_by,
)
from tools.drive._showing import file_lines, known_of, whom_of
from tools.mailbox._words import Email, Words

ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
ROLE = {"read": "reader", "comment": "commenter", "change": "writer"}
MAY = {"read": "read it", "comment": "read it and comment", "change": "change it"}


class Share(BaseModel):
    """Which file, with whom, and what they may do."""

    model_config = ConfigDict(extra="forbid")

    file: FileId
    who: Literal["anyone"] | Email
    may: Literal["read", "comment", "change"] = "read"
    message: Annotated[Words, Field(max_length=2_000)] | None = None
    account: Hidden = ""
    account_name: Hidden = ""
    file_name: Hidden = ""
    file_kind: Hidden = ""
    owner: Hidden = ""
    link: Hidden = ""
    is_folder: SkipJsonSchema[bool] = False
    seen_by: SkipJsonSchema[list[str] | None] = None


async def complete(ctx: ToolContext, args: Share) -> Share:
    """Say which file it is, whose, and who sees it already. Raises Invalid, Forbidden, NotFound."""
    drive = await opened(ctx, SHARE)
    item = await drive.item(args.file)
    if item.trashed:
        raise Invalid("This file is in the bin.")
    if not item.capabilities.can_share:
        raise Forbidden("This account may not share that file. Its owner can.")
    if args.who == ANYONE and args.message:
        raise Invalid("Nobody gets a message where anybody with the link may see it.")
    grants = await drive.grants(item.id)
    if _granted(grants, args):
        raise Invalid("They may do that with this file already.")
    return refit(
        args, {**known_of(drive, item), "owner": item.owner[:254], "seen_by": seen_by(grants)}
    )


def preview(args: Share) -> Card:
    """What will be seen, by whom, and by whom it is seen already."""
    whom = whom_of(args.who)
    gets = Line(name="Will be seen by", value=f"{whom}, who may {MAY[args.may]}")
    owner = args.owner or "an organisation's drive"
    lines = file_lines(args, gets, still="Seen already by", owner=owner)
    if args.message:
        lines += (Line(name="Message", value=args.message, long=True, editable="message"),)
    return Card(
        title="Share a file of Google Drive",
        recipients=(whom,),
        fields=lines,
        body=args.message or "",
        warnings=tuple(_warnings(args)),
        audience=f"{whom}, from now on",
    )


def _warnings(args: Share) -> list[str]:
    told = []
    if args.who == ANYONE:
        told.append("Anybody who gets the link sees it, without signing in.")
    elif args.who.rpartition("@")[2].lower() != args.account_name.rpartition("@")[2].lower():
        told.append(f"{args.who} is not of the account's own domain.")
    if args.is_folder:
        told.append("It is a folder: all that is in it, now and later, is shared too.")
    return told


async def drive_share(ctx: ToolContext, args: Share) -> Outcome:
    """Let one person, or anybody with the link, see a file of the person's Google Drive.

    Use it when the person wants somebody to have a file of their drive. Do not use it for files
    that are kept here: put those there first with drive_upload. One call for each person.
    - file: its id from drive_find or drive_upload.
    - who: an e-mail address in full, or "anyone" for everybody who has the link. Never guess one,
      and choose "anyone" only when the person says so.
    - may: read, comment or change; read when left out.
    - message: words that go into Google's mail to them; leave it out for Google's own.
    Example: {"file": "1a2b3c4d5e", "who": "ann@example.org", "may": "read"}
    """
    drive = await opened(ctx, SHARE, args.account)
    if not _granted(await drive.grants(args.file), args):
        await _grant(drive, args)
    return _done(args)


async def _grant(drive: Drive, args: Share) -> None:
    body: dict[str, Json] = {"type": ANYONE, "role": ROLE[args.may]}
    query = {"fields": "id", **ALL}
    if args.who == ANYONE:
        body["allowFileDiscovery"] = False
    else:
        body = {"type": "user", "role": ROLE[args.may], "emailAddress": args.who}
        query["sendNotificationEmail"] = "true"
        if args.message:
            query["emailMessage"] = args.message
    where = f"{FILES}/{quote(args.file, safe='')}/permissions"
    await drive.vendor.ask("POST", where, query=query, body=body)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether they may see it now."""
    args = Share.model_validate(effect.arguments)
    drive = await opened(ctx, SHARE, args.account)
    return _done(args) if _granted(await drive.grants(args.file), args) else None


def _granted(grants: Sequence[Grant], args: Share) -> bool:
    """Whether they may do as much as is wanted, or more."""
    for each in grants:
        is_same = each.type == ANYONE
        if args.who != ANYONE:
            is_same = each.email_address.lower() == args.who.lower()
        if is_same and each.role in ROLES and ROLES.index(each.role) >= ROLES.index(ROLE[args.may]):
            return True
    return False


def _done(args: Share) -> Outcome:
    whom = "Anybody with the link" if args.who == ANYONE else args.who
    data = f"{whom} may {MAY[args.may]} now. {args.link}".strip()
    return Outcome(state=EffectState.SENT, vendor_ref=args.file, url=args.link, data=data)


TOOLS = (
    Tool(
        name="drive_share",
        arguments=Share,
        perform=drive_share,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="sharing a file",
    ),
)
