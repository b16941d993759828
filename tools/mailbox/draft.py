"""Putting a mail among the drafts of the connected mailbox, where its person finishes it.

https://developers.google.com/workspace/gmail/api/guides/drafts
https://learn.microsoft.com/graph/api/user-post-messages (read 2026-11-21)

A draft is looked for by its Message-ID, which follows from the deed: the same deed makes it once.
"""

from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.mailbox._arguments import Writing, card_of, completed, made, named_box
from tools.mailbox._box import DRAFT, opened
from tools.mailbox._letter import name_of
from tools.mailbox._mail import Found


class Draft(Writing):
    """A mail that is not sent yet."""


async def complete(ctx: ToolContext, args: Draft) -> Draft:
    """Say whose mailbox, which mail is answered, what the files are."""
    return await completed(ctx, await opened(ctx, DRAFT, named_box(args)), args)


def preview(args: Draft) -> Card:
    """The draft as it will stand there."""
    return card_of("Put a draft into the mailbox", "nobody else: it is not sent", args)


async def mailbox_draft(ctx: ToolContext, args: Draft) -> Outcome:
    """Write a mail into the drafts of the person's mailbox; it is not sent.

    Use it when the person wants to look at a mail in their mail program, or finish it there. Do not
    use it to send: that is mailbox_send.
    - to, cc: addresses in full. Never guess one. Leave `to` out for an answer to the sender.
    - bcc: who gets it unseen by the others, only when the person says so.
    - subject: one line; an answer has that of the mail when it is left out.
    - text: the mail, in plain words, exactly as it shall stand there.
    - reply_to: the id of the mail that this answers, from mailbox_search.
    - files: kept files that go along, each {"id": "fil_…"} from file_list, 2 MB in all.
    - mailbox: "gmail" or "outlook", only where both are connected.
    Example: {"reply_to": "gmail:18f2c3", "text": "Dear Ann,\\n\\nSunday suits us."}
    """
    box = await opened(ctx, DRAFT, named_box(args), args.account)
    data = await made(ctx, box, args)
    found = await box.look("", name_of(ctx, box.name))
    if found.state == "unseen":
        found = Found(state="draft", id=await box.draft(data, args.thread))
    if found.state == "draft":
        await box.blind(found.id, args.bcc or ())
    return _done(found)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look whether it stands there, or was sent by its person since."""
    args = Draft.model_validate(effect.arguments)
    box = await opened(ctx, DRAFT, named_box(args), args.account)
    found = await box.look("", name_of(ctx, box.name))
    is_whole = found.state == "sent" or not args.bcc or box.where == "gmail"
    return _done(found) if found.state != "unseen" and is_whole else None


def _done(found: Found) -> Outcome:
    data = "It stands among the drafts of the mailbox."
    if found.state == "sent":
        data = "It stood among the drafts, and was sent from there since."
    return Outcome(state=EffectState.SENT, vendor_ref=found.id, url=found.url, data=data)


TOOLS = (
    Tool(
        name="mailbox_draft",
        arguments=Draft,
        perform=mailbox_draft,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="writing a draft",
    ),
)
