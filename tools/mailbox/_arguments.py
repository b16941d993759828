"""What drafting and sending share: arguments, what the house fills in, the card, the mail made.

A model says whom and what; `complete` adds the account, the mail that is answered, and what the
files are, before anybody is asked. So the card shows them, and the yes is bound to them.
"""

from email.utils import getaddresses
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.errors import Invalid
from bot.core.tool import ToolContext
from bot.reach import reach_of
from tools._arguments import refit
from tools.mailbox._box import parted
from tools.mailbox._letter import Letter, chain, name_of, subject_for, written
from tools.mailbox._mail import Box, Mail
from tools.mailbox._words import EMAIL, Email, OneLine, Words

MAX_PEOPLE, MAX_FILES = 20, 5
MAX_BYTES = 2_000_000
"""Of all files together: a mail goes to Microsoft in one request of 4 MB, coded twice."""
People = Annotated[list[Email], Field(max_length=MAX_PEOPLE)]
_MAIL_ID = r"^(gmail|outlook):[A-Za-z0-9_=+-]+$"
MailId = Annotated[str, Field(min_length=1, max_length=600, pattern=_MAIL_ID)]
Named = Literal["gmail", "outlook"]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=8_000)]]
"""Filled in by the house; a model is not told of it."""


class FileArgument(BaseModel):
    """One kept file that goes along."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=80)]
    name: Hidden = ""
    media_type: Hidden = ""
    size: SkipJsonSchema[int] = 0
    sha256: Hidden = ""


class Writing(BaseModel):
    """A mail to be written."""

    model_config = ConfigDict(extra="forbid")

    to: People | None = None
    cc: People | None = None
    bcc: People | None = None
    subject: OneLine = ""
    text: Words
    reply_to: MailId | None = None
    files: list[FileArgument] | None = Field(default=None, max_length=MAX_FILES)
    mailbox: Named | None = None
    account: Hidden = ""
    account_name: Hidden = ""
    answers: Hidden = ""
    """The Message-ID of the mail that is answered."""
    references: Hidden = ""
    thread: Hidden = ""
    was_from: Hidden = ""
    was_subject: Hidden = ""


A = TypeVar("A", bound=Writing)


async def completed(ctx: ToolContext, box: Box, args: A) -> A:
    """The arguments in full. Raises Invalid, NotFound, OperatorError."""
    known: dict[str, Json] = {
        "account": box.account,
        "account_name": box.name,
        "mailbox": box.where,
        **dict.fromkeys(("answers", "references", "thread", "was_from", "was_subject"), ""),
    }
    if args.reply_to:
        known |= _answering(args, await box.mail(parted(args.reply_to)[1]))
    if not (args.to or known.get("to")):
        raise Invalid("Say whom the mail goes to.")
    if not (args.subject or known.get("subject")):
        raise Invalid("Give the mail a subject.")
    if args.files:
        lent = reach_of(ctx)
        files: list[Json] = [await lent.known(ctx, item.id) for item in args.files]
        known["files"] = files
        if sum(int(str(each["size"])) for each in files if isinstance(each, dict)) > MAX_BYTES:
            raise Invalid(
                "The files are too large for a mail: 2 MB in all. Put them on a drive and share it."
            )
    return refit(args, known)


def _answering(args: Writing, mail: Mail) -> dict[str, Json]:
    """What an answer takes from the mail that it answers."""
    known: dict[str, Json] = {
        "answers": mail.message_id[:1_000],
        "references": " ".join(chain(mail.references, mail.message_id)[:-1])[:8_000],
        "thread": mail.thread[:300],
        "was_from": mail.brief.sender,
        "was_subject": mail.brief.subject,
    }
    if not args.to:
        people: list[Json] = [a for _, a in getaddresses([mail.reply_to]) if EMAIL.fullmatch(a)]
        known["to"] = people[:1]
    if not args.subject:
        known["subject"] = subject_for(mail.brief.subject).replace("=?", "= ?")[:300]
    return known


def named_box(args: Writing) -> str:
    """Which box the arguments name; empty where they leave it open. Raises Invalid."""
    of_mail = parted(args.reply_to)[0] if args.reply_to else ""
    if of_mail and args.mailbox and of_mail != args.mailbox:
        raise Invalid("The mail that is answered is in the other mailbox.")
    return of_mail or args.mailbox or ""


def card_of(title: str, audience: str, args: Writing) -> Card:
    """The mail exactly as it will stand there, and as whom."""
    box = {"gmail": "Gmail", "outlook": "Outlook"}.get(args.mailbox or "", "not known yet")
    to, cc, bcc = args.to or [], args.cc or [], args.bcc or []
    lines = [
        Line(name="From", value=f"{args.account_name or 'not known yet'} ({box})"),
        Line(name="To", value=", ".join(to) or "not known yet"),
    ]
    if cc:
        lines.append(Line(name="Copy to", value=", ".join(cc)))
    if bcc:
        lines.append(Line(name="Unseen copy to", value=", ".join(bcc)))
    lines.append(Line(name="Subject", value=args.subject or "not known yet", editable="subject"))
    if args.reply_to:
        was = f"“{args.was_subject}” from {args.was_from}" if args.was_from else args.reply_to
        lines.append(Line(name="Answers", value=was))
    lines.append(Line(name="Text", value=args.text, long=True, editable="text"))
    lines += [
        Line(name="File", value=f"{item.name or item.id} ({item.media_type}, {item.size:,} bytes)")
        for item in args.files or ()
    ]
    return Card(
        title=title,
        recipients=tuple(dict.fromkeys([*to, *cc, *bcc])),
        fields=tuple(lines),
        body=args.text,
        warnings=tuple(_warnings(args)),
        audience=audience,
    )


def _warnings(args: Writing) -> list[str]:
    if not args.was_from or not args.to:
        return []
    known = {address.lower() for _, address in getaddresses([args.was_from])}
    others = [each for each in args.to if each.lower() not in known]
    if not others:
        return []
    return [f"The mail that is answered came from another address than {', '.join(others)}."]


async def made(ctx: ToolContext, box: Box, args: Writing) -> bytes:
    """The mail that these arguments mean, as bytes. Raises Conflict, Invalid, NotFound."""
    lent = reach_of(ctx)
    files = [await lent.taken(ctx, item.id, item.sha256) for item in args.files or ()]
    letter = Letter(
        # An address of sign-in need not be one of mail at Microsoft, which puts its own there.
        sender=box.name if box.where == "gmail" else "",
        to=args.to or (),
        cc=args.cc or (),
        bcc=(args.bcc or ()) if box.where == "gmail" else (),
        subject=args.subject,
        text=args.text,
        answers=args.answers,
        references=args.references,
        files=files,
    )
    return written(ctx, letter, name_of(ctx, box.name), ctx.clock)
