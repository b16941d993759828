"""How a mail leaves once, whoever wrote it: as a draft first, which can be sent a single time.

https://developers.google.com/workspace/gmail/api/guides/sending
https://learn.microsoft.com/graph/api/message-send (read 2026-11-21)

    begun      written down before anything is asked, so a look-up knows whether there is anything
    draft      its id is kept before it is sent
    sent       a draft can be sent once; a second sending finds it gone, and looks where it went

So a mail cannot go twice, however often this is begun again. A process that dies between making a
draft and keeping its id leaves one draft too many: not a mail.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.core.canonical import Json
from bot.core.effect import Effect, EffectState, Outcome
from bot.core.errors import NotFound, VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.mailbox._box import SEND, opened
from tools.mailbox._letter import name_of
from tools.mailbox._mail import Box, Found

AGAIN_S = 2.0
LOOKS, LOOK_S = 3, 2.0
"""How often, and how long between: a mail that was just sent is seen a moment later."""


@frozen
class Leaving:
    """A mail that is to leave."""

    data: bytes
    thread: str = ""
    bcc: tuple[str, ...] = ()


Write = Callable[[], Awaitable[Leaving]]
"""Makes the mail, where there is none yet. Raises Conflict, NotFound."""


async def delivered(ctx: ToolContext, box: Box, write: Write) -> Outcome:
    """Send the mail of this deed, once. Raises Conflict, NotFound, OperatorError, VendorError."""
    name = name_of(ctx, box.name)
    draft = str(ctx.progress.get("draft", ""))
    if not draft:
        found = await box.look("", name)
        if found.state == "sent":
            return _done(found)
        leaving = await write()
        ctx = await _keep(ctx, begun=True)
        draft = await _drafted(box, leaving)
        ctx = await _keep(ctx, draft=draft)
    try:
        return _done(await box.send(draft))
    except NotFound:
        found = await _looked(box, draft, name)
    if found.state != "sent":
        raise VendorUnknown(
            f"The draft of this mail is gone from {box.title}: it was sent, or somebody removed it."
        )
    return _done(found)


async def looked_up(ctx: ToolContext, effect: Effect, where: str, account: str) -> Outcome | None:
    """Where the mail of a deed stands. None: its draft was not sent, and can be."""
    draft = str(effect.progress.get("draft", ""))
    if not draft:
        return None  # a draft whose id was not kept is not sent by anybody but its person
    box = await opened(ctx, SEND, where, account)
    found = await _looked(box, draft, name_of(ctx, box.name))
    return _done(found) if found.state == "sent" else None


async def _drafted(box: Box, leaving: Leaving) -> str:
    try:
        draft = await box.draft(leaving.data, leaving.thread)
        await box.blind(draft, leaving.bcc)
        return draft
    except VendorUnknown as error:  # a draft more does no harm: it is not sent
        words = f"{box.title} made no draft, so nothing was sent."
        raise VendorRefused(words, retry_after_s=AGAIN_S) from error


async def _keep(ctx: ToolContext, **told: Json) -> ToolContext:
    """Keep something for a later attempt, beside what is kept already."""
    progress = {**ctx.progress, **told}
    if ctx.save is not None:
        await ctx.save(progress)
    return replace(ctx, progress=progress)


async def _looked(box: Box, draft: str, name: str) -> Found:
    """Where the mail stands, after a while if need be."""
    for _ in range(LOOKS - 1):
        found = await box.look(draft, name)
        if found.state == "sent":
            return found
        await asyncio.sleep(LOOK_S)
    return await box.look(draft, name)


def _done(found: Found) -> Outcome:
    data = f"It is sent, as mail {found.id}."
    return Outcome(state=EffectState.SENT, vendor_ref=found.id, url=found.url, data=data)
