"""Putting a mail of the connected mailbox where its person wants it: archived, read, labelled.

https://developers.google.com/workspace/gmail/api/guides/labels
https://learn.microsoft.com/graph/api/message-update (read 2026-11-22)

Nobody else sees it. How a mail stands says whether it was done, so it may be begun again.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.mailbox._arguments import Hidden, MailId
from tools.mailbox._box import SORT, opened, parted
from tools.mailbox._places import Wish, places_of
from tools.mailbox._words import OneLine

Label = Annotated[OneLine, Field(min_length=1, max_length=100)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=10)]


class Sort(BaseModel):
    """Which mail, and how it is to stand."""

    model_config = ConfigDict(extra="forbid")

    mail: MailId
    archive: bool = False
    read: bool | None = None
    add: Labels | None = None
    remove: Labels | None = None
    account: Hidden = ""
    account_name: Hidden = ""
    sender: Hidden = ""
    subject: Hidden = ""

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse what says nothing, or two things."""
        if self.wish() == Wish():
            raise unfit("say what is to be done: archive, read, add or remove")
        both = {each.lower() for each in self.add or ()} & {e.lower() for e in self.remove or ()}
        if both:
            raise unfit("the same label is to be added and removed")
        return self

    def wish(self) -> Wish:
        """The same as a box takes it."""
        add = {each.lower(): each for each in self.add or ()}
        remove = tuple(self.remove or ())
        return Wish(archive=self.archive, read=self.read, add=tuple(add.values()), remove=remove)


async def complete(ctx: ToolContext, args: Sort) -> Sort:
    """Say which mail it is. Raises Invalid where nothing would change, NotFound."""
    where, id_ = parted(args.mail)
    box = await opened(ctx, SORT, where)
    brief = (await box.mail(id_)).brief
    if args.wish().left(await places_of(box).look(id_)) is None:
        raise Invalid("This mail stands so already.")
    known = {"account": box.account, "account_name": box.name}
    known |= {"sender": brief.sender[:500], "subject": brief.subject[:300]}
    return Sort.model_validate({**args.model_dump(exclude_none=True), **known})


def preview(args: Sort) -> Card:
    """Which mail, and what becomes of it."""
    box = "Gmail" if args.mail.startswith("gmail:") else "Outlook"
    name = "labels" if box == "Gmail" else "categories"
    lines = [
        Line(name="Mail", value=args.subject or args.mail),
        Line(name="From", value=args.sender or "not known yet"),
    ]
    if args.archive:
        lines.append(Line(name="Archive", value="it leaves the inbox and is kept"))
    if args.read is not None:
        lines.append(Line(name="Marked", value="read" if args.read else "unread"))
    if args.add:
        lines.append(Line(name=f"Gets the {name}", value=", ".join(args.add)))
    if args.remove:
        lines.append(Line(name=f"Loses the {name}", value=", ".join(args.remove)))
    lines.append(Line(name="Mailbox", value=f"{args.account_name or 'not known yet'} ({box})"))
    return Card(
        title="Sort a mail of the mailbox", fields=tuple(lines), audience="nobody else sees it"
    )


async def mailbox_sort(ctx: ToolContext, args: Sort) -> Outcome:
    """Archive a mail of the person's mailbox, mark it read or unread, give it labels or take them.

    Use it when the person wants a mail put away or marked. It deletes nothing. Do not use it to
    answer: that is mailbox_send. Outlook calls labels categories.
    - mail: its id from mailbox_search.
    - archive: true takes it out of the inbox and keeps it.
    - read: true marks it read, false unread.
    - add, remove: labels by their names, such as ["Invoices"]; one that is not there yet is made.
    Example: {"mail": "gmail:18f2c3", "archive": true, "add": ["Invoices"]}
    """
    where, id_ = parted(args.mail)
    places = places_of(await opened(ctx, SORT, where, args.account))
    if left := args.wish().left(await places.look(id_)):
        await places.put(id_, left)
    return _done(args)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look how the mail stands."""
    args = Sort.model_validate(effect.arguments)
    where, id_ = parted(args.mail)
    places = places_of(await opened(ctx, SORT, where, args.account))
    return None if args.wish().left(await places.look(id_)) else _done(args)


def _done(args: Sort) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=args.mail, data="The mail is put so.")


TOOLS = (
    Tool(
        name="mailbox_sort",
        arguments=Sort,
        perform=mailbox_sort,
        complete=complete,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        outside=True,
        saying="sorting a mail",
    ),
)
