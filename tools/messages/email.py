"""Mail to one address, from the agent's own.

What makes it go once is what the carriers that are connected can do: a key, a look-up, or neither;
then a mail whose sending was cut off is asked about, unless there is news of it.
https://www.rfc-editor.org/rfc/rfc5322 (read 2026-11-21)
"""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from bot.platforms.outgoing import Parcel
from tools._arguments import unfit
from tools.messages._message import (
    MessageArguments,
    Platform,
    card_of,
    completing,
    finding,
    outgoing,
)

EMAIL = Platform(name="email", title="e-mail", max_chars=200_000)


def _subject(value: str) -> str:
    text = " ".join(value.split())
    if not text.isprintable() or not text:
        raise unfit("it is one line of words")
    if "=?" in text:
        raise unfit("mail programs would read =? as the beginning of other words; leave that out")
    return text


class EmailMessage(MessageArguments):
    """A mail."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_subject)]


async def send_email(ctx: ToolContext, args: EmailMessage) -> Outcome:
    """Send one mail to one person.

    Use it when the person wants somebody to be written to by e-mail. Do not use it to answer here:
    simply answer. It has no copies: one call for each address.
    - place: the address, such as "ben@example.org". Never guess one.
    - subject: one line.
    - text: the mail, in Markdown.
    - files: kept files that go with it, each {"id": "fil_…"} from file_list; may be left out.
    Example: {"place": "ben@example.org", "subject": "Tea on Sunday", "text": "We meet at four."}
    """
    parcel = Parcel(
        place=args.place,
        place_id=args.place_id,
        text=args.text,
        files=args.attachments(),
        extra={"agent": ctx.agent, "subject": args.subject},
    )
    return await outgoing(ctx).send(ctx, EMAIL.name, parcel)


def rests_on(ctx: ToolContext, args: EmailMessage) -> tuple[Policy, int]:
    """What the carriers of this tenant can do now."""
    return outgoing(ctx).rests_on(ctx.tenant, EMAIL.name)


def preview(args: EmailMessage) -> Card:
    """The mail exactly as it will leave."""
    card = card_of(EMAIL, args)
    to, *rest = card.fields
    lines = (to, Line(name="Subject", value=args.subject, editable="subject"), *rest)
    return Card(
        title="Send an e-mail",
        recipients=card.recipients,
        fields=lines,
        body=card.body,
        warnings=card.warnings,
        audience=card.audience,
    )


TOOLS = (
    Tool(
        name="send_email",
        arguments=EmailMessage,
        perform=send_email,
        complete=completing(EMAIL),
        find=finding(EMAIL),
        preview=preview,
        risk=Risk.WRITE,
        rests_on=rests_on,
        egress=True,
        saying="writing a mail",
    ),
)
