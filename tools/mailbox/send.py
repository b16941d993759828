"""Sending a mail from the connected mailbox, as its person; `_sending.py` says how it goes once.

https://developers.google.com/workspace/gmail/api/guides/sending
https://learn.microsoft.com/graph/api/message-send (read 2026-11-21)
"""

from bot.core.card import Card
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.mailbox._arguments import Writing, card_of, completed, made, named_box
from tools.mailbox._box import SEND, opened
from tools.mailbox._sending import Leaving, delivered, looked_up


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

    async def write() -> Leaving:
        data = await made(ctx, box, args)
        return Leaving(data=data, thread=args.thread, bcc=tuple(args.bcc or ()))

    return await delivered(ctx, box, write)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look where the mail stands. None: its draft was not sent, and can be."""
    args = Send.model_validate(effect.arguments)
    return await looked_up(ctx, effect, named_box(args), args.account)


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
