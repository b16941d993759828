"""Taking a file of the connected Google Drive back from somebody who may see it.

https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions/delete (read
2026-11-22)

Nobody is told. What was taken back already is done, so it may be begun again.
"""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Forbidden, Invalid, NotFound
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import refit
from tools.drive._drive import ALL, ANYONE, FILES, SHARE, FileId, Grant, Hidden, opened, seen_by
from tools.drive._showing import file_lines, known_of, whom_of
from tools.mailbox._words import Email


class Unshare(BaseModel):
    """Which file, and from whom."""

    model_config = ConfigDict(extra="forbid")

    file: FileId
    who: Literal["anyone"] | Email
    account: Hidden = ""
    account_name: Hidden = ""
    file_name: Hidden = ""
    file_kind: Hidden = ""
    link: Hidden = ""
    is_folder: SkipJsonSchema[bool] = False
    may: Hidden = ""
    """What they may do until then."""
    seen_by: SkipJsonSchema[list[str] | None] = None
    """Who sees it still."""
    is_open: SkipJsonSchema[bool] = False
    """Others than named ones see it still."""


async def complete(ctx: ToolContext, args: Unshare) -> Unshare:
    """Say which file it is, and who sees it still. Raises Invalid, Forbidden, NotFound."""
    drive = await opened(ctx, SHARE)
    item = await drive.item(args.file)
    if not item.capabilities.can_share:
        raise Forbidden("This account may not say who sees that file. Its owner can.")
    grants = await drive.grants(item.id)
    theirs = _theirs(grants, args)
    if not theirs:
        raise Invalid("This file is not shared with them by name.")
    if any(each.role == "owner" for each in theirs):
        raise Invalid("It is their own file.")
    left = [each for each in grants if each not in theirs]
    return refit(
        args,
        {
            **known_of(drive, item),
            "may": ", ".join(each.role for each in theirs)[:200],
            "seen_by": seen_by(left),
            "is_open": any(each.type in (ANYONE, "domain", "group") for each in left),
        },
    )


def _theirs(grants: Sequence[Grant], args: Unshare) -> list[Grant]:
    if args.who == ANYONE:
        return [each for each in grants if each.type == ANYONE]
    return [each for each in grants if each.email_address.lower() == args.who.lower()]


def preview(args: Unshare) -> Card:
    """What is taken back from whom, and who sees it still."""
    loses = f"{whom_of(args.who)} ({args.may or 'not known yet'})"
    lines = file_lines(args, Line(name="Taken back from", value=loses), still="Seen still by")
    warnings = []
    if args.is_open:
        warnings.append("It is open to more than single people, so they may see it still.")
    if args.is_folder:
        warnings.append("It is a folder: what is in it is taken back too.")
    return Card(
        title="Stop sharing a file of Google Drive",
        fields=lines,
        warnings=tuple(warnings),
        audience="nobody is told",
    )


async def drive_unshare(ctx: ToolContext, args: Unshare) -> Outcome:
    """Take a file of the person's Google Drive back from one person, or from all with the link.

    Use it when the person wants somebody not to see a file any more. Do not use it to share, nor to
    let them do less: share anew after this. One call for each person.
    - file: its id from drive_find.
    - who: the e-mail address that it was shared with, or "anyone" for the open link.
    Example: {"file": "1a2b3c4d5e", "who": "ann@example.org"}
    """
    drive = await opened(ctx, SHARE, args.account)
    for grant in _theirs(await drive.grants(args.file), args):
        where = f"{FILES}/{quote(args.file, safe='')}/permissions/{quote(grant.id, safe='')}"
        try:
            await drive.vendor.page("DELETE", where, query=ALL)
        except NotFound:  # taken back in this moment, or the file has gone: the look tells
            if _theirs(await drive.grants(args.file), args):
                raise
    return _done(args)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether it is shared with them still."""
    args = Unshare.model_validate(effect.arguments)
    drive = await opened(ctx, SHARE, args.account)
    return None if _theirs(await drive.grants(args.file), args) else _done(args)


def _done(args: Unshare) -> Outcome:
    whom = "anybody with the link" if args.who == ANYONE else args.who
    data = f"The file is shared with {whom} no more."
    return Outcome(state=EffectState.SENT, vendor_ref=args.file, url=args.link, data=data)


TOOLS = (
    Tool(
        name="drive_unshare",
        arguments=Unshare,
        perform=drive_unshare,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        outside=True,
        saying="taking a share back",
    ),
)
