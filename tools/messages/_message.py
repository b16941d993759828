"""What all platforms share: the arguments of a message, its completion, its card, its sending.

A platform's file says its name, limits and policy as a `Platform` and makes its tool of the pieces
here (`slack.py` is the shortest example). The model names a place and files; `complete` turns that
into ids, names, sizes and hashes before anybody is asked, so that the card shows exactly what the
yes is bound to. Names of arguments are fixed: an approval that waits for a week must still fit.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, Outcome
from bot.core.errors import Invalid, OperatorError
from bot.core.event import Attachment
from bot.core.tool import Complete, Find, Preview, ToolContext
from bot.platforms.lent import Spot
from bot.platforms.outgoing import Outgoing, Parcel
from tools._arguments import unfit

HARD_MAX = 40_000
"""No platform takes a longer text, in however many parts."""
MAX_FILES = 10
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CALLS_ALL = re.compile(
    r"(?<![\w@])@(everyone|here|channel|all|team)\b|<!(?:here|channel|everyone)"
)


def text_of(value: str) -> str:
    """The words with one kind of line end. Refuses control characters and half letters."""
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise unfit(f"it holds the control character U+{ord(found[0]):04X}; leave that out")
    return text


def _line(value: str) -> str:
    text = text_of(value)
    if not text or "\n" in text:
        raise unfit("it is one line that is not empty")
    return text


Text = Annotated[str, Field(max_length=HARD_MAX), AfterValidator(text_of)]
"""Text with line breaks, in Markdown."""
PlaceName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=500)]]
"""Filled in by the house; a model is not told of it."""


class FileArgument(BaseModel):
    """One kept file that goes with the message."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=80)]
    name: Hidden = ""
    media_type: Hidden = ""
    size: SkipJsonSchema[int] = 0
    sha256: Hidden = ""


class MessageArguments(BaseModel):
    """What every platform takes."""

    model_config = ConfigDict(extra="forbid")

    place: PlaceName
    text: Text
    files: list[FileArgument] | None = Field(default=None, max_length=MAX_FILES)
    place_id: Hidden = ""
    place_about: Hidden = ""

    def attachments(self) -> tuple[Attachment, ...]:
        """The files as a message carries them."""
        return tuple(
            Attachment(
                name=item.name,
                media_type=item.media_type,
                size=item.size,
                sha256=item.sha256,
                source=item.id,
            )
            for item in self.files or ()
        )


class KindMessage(MessageArguments):
    """A message whose place may be said by its kind, as an owner set it."""

    place: PlaceName | Literal[""] = ""
    kind: Annotated[str, Field(max_length=40)] = ""


T = TypeVar("T", bound=MessageArguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One platform, as far as messages go."""

    name: str
    """The channel's name, such as `slack`."""
    title: str
    """As people say it, such as `Slack`."""
    max_chars: int
    """Of one message; a longer text goes in several."""
    note: str = ""
    """What a person should know before a yes, such as that it cannot be looked up."""


def outgoing(ctx: ToolContext) -> Outgoing:
    """Who sends. Raises OperatorError in a house without platforms."""
    if not isinstance(ctx.settings, Outgoing):
        raise OperatorError("This house sends no messages to platforms.")
    return ctx.settings


async def named(ctx: ToolContext, args: T, *, place: str, place_id: str, about: str) -> T:
    """The arguments with a place that is known already, and with what their files are.

    Raises Invalid, NotFound.
    """
    if not args.text and not args.files:
        raise Invalid("There is nothing to send; give a text.")
    files = None
    if args.files:
        found = await outgoing(ctx).files(ctx, [item.id for item in args.files])
        files = [
            FileArgument(
                id=item.source,
                name=item.name,
                media_type=item.media_type,
                size=item.size,
                sha256=item.sha256,
            )
            for item in found
        ]
    return args.model_copy(
        update={"place": place, "place_id": place_id, "place_about": about, "files": files}
    )


def completing(platform: Platform) -> Complete:
    """Finds the place and the files that a call names, before anybody is asked."""

    async def complete(ctx: ToolContext, args: MessageArguments) -> MessageArguments:
        out = outgoing(ctx)
        if isinstance(args, KindMessage) and args.kind:
            spot = await out.place_of_kind(ctx.tenant, platform.name, args.kind)
        elif args.place:
            spot = await out.place(ctx.tenant, platform.name, args.place)
        else:
            raise Invalid("Say where it goes: give the kind of message it is, or a place.")
        return await named(ctx, args, place=spot.name, place_id=spot.id, about=spot.about)

    return complete


def previewing(platform: Platform) -> Preview:
    """Shows a message exactly as it will leave."""

    def preview(args: MessageArguments) -> Card:
        return card_of(platform, args)

    return preview


def card_of(platform: Platform, args: MessageArguments) -> Card:
    """The card: where exactly, what exactly, which files, and what is odd about it."""
    where = f"{args.place} ({args.place_id})" if args.place_id else args.place
    lines = [Line(name="To", value=where)]
    if isinstance(args, KindMessage) and args.kind:
        lines.append(Line(name="Kind", value=args.kind))
    if args.text:
        lines.append(Line(name="Text", value=args.text, long=True, editable="text"))
    lines += [
        Line(name="File", value=f"{item.name or item.id} ({item.media_type}, {item.size:,} bytes)")
        for item in args.files or ()
    ]
    warnings = [platform.note] if platform.note else []
    if _CALLS_ALL.search(args.text):
        warnings.append("Words like @everyone stand there as words; they call nobody.")
    if len(args.text) > platform.max_chars:
        warnings.append(
            f"The text is longer than one message ({platform.max_chars:,} characters) and goes in "
            "several."
        )
    return Card(
        title=f"Send a message on {platform.title}",
        recipients=(args.place,),
        fields=tuple(lines),
        body=args.text,
        warnings=tuple(warnings),
        audience=args.place_about,
    )


async def send(
    platform: Platform, ctx: ToolContext, args: MessageArguments, *, spot: Spot | None = None
) -> Outcome:
    """Send it, to `spot` where the tool knows the place itself. Raises as `Outgoing.send` does."""
    parcel = Parcel(
        place=args.place, place_id=args.place_id, text=args.text, files=args.attachments()
    )
    return await outgoing(ctx).send(ctx, platform.name, parcel, spot)


def finding(platform: Platform) -> Find:
    """Looks up whether a message is there; for platforms that can be looked into."""

    async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
        return await outgoing(ctx).find(platform.name, effect)

    return find
