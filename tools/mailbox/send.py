"""Sending a mail from the connected mailbox, as its person.

https://developers.google.com/workspace/gmail/api/guides/sending
https://learn.microsoft.com/graph/api/message-send (read 2026-11-21)

    begun      written down before anything is asked, so a look-up knows whether there is anything
    draft      its id is kept before it is sent
    sent       a draft can be sent once; a second sending finds it gone, and looks where it went

So a mail cannot go twice, however often this is begun again. A process that dies between making a
draft and keeping its id leaves one draft too many: not a mail.
"""

import asyncio
from dataclasses import replace

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import NotFound, VendorRefused, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools.mailbox._arguments import Writing, card_of, completed, made, named_box
from tools.mailbox._box import SEND, opened
from tools.mailbox._letter import name_of
from tools.mailbox._mail import Box, Found

AGAIN_S = 2.0
LOOKS, LOOK_S = 3, 2.0
"""How often, and how long between: a mail that was just sent is seen a moment later."""


class Send(Writing):
    """A mail that leaves."""


async def complete(ctx: ToolContext, args: Send) -> Send:
    """Say whose mailbox, which mail is answered, what the files are."""
    return await completed(ctx, await opened(ctx, SEND, named_box(args)), args)


def preview(args: Send) -> Card:
    """The mail exactly as it will leave."""
    return card_of("Send a mail from the mailbox", "those whom it goes to", args)


async def mailbox_send(ctx: ToolContext, args: Send) -> Outcome:
    """Send a mail from the person's own mailbox (Gmail or Outlook), as them.

    Use it when the person wants a mail sent in their name, and to answer a mail. Do not use it for
    the house's own address (that is send_email), nor to show a text first: mailbox_draft does that.
    - to, cc: addresses in full. Never guess one. Leave `to` out for an answer to the sender.
    - bcc: who gets it unseen by the others, only when the person says so.
    - subject: one line; an answer has that of the mail when it is left out.
    - text: the mail, in plain words, exactly as it shall leave.
    - reply_to: the id of the mail that this answers, from mailbox_search.
    - files: kept files that go along, each {"id": "fil_…"} from file_list, 2 MB in all.
    - mailbox: "gmail" or "outlook", only where both are connected.
    Example: {"to": ["ann@example.org"], "subject": "Sunday", "text": "We meet at four."}
    """
    box = await opened(ctx, SEND, named_box(args), args.account)
    name, data = await made(ctx, box, args)
    draft = str(ctx.progress.get("draft", ""))
    if not draft:
        found = await box.look("", name)
        if found.state == "sent":
            return _done(found)
        ctx = await _keep(ctx, begun=True)
        draft = await _drafted(box, data, args)
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


async def _drafted(box: Box, data: bytes, args: Send) -> str:
    try:
        draft = await box.draft(data, args.thread)
        await box.blind(draft, args.bcc or ())
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


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look where the mail stands. None: its draft was not sent, and can be."""
    draft = str(effect.progress.get("draft", ""))
    if not draft:
        return None  # a draft whose id was not kept is not sent by anybody but its person
    args = Send.model_validate(effect.arguments)
    box = await opened(ctx, SEND, named_box(args), args.account)
    found = await _looked(box, draft, name_of(ctx, box.name))
    return _done(found) if found.state == "sent" else None


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


TOOLS = (
    Tool(
        name="mailbox_send",
        arguments=Send,
        perform=mailbox_send,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="sending a mail",
    ),
)
